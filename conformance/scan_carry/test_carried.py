"""What scan carries, beside what it scans over and what it broadcasts."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.models import Count, Layer
from conformance.scan_carry.carrying import CARRYING, alone, substates, whole

LIFT_TYPES = "Transforming sub-states (lift types)"
GRAPH_UPDATES = "Graph updates propagation"
LAYERS = 2
X = np.array([1, 2, 3], np.float32)


def train(layer, x):
    """Values that depend on the order of the steps."""
    spelling.write(layer.kernel, spelling.read(layer.kernel) * x + spelling.read(layer.count))
    return layer(x)


def train_both(layer, other, x):
    spelling.add(other.kernel, train(layer, x))
    return train(other, x)


LIFTS = {
    "object": (whole, train, (Layer,)),
    "objects": (whole, train_both, (Layer, Layer)),
    "nothing-else": (alone, train, (Layer,)),
    "substates": (substates, train, (Layer,)),
    "substates-of-objects": (substates, train_both, (Layer, Layer)),
}


@claim(
    "scan_carry/stable", guide=LIFT_TYPES, across=("scan",), styles=("function",), variants=LIFTS
)
def test_stable(case: Case) -> None:
    """A Module that scan carries, whole or as sub-states declared carried, is handed from step to
    step, and its final state is outside, in the caller's own object."""
    carrying, body, makers = case.variant
    carrying(case).holds(body, *makers)


@claim("scan_carry/bare-variable", guide=LIFT_TYPES, across=CARRYING, styles=("function",))
def test_bare_variable(case: Case) -> None:
    """A Variable that is carried by itself, in no Module, is handed from step to step, and its
    final value is outside, in the caller's own Variable."""

    def body(count, x):
        spelling.write(count, spelling.read(count) * 2 + x)
        return x + spelling.read(count)

    whole(case).holds(body, lambda _: Count(jnp.asarray(X)))


class Offset(nnx.Variable):
    """A constant of all layers."""


class Mixed(nnx.Module):
    """One layer of a stack that shares an offset and adds up what its layers put out."""

    def __init__(self, element: int = 0) -> None:
        self.kernel = nnx.Param(jnp.asarray(X + element))
        self.inner = Layer(element)
        self.total = Count(jnp.asarray(X * 0))
        self.offset = Offset(jnp.asarray(X + 5))

    def __call__(self, x):
        y = self.inner(x) * spelling.read(self.kernel) + spelling.read(self.offset)
        spelling.write(self.kernel, spelling.read(self.total) + x)
        spelling.write(self.total, spelling.read(self.total) * 2 + y)
        return y


def mixed_layers(axis: int) -> tuple[Mixed, Mixed, np.ndarray]:
    """A stack of layers, what plain Python makes of it, and the last layer's output."""
    layers = [Mixed(element) for element in range(LAYERS)]
    stack, expected = Mixed(), Mixed()
    stack_parameters(stack, layers, axis)
    y, previous = jnp.asarray(X), Mixed()
    for layer in layers:
        layer.total, layer.inner.count = previous.total, previous.inner.count
        y, previous = layer(y), layer
    stack_parameters(expected, layers, axis)
    expected.total, expected.inner.count = previous.total, previous.inner.count
    return stack, expected, y


def stack_parameters(stack: Mixed, layers: list[Mixed], axis: int) -> None:
    for parameter in (lambda layer: layer.kernel, lambda layer: layer.inner.kernel):
        values = [np.asarray(spelling.read(parameter(layer))) for layer in layers]
        spelling.write(parameter(stack), jnp.asarray(np.stack(values, axis)))


@claim(
    "scan_carry/mixed",
    guide=LIFT_TYPES,
    across=("scan",),
    styles=("function",),
    variants={"axis-0": 0, "axis-1": 1, "axis-minus-1": -1},
)
def test_mixed(case: Case) -> None:
    """Sub-states of one Module may be scanned, carried and broadcast: each step sees its own
    slice, what the step before it left, and the one broadcast value."""
    stack, expected, y = mixed_layers(case.variant)
    axes = nnx.StateAxes({nnx.Param: case.variant, Count: nnx.Carry, ...: None})

    scanned = case.decorate(Mixed.__call__, in_axes=(axes, nnx.Carry), out_axes=nnx.Carry)
    found = case.call(scanned, stack, jnp.asarray(X))

    case.equal({"stack": stack, "y": found}, {"stack": expected, "y": y})


class Value(nnx.Module):
    """A state that steps double."""

    def __init__(self, value: float) -> None:
        self.value = Count(jnp.asarray(np.float32(value)))


class Doubler(nnx.Module):
    """Doubles a state and may keep what it saw."""

    def __init__(self) -> None:
        self.factor = nnx.Param(jnp.asarray(np.float32(2)))


def sow(doubler, seen):
    doubler.sow(nnx.Intermediate, "seen", seen, reduce_fn=lambda _, new: new)


def assign(doubler, seen):
    doubler.seen = nnx.Intermediate(seen)


@claim(
    "scan_carry/add-beside-carry",
    guide=GRAPH_UPDATES,
    across=("scan",),
    styles=STYLES,
    variants={"sow": sow, "assign": assign},
)
def test_add_beside_carry(case: Case) -> None:
    """A Variable that the body adds to a scanned sub-state is outside, with a value per step,
    while an object is carried."""

    def step(doubler, state):
        case.variant(doubler, spelling.read(state.value))
        spelling.write(state.value, spelling.read(state.value) * spelling.read(doubler.factor))
        return state

    doubler, state = Doubler(), Value(1)
    axes = nnx.StateAxes({nnx.Intermediate: 0, ...: None})
    scanned = case.decorate(step, in_axes=(axes, nnx.Carry), out_axes=nnx.Carry, length=4)
    carried = case.call(scanned, doubler, state)

    expected, final = Doubler(), Value(16)
    expected.seen = nnx.Intermediate(jnp.asarray(np.array([1, 2, 4, 8], np.float32)))
    case.equal(
        {"doubler": doubler, "state": state, "carried": carried},
        {"doubler": expected, "state": final, "carried": final},
    )
