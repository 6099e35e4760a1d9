"""Transforms inside of each other, each with an axis and a name of its own."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.axis_metadata.annotated import (
    ASKED,
    GUIDE,
    LAYERS,
    Annotated,
    Layout,
    Weights,
    Witness,
    mesh_of,
    named,
    seen,
    with_held,
)
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim

ELEMENT, BETWEEN, OUTSIDE = ("a",), ("a", "b"), ("c", "a", "b")
OUTER_ASKED = {"transform_metadata": {nnx.PARTITION_NAME: "c"}}
INNER_TRANSFORMS = {"inner-vmap": nnx.vmap, "inner-scan": nnx.scan}


def weights_of(value: np.ndarray, names: tuple[str, ...], *, placed: bool = True) -> Weights:
    return Weights(param=named(nnx.Param, value, names, placed))


@claim("axis_metadata/nested", guide=GUIDE, across=("vmap", "scan"), variants=INNER_TRANSFORMS)
def test_nested(case: Case) -> None:
    """Of two transforms inside of each other each removes and restores its own name."""
    value = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    inside, between = [], []

    def element(weights):
        inside.append(seen(weights))
        spelling.write(weights.param, spelling.read(weights.param) * 2)

    inner = case.variant(element, in_axes=1, out_axes=0, **ASKED)

    def body(weights):
        between.append(seen(weights))
        inner(weights)
        between.append(seen(weights))

    with mesh_of(case):
        found = with_held(weights_of(value, OUTSIDE))
        case.call(case.decorate(body, in_axes=0, out_axes=0, **OUTER_ASKED), found["weights"])
        case.equal(found, with_held(weights_of(2 * value, OUTSIDE, placed=False)))
        case.saw("inside", inside, {"param": ((3,), ELEMENT)})
        case.saw("between", between, {"param": ((3, 2), BETWEEN)}, least=2)


@claim(
    "axis_metadata/nested-creation",
    guide=GUIDE,
    across=("vmap", "scan"),
    variants=INNER_TRANSFORMS,
)
def test_nested_creation(case: Case) -> None:
    """A Variable made by two transforms inside of each other has the name of each, at its axis."""
    value = np.arange(3, dtype=np.float32)
    make = case.variant(lambda x: weights_of(value, ELEMENT), in_axes=0, out_axes=1, **ASKED)
    between = []

    def body(x):
        weights = make(x)
        between.append(seen(weights))
        return weights

    with mesh_of(case):
        found = case.decorate(body, in_axes=0, out_axes=0, **OUTER_ASKED)(jnp.zeros((4, 2)))
        whole = np.stack([np.stack([value] * 2, 1)] * 4)
        case.equal({"made": found}, {"made": weights_of(whole, OUTSIDE, placed=False)})
        case.saw("between", between, {"param": ((3, 2), BETWEEN)})


@claim("axis_metadata/under-jit", guide=GUIDE, across=("vmap", "scan"))
def test_under_jit(case: Case) -> None:
    """Under jit too the name is removed and restored, and added to a Variable that is made."""
    layout = Layout(1, {"param": Annotated((3,), ("a",), ("a", "b"), 1)})
    body = Witness(layout)
    use = case.decorate(body, in_axes=1, out_axes=0, **ASKED)
    make = case.decorate(lambda x: layout.element(case), in_axes=0, out_axes=1, **ASKED)

    @nnx.jit
    def use_and_make(weights, x):
        use(weights)
        return make(x)

    with mesh_of(case):
        found = with_held(layout.stack(case))
        made = use_and_make(found["weights"], jnp.zeros(LAYERS))
        body.judge(case)
        expected = with_held(layout.expected(case, factor=2))
        case.equal(found | {"made": made}, expected | {"made": layout.expected(case, step=0)})
