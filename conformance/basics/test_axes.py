"""A Module is mapped as a pytree of its arrays would be."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from conformance.basics.weights import (
    Weights,
    inputs,
    stack,
    stack_trees,
    vector_dot,
    with_held,
)
from conformance.harness.cases import Case
from conformance.harness.claims import claim

GUIDE = "Basic example"


@claim(
    "basics/module-as-pytree",
    guide=GUIDE,
    across=("vmap", "pmap", "scan"),
    variants={"leading": (0, 1), "second": (1, 0)},
)
def test_module_as_pytree(case: Case) -> None:
    """The body sees every array of a Module without its mapped axis; the outputs have theirs."""
    given, returned = case.variant
    shapes: dict[Any, Any] = {}

    def body(weights, x):
        result = vector_dot(weights, x)
        shapes.update({path: value.shape for path, value in result.items()} | {"x": x.shape})
        return result

    parts = [Weights(element) for element in range(case.elements)]
    xs = inputs(case.elements)
    found = with_held(stack(parts, given))
    lifted = case.decorate(body, in_axes=(given, given), out_axes=returned)
    found["output"] = lifted(found["weights"], jnp.asarray(stack_trees(xs, given)))
    outputs = [vector_dot(part, x) for part, x in zip(parts, xs, strict=True)]
    expected = with_held(stack(parts, given)) | {"output": stack_trees(outputs, returned)}
    case.equal(found, expected)
    told = {path: value.shape for path, value in outputs[0].items()} | {"x": xs[0].shape}
    case.equal({"inside": shapes}, {"inside": told})


def scaled(weights: Weights, tree: dict[str, Any]) -> dict[str, Any]:
    """A layer whose input is a pytree, and its output too."""
    (factor,) = tree["factors"]
    return {"y": vector_dot(weights, tree["x"])["y"] * factor, "factors": [factor]}


@dataclass(frozen=True)
class Mapped:
    """The axes of the weights, of `x` and of the factor, and the prefixes that say so."""

    weights: int
    x: int | None
    factor: int
    prefixes: tuple[Any, ...]


PREFIXES = {
    "one-for-all": Mapped(0, 0, 0, (0, (0, 0), (0, {"x": 0, "factors": [0]}))),
    "one-for-each": Mapped(1, 0, 0, ((1, 0), (1, {"x": 0, "factors": 0}))),
    "broadcast": Mapped(0, None, 0, ((0, {"x": None, "factors": 0}),)),
}
OUT_PREFIXES = (1, {"y": 1, "factors": 1}, {"y": 1, "factors": [1]})


@claim("basics/prefix-equivalence", guide=GUIDE, across=("vmap", "pmap"), variants=PREFIXES)
def test_prefix_equivalence(case: Case) -> None:
    """One axis for all, one for each argument, and axes further down say the same."""
    mapped = case.variant
    parts = [Weights(element) for element in range(case.elements)]
    xs = inputs(case.elements) if mapped.x is not None else inputs(1) * case.elements
    factors = [np.full(3, element + 2, np.float32) for element in range(case.elements)]
    trees = [{"x": x, "factors": [factor]} for x, factor in zip(xs, factors, strict=True)]
    output = stack_trees([scaled(*both) for both in zip(parts, trees, strict=True)], 1)
    tree = {
        "x": xs[0] if mapped.x is None else np.stack(xs, mapped.x),
        "factors": [np.stack(factors, mapped.factor)],
    }
    expected = with_held(stack(parts, mapped.weights)) | {"output": output}
    for prefix, out_prefix in zip(mapped.prefixes, OUT_PREFIXES, strict=False):
        found = with_held(stack(parts, mapped.weights))
        lifted = case.decorate(scaled, in_axes=prefix, out_axes=out_prefix)
        given = jax.tree.map(jnp.asarray, tree)
        case.equal(found | {"output": lifted(found["weights"], given)}, expected)
