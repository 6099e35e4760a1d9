"""One object that is reached several times through a transform of a transform."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.nesting import VARIED_NESTS, compose
from conformance.harness.transforms import TRANSFORMS
from conformance.harness.twins import together

GUIDE = "Consistent aliasing"


class Cell(nnx.Module):
    """One weight, which is moved by its use."""

    def __init__(self, start: float) -> None:
        self.weight = nnx.Param(jnp.asarray(np.float32(start)))

    def __call__(self, x):
        weight = spelling.read(self.weight)
        spelling.write(self.weight, weight + 1)
        return x * weight


def apart_and_twice(element):
    # Gradients are taken of the first argument, so that the others are treated alike.
    cell = Cell(element + 2)
    return Cell(element + 20), cell, cell


@claim("aliasing/nested-accepted", guide=GUIDE, across=VARIED_NESTS, styles=("function",))
def test_nested_accepted(case: Case) -> None:
    """An object passed twice through a nest of transforms is one object inside and outside."""
    inside = set()

    def body(apart, cell, again, x):
        inside.add(cell is again and cell.weight is again.weight)
        return again(cell(apart(x)))

    case.holds(body, *together(apart_and_twice, 3))
    case.equal({"one object inside": inside}, {"one object inside": {True}})


# By transform: a lift that treats its first two arguments differently.
UNLIKE = {
    "vmap": lambda body, _: nnx.vmap(body, in_axes=(0, None, 0), out_axes=0),
    "scan": lambda body, _: nnx.scan(body, in_axes=(0, None, nnx.Carry), out_axes=nnx.Carry),
    "grad": TRANSFORMS["grad"].lift,
    "value_and_grad": TRANSFORMS["value_and_grad"].lift,
}
INNER = (
    "jit-of-vmap",
    "jit-of-value_and_grad",
    "vmap-of-vmap",
    "vmap-of-grad",
    "vmap-of-scan",
    "scan-of-vmap",
    "remat-of-scan",
    "pmap-of-grad",
)
OUTER = ("scan-of-remat", "value_and_grad-of-vmap", "grad-of-remat")


@claim("aliasing/nested-refused", guide=GUIDE, across=(*INNER, *OUTER), styles=("function",))
def test_nested_refused(case: Case) -> None:
    """An object passed twice is refused where one transform of a nest, be it the inner one, treats
    it differently each time; the object is as before."""
    layers = list(case.transform.layers)
    unlike = 1 if case.transform.name in INNER else 0
    layers[unlike] = dataclasses.replace(layers[unlike], lift=UNLIKE[layers[unlike].name])
    nest = dataclasses.replace(case, transform=compose(*layers))

    def body(cell, again, x):
        return again(cell(x))

    applied = nest.apply(body, *together(lambda element: [Cell(element)] * 2, 2))
    case.refuses(applied.call, applied.scene, match="inconsistent aliasing")
