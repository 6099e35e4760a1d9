"""Prefixes that leave a sub-state out, and prefixes for what is no object."""

from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import Form
from conformance.harness.twins import Scene
from conformance.state_axes.weights import Mapped, Mean, Weights, along, inputs

GUIDE = "Transforming sub-states (lift types)"
MAPPING = ("vmap", "pmap", "scan")
LEADING = Mapped({...: 0}, along(0, 0, 0, 0))
UNMATCHED = "No axis found|mismatch|non-exhaustive|did not match"
LEFT_OUT = {
    "type": {nnx.Param: 0, Mean: 0},
    "path": {nnx.PathContains("kernel"): 0},
    "nothing": {},
}


def use(weights, x):
    return weights(x)


def build(weights, x):
    """An output, and a new layer made of the input."""
    new = Weights()
    spelling.write(new.bias, x)
    return weights(x), new


def stage(case: Case):
    """A stack of layers, its scene, an input, and the axis of that input and of the output."""
    weights = LEADING.stack(LEADING.elements(case.elements))
    if case.transform.form is Form.THREADED:
        return weights, Scene.of([weights]), inputs(1)[0], nnx.Carry
    return weights, Scene.of([weights]), inputs(case.elements), 0


PLACES = ("given", "returned")


def in_both_places(variants):
    return {
        f"{name}-{place}": (value, place) for name, value in variants.items() for place in PLACES
    }


@claim(
    "state_axes/not-exhaustive",
    guide=GUIDE,
    across=MAPPING,
    styles=("function",),
    variants=in_both_places(LEFT_OUT),
)
def test_not_exhaustive(case: Case) -> None:
    """A prefix is refused where a sub-state of the object matches none of its filters."""
    weights, scene, x, axis = stage(case)
    filters, place = case.variant
    prefix = nnx.StateAxes(filters)

    def call():
        if place == "given":
            lifted = case.decorate(use, in_axes=(prefix, axis), out_axes=axis)
        else:
            lifted = case.decorate(build, in_axes=(0, axis), out_axes=(axis, prefix))
        return case.call(lifted, weights, x)

    case.refuses(call, scene, UNMATCHED)


CONTAINERS = {
    "list": lambda node: [node],
    "tuple": lambda node: (node, node),
    "dict": lambda node: {"a": {"b": node}},
    "arrays": lambda node: {"a": spelling.read(node.kernel)},
    "array": lambda node: spelling.read(node.kernel),
}


@claim(
    "state_axes/objects-only",
    guide=GUIDE,
    across=MAPPING,
    styles=("function",),
    variants=in_both_places(CONTAINERS),
)
def test_objects_only(case: Case) -> None:
    """A prefix of sub-states is refused for a pytree, be it of objects or of arrays."""
    weights, scene, x, axis = stage(case)
    contain, place = case.variant
    tree = contain(LEADING.stack(LEADING.elements(case.elements)))

    def use_beside(weights, tree, x):
        return weights(x)

    def build_tree(weights, x):
        y, new = build(weights, x)
        return y, contain(new)

    def call():
        if place == "given":
            lifted = case.decorate(use_beside, in_axes=(0, LEADING.prefix, axis), out_axes=axis)
            return case.call(lifted, weights, tree, x)
        lifted = case.decorate(build_tree, in_axes=(0, axis), out_axes=(axis, LEADING.prefix))
        return case.call(lifted, weights, x)

    case.refuses(call, scene, "prefix|StateAxes")


@claim("state_axes/out-broadcast", guide=GUIDE, across=MAPPING, styles=STYLES)
def test_out_broadcast(case: Case) -> None:
    """A sub-state that is returned broadcast is one value; a loop refuses to return one so."""
    weights, scene, x, axis = stage(case)
    prefix = nnx.StateAxes({nnx.PathContains("bias"): 0, ...: None})

    def call():
        lifted = case.decorate(build, in_axes=(0, axis), out_axes=(axis, prefix))
        return case.call(lifted, weights, x)

    if case.transform.form is Form.THREADED:
        case.refuses(call, scene, "broadcast")
        return
    _, new = call()
    expected = Weights()
    spelling.write(expected.bias, x)
    case.equal({"new": new}, {"new": expected})
