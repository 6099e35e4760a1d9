"""Metadata of any kind, under every transform."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.axis_metadata.annotated import GUIDE
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL, Edit
from conformance.harness.twins import WIDTH
from conformance.models import Count

KERNEL_NOTES = {
    "note": "mine",
    "size": 3,
    "nothing": None,
    "frozen": False,
    "pair": ("a", 1.5),
    "kind": int,
}
COUNT_NOTES = {"note": "yours", "table": {"k": [1, 2]}, "tags": ["a"]}


class Noted(nnx.Module):
    """A Module whose Variables have notes; no two Variables have the same."""

    def __init__(self, element: int = 0) -> None:
        kernel = jnp.asarray(np.arange(1, WIDTH + 1, dtype=np.float32) + element)
        self.kernel = nnx.Param(kernel, **KERNEL_NOTES)
        self.count = Count(jnp.asarray(element), **COUNT_NOTES)

    def __call__(self, x):
        spelling.add(self.count, 1)
        return x


def use(layer, x):
    return layer(x)


@claim("axis_metadata/arbitrary-metadata", guide=GUIDE, across=ALL)
def test_arbitrary_metadata(case: Case) -> None:
    """Keyword arguments of a Variable are its metadata: inside of every transform, and after it."""
    inside = []

    def body(layer, x):
        inside.append([spelling.metadata(layer.kernel), spelling.metadata(layer.count)])
        return layer(x)

    case.holds(body, Noted, twin=use)
    case.saw("inside", inside, [KERNEL_NOTES, COUNT_NOTES])


@claim("axis_metadata/metadata-of-new", guide=GUIDE, across=ALL)
def test_metadata_of_new(case: Case) -> None:
    """The metadata of a Variable that the body makes comes out with it."""

    def body(layer, x):
        layer.last = Count(x, note="new", pair=("b", 2))
        return layer(x)

    case.holds(body, Noted, edit=Edit.RESIZE)
