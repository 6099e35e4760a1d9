"""Transforms of transforms, as data: the nests that users write, each lifted as one transform."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from packaging.version import Version

from conformance.harness.transforms import (
    TRANSFORMS,
    Answer,
    Body,
    Edit,
    Form,
    Setting,
    Transform,
    with_rule,
)

_STRICTEST_LAST = (Answer.DONE, Answer.DONE_OR_REFUSED, Answer.REFUSED)

# A custom_vjp that is called where the row of that name differentiates it: its rule never runs.
_CALLED = replace(
    TRANSFORMS["custom_vjp"], form=Form.ONCE, lift=with_rule, read=lambda outputs: outputs
)


def compose(outer: Transform, inner: Transform) -> Transform:
    """The transform that lifts a body by `inner`, and what that makes of it by `outer`.

    It owes for each edit what the one owes that permits less. What `inner` gives is taken for
    what a body gives, unless `outer` hands it out as it is.
    """

    def lift(body: Body, setting: Setting) -> Callable[..., Any]:
        return outer.lift(inner.lift(body, setting), setting)

    def read(outputs: Any) -> Any:
        handed_out = outer.read(outputs)
        return handed_out if outer.form is Form.DIFFERENTIATED else inner.read(handed_out)

    return Transform(
        name=f"{outer.name}-of-{inner.name}",
        since=max(outer.since, inner.since, key=Version),
        form=inner.form if outer.form is Form.ONCE else outer.form,
        lift=lift,
        answers={
            edit: max(outer.answers[edit], inner.answers[edit], key=_STRICTEST_LAST.index)
            for edit in Edit
        },
        read=read,
        nest=(*outer.layers, *inner.layers),
    )


_PAIRS = (
    ("jit", "vmap"),
    ("jit", "value_and_grad"),
    ("jit", "cond"),
    ("jit", "while_loop"),
    ("jit", "vjp"),
    ("vmap", "vmap"),
    ("vmap", "grad"),
    ("vmap", "jvp"),
    ("vmap", "cond"),
    ("vmap", "scan"),
    ("scan", "vmap"),
    ("scan", "remat"),
    ("scan", "switch"),
    ("remat", "scan"),
    ("grad", "scan"),
    ("grad", "remat"),
    ("value_and_grad", "vmap"),
    ("cond", "jit"),
    ("fori_loop", "jit"),
    ("checkify", "jit"),
    ("pmap", "grad"),
    ("shard_map", "remat"),
)

NESTED: Mapping[str, Transform] = {
    nest.name: nest
    for nest in (
        *(compose(TRANSFORMS[outer], TRANSFORMS[inner]) for outer, inner in _PAIRS),
        compose(TRANSFORMS["jit"], _CALLED),
    )
}

ALL_NESTED = tuple(NESTED)

# Fewer, for claims whose cases are dear; state_propagation/nested-transforms takes them all.
VARIED_NESTS = (
    "jit-of-vmap",
    "jit-of-cond",
    "jit-of-while_loop",
    "jit-of-vjp",
    "jit-of-custom_vjp",
    "vmap-of-vmap",
    "vmap-of-scan",
    "scan-of-vmap",
    "scan-of-remat",
    "grad-of-remat",
    "fori_loop-of-jit",
    "shard_map-of-remat",
)

# What a claim may be crossed with.
LIFTS: Mapping[str, Transform] = {**TRANSFORMS, **NESTED}
