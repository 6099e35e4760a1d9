"""The axis along which each sub-state is mapped, and which filter decides it."""

from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import Form
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
MAPPING = ("vmap", "pmap", "scan")
ONLY_POSITIVE = ("pmap",)  # JAX documents the axes of pmap as non-negative
KERNEL = nnx.PathContains("kernel")


def is_vector(path, value):
    return path[-1] in ("bias", "mean")


LEADING = Mapped({...: 0}, along(0, 0, 0, 0))
AXES = {
    "positive": Mapped({KERNEL: 2, nnx.Param: 1, ...: 0}, along(2, 1, 0, 0)),
    "negative": Mapped({KERNEL: -2, nnx.Param: -1, Mean: -2, ...: 0}, along(1, 1, 0, 0)),
    "broadcast": Mapped({KERNEL: 1, nnx.Param: None, ...: 0}, along(1, None, 0, 0)),
}
FILTERS = {
    "type": Mapped({nnx.Param: 1, Mean: 0, Count: None}, along(1, 1, 0, None)),
    "base-type": Mapped({nnx.Param: 1, nnx.Variable: 0}, along(1, 1, 0, 0)),
    "tuple": Mapped({(nnx.Param, Mean): 1, Count: 0}, along(1, 1, 1, 0)),
    "ellipsis": Mapped({Count: None, ...: 1}, along(1, 1, 1, None)),
    "predicate": Mapped({is_vector: 1, ...: 0}, along(0, 1, 1, 0)),
    "path": Mapped({nnx.PathContains("mean"): 1, ...: 0}, along(0, 0, 1, 0)),
    "not": Mapped({nnx.Not(nnx.Param): 0, ...: 1}, along(1, 1, 0, 0)),
    "all": Mapped({nnx.All(nnx.Param, KERNEL): 2, ...: 0}, along(2, 0, 0, 0)),
    "any": Mapped({nnx.Any(Mean, KERNEL): 1, ...: 0}, along(1, 0, 1, 0)),
    "pairs": Mapped([(nnx.Param, 1), (..., 0)], along(1, 1, 0, 0)),
    "first-wins": Mapped({KERNEL: 1, nnx.Param: 0, nnx.Variable: None}, along(1, 0, None, None)),
    "first-wins-again": Mapped({nnx.Param: 1, KERNEL: 0, ...: 0}, along(1, 1, 0, 0)),
}
OUT_AXES = {
    "positive": Mapped({KERNEL: 2, nnx.Param: 1, ...: 0}, along(2, 1, 0, 0)),
    "negative": Mapped({KERNEL: -2, nnx.Param: -1, Mean: -2, ...: 0}, along(1, 1, 0, 0)),
}


def count_only(weights, x):
    """A use that updates no more than the count."""
    return weights(x)


def holds_along(case: Case, mapped: Mapped, body) -> None:
    """Maps `body` over a stack of layers, and holds all of it against a loop over the layers."""
    parts = mapped.elements(case.elements)
    found = with_held(mapped.stack(parts))
    if case.transform.form is Form.THREADED:
        axes = {"in_axes": (mapped.prefix, nnx.Carry), "out_axes": nnx.Carry}
        x = inputs(1)[0]
        y = threaded(body, parts, x)
    else:
        axes = {"in_axes": (mapped.prefix, 0), "out_axes": 0}
        x = inputs(case.elements)
        y = each(body, parts, x)
    expected = with_held(mapped.stack(parts)) | {"y": y}
    judge(case, mapped, case.decorate(body, **axes), found, x, expected)


def judge(case: Case, mapped: Mapped, lifted, found, x, expected) -> None:
    """Holds the call against `expected`; what JAX forbids may be refused instead."""
    weights = found["weights"]

    def hold(y):
        case.equal(found | {"y": y}, expected)

    if mapped.is_negative and case.transform.name in ONLY_POSITIVE:
        case.done_or_refused(lambda: case.call(lifted, weights, x), Scene.of([weights]), hold)
    else:
        hold(case.call(lifted, weights, x))


@claim("state_axes/per-substate", guide=GUIDE, across=MAPPING, styles=("function",), variants=AXES)
def test_per_substate(case: Case) -> None:
    """Each sub-state is mapped, in and out, along the axis that its filter gives."""
    holds_along(case, case.variant, train)


@claim("state_axes/filters", guide=GUIDE, across=("vmap",), styles=("function",), variants=FILTERS)
def test_filters(case: Case) -> None:
    """A sub-state is mapped as the first filter that matches it says, whatever kind of filter."""
    holds_along(case, case.variant, count_only)


def successor(weights, x):
    """A new layer made of the old one and the input, and an output."""
    new = Weights()
    spelling.write(new.kernel, spelling.read(weights.kernel) * 2)
    spelling.write(new.bias, spelling.read(weights.bias) + x)
    spelling.write(new.mean, spelling.read(weights.mean) - x)
    spelling.write(new.count, spelling.read(weights.count) + 1)
    return weights(x), new


@claim("state_axes/out-axes", guide=GUIDE, across=MAPPING, styles=("function",), variants=OUT_AXES)
def test_out_axes(case: Case) -> None:
    """The arrays of an object that the body makes and returns are stacked along the out axes."""
    made: list[Weights] = []

    def told(weights, x):
        y, new = successor(weights, x)
        made.append(new)
        return y

    out = case.variant
    parts = LEADING.elements(case.elements)
    found = with_held(LEADING.stack(parts))
    if case.transform.form is Form.THREADED:
        axes = {"in_axes": (0, nnx.Carry), "out_axes": (nnx.Carry, out.prefix)}
        x = inputs(1)[0]
        y = threaded(told, parts, x)
    else:
        axes = {"in_axes": 0, "out_axes": (0, out.prefix)}
        x = inputs(case.elements)
        y = each(told, parts, x)
    expected = with_held(LEADING.stack(parts)) | {"y": (y, out.stack(made))}
    judge(case, out, case.decorate(successor, **axes), found, x, expected)
