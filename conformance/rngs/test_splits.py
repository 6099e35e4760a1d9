"""What `split_rngs` does to random state, and what it leaves alone."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import ELEMENTS
from conformance.harness.twins import Scene
from conformance.rngs.generator import light_key, light_keys, light_rngs
from conformance.rngs.noisy import SPLIT, Noisy, add_noise, lift_noise, noise_inputs, words

GUIDE = "Random state"

Call = Callable[..., Any]


def decorator(case: Case, inner: Call, noisy: Noisy, x: jax.Array, **options: Any) -> Any:
    """Calls `inner` under `split_rngs` as a decorator."""
    return case.call(nnx.split_rngs(splits=case.elements, **options)(inner), noisy, x)


def context(case: Case, inner: Call, noisy: Noisy, x: jax.Array, **options: Any) -> Any:
    """Calls `inner` under `split_rngs` as a context manager."""
    with nnx.split_rngs(noisy, splits=case.elements, **options):
        return case.call(inner, noisy, x)


FORMS = {"decorator": decorator, "context": context}


def stream_of(key: jax.Array, count: int) -> dict[str, jax.Array]:
    """What the Variables of an unsplit stream hold."""
    return {"key": key, "count": jnp.asarray(np.uint32(count))}


def read_stream(stream: nnx.RngStream) -> dict[str, jax.Array]:
    return {"key": spelling.read(stream.key), "count": spelling.read(stream.count)}


def shapes(stream: nnx.RngStream) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in read_stream(stream).items()}


def different(*draws: jax.Array) -> int:
    """How many different keys there are among the words of many."""
    return len(np.unique(np.concatenate([np.atleast_2d(draw) for draw in draws]), axis=0))


@claim(
    "rngs/split-and-lower",
    guide=GUIDE,
    across=("vmap", "scan", "pmap"),
    styles=STYLES,
    variants=FORMS,
)
def test_split_and_lower(case: Case) -> None:
    """Random state is split for the call alone: after it there is one usable, advanced stream."""
    key = light_key(0)
    noisy = Noisy(light_rngs(noise=key))
    lifted, x = lift_noise(case, SPLIT), noise_inputs(case)
    draws = []
    for calls in (1, 2):
        _, drawn = case.variant(case, lifted, noisy, x)
        draws.append(drawn)
        case.equal({"outside": read_stream(noisy.rngs.noise)}, {"outside": stream_of(key, calls)})
    draws.append(words(noisy.rngs.noise()))
    case.equal({"different": different(*draws)}, {"different": 2 * case.elements + 1})


@claim(
    "rngs/split-unusable-outside",
    guide=GUIDE,
    variants={
        "made_of_split_keys": lambda: Noisy(light_rngs(noise=light_keys(0, ELEMENTS))),
        "split_in_place": lambda: _split_in_place(Noisy(light_rngs(noise=light_key(0)))),
    },
)
def test_split_unusable_outside(case: Case) -> None:
    """Random state that was split by hand stays so: nothing can be drawn from it directly."""
    noisy = case.variant()
    axis = (ELEMENTS,)
    case.equal({"shape": shapes(noisy.rngs.noise)}, {"shape": {"key": axis, "count": axis}})
    case.refuses(noisy.rngs.noise, Scene.of([noisy]), match="key")


def _split_in_place(noisy: Noisy) -> Noisy:
    nnx.split_rngs(noisy, splits=ELEMENTS)
    return noisy


@claim(
    "rngs/split-only",
    guide=GUIDE,
    across=("vmap",),
    styles=STYLES,
    variants={
        f"{form}_{label}": (split, only)
        for form, split in FORMS.items()
        for label, only in {
            "by_name": "noise",
            "by_path": nnx.PathContains("noise"),
            "by_predicate": lambda path, value: "noise" in path,
        }.items()
    },
)
def test_split_only(case: Case) -> None:
    """Only the selected streams are split; the others stay as they were."""
    split, only = case.variant
    noise, mask = light_key(0), light_key(1)
    noisy = Noisy(light_rngs(noise=noise, mask=mask))
    during = {}

    def draw_both(noisy, x):
        return words(noisy.rngs.noise()), words(noisy.rngs.mask())

    lifted = case.decorate(draw_both, in_axes=(nnx.StateAxes({only: 0, ...: None}), 0))

    def inner(noisy, x):
        during.update(noise=shapes(noisy.rngs.noise), mask=read_stream(noisy.rngs.mask))
        return lifted(noisy, x)

    of_noise, of_mask = split(case, inner, noisy, noise_inputs(case), only=only)
    split_shape = (case.elements,)
    case.equal(
        {
            "during": during,
            "noise": read_stream(noisy.rngs.noise),
            "mask": read_stream(noisy.rngs.mask),
            "different draws of noise": different(of_noise),
            "draws of mask": of_mask,
        },
        {
            "during": {
                "noise": {"key": split_shape, "count": split_shape},
                "mask": stream_of(mask, 0),
            },
            "noise": stream_of(noise, 1),
            "mask": stream_of(mask, 1),
            "different draws of noise": case.elements,
            "draws of mask": np.stack([words(jax.random.fold_in(mask, 0))] * case.elements),
        },
    )


@claim(
    "rngs/other-state-untouched",
    guide=GUIDE,
    across=("vmap",),
    styles=STYLES,
    variants=FORMS,
)
def test_other_state_untouched(case: Case) -> None:
    """Splitting random state does not change other state, and undoes no update of it."""
    noisy = Noisy(light_rngs(noise=light_key(0)))
    others = {"kernel": noisy.kernel, "count": noisy.count}
    during = {}

    def counted(noisy, x):
        spelling.add(noisy.count, 1)
        return add_noise(noisy, x)

    lifted = lift_noise(case, SPLIT, counted)

    def inner(noisy, x):
        during.update({name: spelling.read(variable) for name, variable in others.items()})
        return lifted(noisy, x)

    before = {name: spelling.read(variable) for name, variable in others.items()}
    case.variant(case, inner, noisy, noise_inputs(case))
    after = {"kernel": noisy.kernel, "count": noisy.count}
    case.equal(
        {
            "during": during,
            "after": {name: spelling.read(variable) for name, variable in after.items()},
            "same Variables": all(after[name] is others[name] for name in others),
        },
        {
            "during": before,
            "after": before | {"count": before["count"] + 1},
            "same Variables": True,
        },
    )


SHARED: dict[str, Callable[[Noisy], Any]] = {
    "stream": lambda noisy: noisy.rngs.noise,
    "rngs": lambda noisy: noisy.rngs,
}


@claim(
    "rngs/split-shared",
    guide=GUIDE,
    across=("vmap",),
    styles=("function",),
    variants={
        f"{form}_{label}": (split, shared)
        for form, split in FORMS.items()
        for label, shared in SHARED.items()
    },
)
def test_split_shared(case: Case) -> None:
    """Random state that is reached by two names is split once, and stays shared."""
    split, shared = case.variant
    key = light_key(0)
    noisy = Noisy(light_rngs(noise=key))
    noisy.again = shared(noisy)
    during = {}

    def draw_by_both(noisy, x):
        again = getattr(noisy.again, "noise", noisy.again)
        return words(noisy.rngs.noise()), words(again())

    lifted = lift_noise(case, SPLIT, draw_by_both)

    def inner(noisy, x):
        during.update(shapes(noisy.rngs.noise))
        return lifted(noisy, x)

    draws = split(case, inner, noisy, noise_inputs(case))
    axis = (case.elements,)
    case.equal(
        {
            "during": during,
            "after": read_stream(noisy.rngs.noise),
            "still shared": noisy.again is shared(noisy),
            "different": different(*draws),
        },
        {
            "during": {"key": axis, "count": axis},
            "after": stream_of(key, 1),
            "still shared": True,
            "different": 2 * case.elements,
        },
    )
