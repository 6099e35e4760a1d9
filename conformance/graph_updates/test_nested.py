"""Graph updates that a body makes inside a transform of a transform."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.nesting import VARIED_NESTS
from conformance.harness.transforms import Edit
from conformance.models import Count


class Cell(nnx.Module):
    """One weight."""

    def __init__(self, start: float) -> None:
        self.weight = nnx.Param(jnp.asarray(np.float32(start)))


class Pair(nnx.Module):
    """Two cells: small, since a program is compiled for most of the cases here."""

    def __init__(self, element: int) -> None:
        self.left = Cell(element + 2)
        self.right = Cell(element + 20)

    def __call__(self, x):
        return x * spelling.read(self.left.weight) + spelling.read(self.right.weight)


def rewire(pair, x):
    pair.right.weight, pair.tied = pair.left.weight, pair.right


def extend(pair, x):
    pair.label = "used"
    pair.last_input = Count(x)


EDITS = {"references": (rewire, Edit.REWIRE), "attributes": (extend, Edit.RESIZE)}


@claim(
    "graph_updates/nested-transforms",
    guide="Graph updates propagation",
    across=VARIED_NESTS,
    styles=("function",),
    variants=EDITS,
)
def test_nested_transforms(case: Case) -> None:
    """What a body edits inside a transform of a transform is so outside, if both permit it."""
    change, edit = case.variant

    def body(pair, x):
        change(pair, x)
        return pair(x)

    case.holds(body, Pair, edit=edit)
