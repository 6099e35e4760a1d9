"""Sub-states that every element shares."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.twins import Scene
from conformance.models import Count
from conformance.state_axes.weights import (
    Mapped,
    Mean,
    Weights,
    along,
    each,
    inputs,
    threaded,
    train,
    with_held,
)

GUIDE = "Transforming sub-states (lift types)"
COUNT_BROADCAST = Mapped({nnx.Param: 0, Mean: 0, Count: None}, along(0, 0, 0, None))
ALL_BROADCAST = Mapped({...: None}, along(None, None, None, None))
MEAN_BROADCAST = Mapped({(nnx.Param, Count): 0, Mean: None}, along(0, 0, None, 0))


class Network(nnx.Module):
    """A layer inside a Module that counts, too: in a Variable of its own."""

    def __init__(self, layer: Weights) -> None:
        self.layer = layer
        self.uses = Count(spelling.read(layer.count))

    def __call__(self, x):
        spelling.add(self.uses, 1)
        return self.layer(x)


def alone(layer: Weights) -> Weights:
    return layer


def use(layer, x):
    return layer(x)


@claim(
    "state_axes/broadcast-once",
    guide=GUIDE,
    across=("vmap", "pmap"),
    styles=STYLES,
    variants={
        "sub-state": (COUNT_BROADCAST, alone),
        "nested": (COUNT_BROADCAST, Network),
        "everything": (ALL_BROADCAST, alone),
    },
)
def test_broadcast_once(case: Case) -> None:
    """A broadcast count is one scalar for all elements, and goes up once a call, not once each."""
    mapped, wrap = case.variant
    parts = mapped.elements(case.elements)
    found = with_held(wrap(mapped.stack(parts)))
    x = inputs(case.elements)
    lifted = case.decorate(use, in_axes=(mapped.prefix, 0), out_axes=0)
    found["y"] = case.call(lifted, found["weights"], x)
    y = each(use, [wrap(part) for part in parts], x)
    case.equal(found, with_held(wrap(mapped.stack(parts))) | {"y": y})


SIZES = {"vmap": "axis_size", "scan": "length"}  # JAX's pmap wants an axis of some argument


@claim("state_axes/all-broadcast", guide=GUIDE, across=tuple(SIZES), styles=("function",))
def test_all_broadcast(case: Case) -> None:
    """Where one `None` broadcasts all arguments, every element or step gets them as they are."""

    def body(weights, x):
        seen = {"bias": spelling.read(weights.bias), "count": spelling.read(weights.count), "x": x}
        return seen | {"y": x @ spelling.read(weights.kernel)}

    weights = Weights()
    x = inputs(1)[0]
    size = {SIZES[case.transform.name]: case.elements}
    lifted = case.decorate(body, in_axes=None, out_axes=0, **size)
    found = with_held(weights) | {"output": lifted(weights, x)}
    output = {name: np.stack([y] * case.elements) for name, y in body(Weights(), x).items()}
    case.equal(found, with_held(Weights()) | {"output": output})


@claim("state_axes/divergent-broadcast", guide=GUIDE, across=("vmap",), styles=STYLES)
def test_divergent_broadcast(case: Case) -> None:
    """A broadcast Variable that would end up different per element is refused."""

    def diverge(weights, x):
        spelling.add(weights.count, x[0].astype(int))
        return weights(x)

    weights = COUNT_BROADCAST.stack(COUNT_BROADCAST.elements(case.elements))
    lifted = case.decorate(diverge, in_axes=(COUNT_BROADCAST.prefix, 0), out_axes=0)
    x = inputs(case.elements)
    case.refuses(lambda: case.call(lifted, weights, x), Scene.of([weights]), match="batched|None")


@dataclass(frozen=True)
class Loop:
    """A scan that broadcasts: as it is declared, as it is meant, and a body that updates it."""

    prefix: nnx.StateAxes | None
    mapped: Mapped
    body: Callable[..., Any]
    same_each_step: bool = True

    def told(self, elements: int, *, shared: bool) -> dict[str, Any]:
        """What plain Python leaves where the layers share what is broadcast, or have their own."""
        parts = self.mapped.elements(elements, shared=shared)
        y = threaded(self.body, parts, inputs(1)[0])
        return with_held(self.mapped.stack(parts)) | {"y": y}


LOOPS = {
    "sub-state": Loop(COUNT_BROADCAST.prefix, COUNT_BROADCAST, train),
    "everything": Loop(ALL_BROADCAST.prefix, ALL_BROADCAST, use),
    "object": Loop(None, ALL_BROADCAST, use),
    "step-dependent": Loop(MEAN_BROADCAST.prefix, MEAN_BROADCAST, train, same_each_step=False),
}


@claim(
    "state_axes/broadcast-not-lost",
    guide=GUIDE,
    across=("scan",),
    styles=("function",),
    variants=LOOPS,
)
def test_broadcast_not_lost(case: Case) -> None:
    """An update of what a loop broadcasts reaches the outside or is refused; it is never lost.

    What reaches the outside is the update of every step or, where all steps make the same one,
    that of one step, as in vmap. No other value is disturbed by it.
    """
    loop = case.variant
    expected = loop.told(case.elements, shared=True)
    found = with_held(loop.mapped.stack(loop.mapped.elements(case.elements)))
    weights = found["weights"]
    axes = {"in_axes": (loop.prefix, nnx.Carry), "out_axes": nnx.Carry}
    lifted = case.decorate(loop.body, **axes, length=case.elements)

    def hold(y):
        nonlocal expected
        if loop.same_each_step:
            once = loop.told(case.elements, shared=False)
            if spelling.read(weights.count) == spelling.read(once["weights"].count):
                expected = once
        case.equal(found | {"y": y}, expected)

    def call():
        return case.call(lifted, weights, inputs(1)[0])

    case.done_or_refused(call, Scene.of([weights]), hold)
