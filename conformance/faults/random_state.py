"""Random state that is not split, not advanced, or not told apart."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
from flax import nnx

from conformance.faults.fault import Call, Fault
from conformance.faults.graphs import Before
from conformance.harness import spelling
from conformance.harness.descriptions import variables

RNGS = ("rngs/*",)
SPLITS = ("rngs/split*", "rngs/dropout-masks")

Split = Callable[..., Any]


def random_variables(tree: Any) -> dict[Any, Any]:
    return variables(tree, nnx.RngState)


def other_splits(make: Callable[[Split], Split]) -> Callable[[], AbstractContextManager[Any]]:
    """Puts another `split_rngs` in the place of Flax's, which `make` gets."""
    return lambda: mock.patch.object(nnx, "split_rngs", make(nnx.split_rngs))


class _Splitting:
    """What `split_rngs` gives for objects, which are split at once, with an edit at both ends."""

    def __init__(self, backups: Any, after: Callable[[], None]) -> None:
        self._backups = backups
        self._after = after

    def __enter__(self) -> None:
        self._backups.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._backups.__exit__(*error)
        self._after()


def around(edit: Callable[[Any], Callable[[], None]]) -> Callable[[Split], Split]:
    """Splits as Flax does; `edit` gets the objects when split, and what it gives is run after."""

    def make(real: Split) -> Split:
        def split(tree: Any, **options: Any) -> _Splitting:
            return _Splitting(real(tree, **options), edit(tree))

        def split_rngs(*given: Any, **options: Any) -> Any:
            if given:
                return split(*given, **options)

            def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
                @wraps(function)
                def inside(*arguments: Any, **keywords: Any) -> Any:
                    with split(arguments, **options):
                        return function(*arguments, **keywords)

                return inside

            return decorate

        return split_rngs

    return make


def no_split(real: Split) -> Split:
    def split_rngs(*given: Any, **_: Any) -> Any:
        return nullcontext() if given else lambda function: function

    return split_rngs


def split_all(real: Split) -> Split:
    def split_rngs(*given: Any, **options: Any) -> Any:
        options.pop("only", None)
        return real(*given, **options)

    return split_rngs


def stays_split(tree: Any) -> Callable[[], None]:
    found = random_variables(tree).values()
    split = [(variable, spelling.read(variable)) for variable in found]

    def after() -> None:
        for variable, value in split:
            spelling.write(variable, value)

    return after


def not_advanced(tree: Any) -> Callable[[], None]:
    counts = variables(tree, nnx.RngCount).values()

    def after() -> None:
        for variable in counts:
            spelling.write(variable, jnp.zeros_like(spelling.read(variable)))

    return after


def another_key(tree: Any) -> Callable[[], None]:
    keys = variables(tree, nnx.RngKey).values()

    def after() -> None:
        for variable in keys:
            spelling.write(variable, jax.random.fold_in(spelling.read(variable), 1))

    return after


def alike(tree: Any) -> Callable[[], None]:
    """Every element gets the key of the first."""
    for variable in variables(tree, nnx.RngKey).values():
        key = spelling.read(variable)
        if key.shape:
            spelling.write(variable, jnp.broadcast_to(key[:1], key.shape))
    return lambda: None


def others_changed(tree: Any) -> Callable[[], None]:
    for variable in Before(tree).variables:
        if not isinstance(variable, nnx.RngState):
            spelling.write(variable, spelling.read(variable) + 1)
    return lambda: None


def draws(make: Callable[[Any], Any]) -> Callable[[], AbstractContextManager[Any]]:
    """Puts another way to draw in the place of a stream's own, which `make` gets."""
    real = nnx.RngStream.__call__
    return lambda: mock.patch.object(nnx.RngStream, "__call__", make(real))


def same_key(real: Any) -> Any:
    def draw(stream: Any) -> Any:
        real(stream)
        first = jnp.zeros_like(spelling.read(stream.count))
        return jax.random.fold_in(spelling.read(stream.key), first)

    return draw


def not_counted(real: Any) -> Any:
    def draw(stream: Any) -> Any:
        count = spelling.read(stream.count)
        key = real(stream)
        spelling.write(stream.count, count)
        return key

    return draw


def from_first(real: Any) -> Any:
    """Draws from the first of several keys, where none can be drawn."""

    def draw(stream: Any) -> Any:
        key = spelling.read(stream.key)
        return jax.random.fold_in(key[0], 0) if key.shape else real(stream)

    return draw


def first_key_for_all(call: Call) -> Any:
    """Gives every element the random state of the first; pmap has it on many devices."""
    if call.transform in ("vmap", "scan"):
        for variable in variables(call.arguments, nnx.RngKey).values():
            key = spelling.read(variable)
            if key.shape:
                spelling.write(variable, jnp.broadcast_to(key[:1], key.shape))
    return call.make()


def unfiltered_state() -> AbstractContextManager[Any]:
    real = nnx.state

    def state(node: Any, *filters: Any) -> Any:
        if len(filters) < 2:
            return real(node, *filters)
        return real(node, _anything, *[nnx.Nothing()] * (len(filters) - 1))

    return mock.patch.object(nnx, "state", state)


def _anything(path: Any, value: Any) -> bool:
    return True


def no_update() -> AbstractContextManager[Any]:
    return mock.patch.object(nnx, "update", return_value=None)


FAULTS = (
    Fault(
        "rngs-not-split",
        "split_rngs splits nothing.",
        (*SPLITS, "rngs/other-state-untouched"),
        patch=other_splits(no_split),
    ),
    Fault(
        "rngs-split-all",
        "split_rngs splits every stream, whichever are selected.",
        ("rngs/split-only",),
        patch=other_splits(split_all),
    ),
    Fault(
        "rngs-stay-split",
        "After split_rngs random state stays as it was split.",
        SPLITS,
        patch=other_splits(around(stays_split)),
    ),
    Fault(
        "rngs-not-advanced",
        "After split_rngs counts begin anew.",
        SPLITS,
        patch=other_splits(around(not_advanced)),
    ),
    Fault(
        "rngs-other-key",
        "After split_rngs a stream has another key.",
        ("rngs/split*",),
        patch=other_splits(around(another_key)),
    ),
    Fault(
        "rngs-split-alike",
        "split_rngs gives every element the same key.",
        SPLITS,
        patch=other_splits(around(alike)),
    ),
    Fault(
        "rngs-split-others",
        "split_rngs changes state that is not random.",
        ("rngs/other-state-untouched",),
        patch=other_splits(around(others_changed)),
    ),
    Fault(
        "same-key-each-use",
        "A stream gives its first key at every use.",
        RNGS,
        patch=draws(same_key),
    ),
    Fault(
        "uses-not-counted",
        "A use of a stream is not counted.",
        RNGS,
        patch=draws(not_counted),
    ),
    Fault(
        "split-state-drawn",
        "From random state that was split a key can be drawn.",
        RNGS,
        patch=draws(from_first),
    ),
    Fault(
        "same-key-each-element",
        "Every element that vmap or scan maps gets the first one's key.",
        RNGS,
        call=first_key_for_all,
    ),
    Fault(
        "state-unfiltered",
        "nnx.state gives all in its first part, whatever the filters say.",
        RNGS,
        patch=unfiltered_state,
    ),
    Fault(
        "update-lost",
        "nnx.update updates nothing, nor does an Optimizer, which asks it.",
        (
            *("rngs/regular-update", "closures/any-mutation-rejected"),
            *("jit_cache/train-step", "lift_types/fine-tuning", "scan_carry/training"),
        ),
        patch=no_update,
    ),
)
