"""Objects inside containers and other Modules."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL
from conformance.harness.twins import WIDTH
from conformance.models import Count

GUIDE = "Transformations"


class Cell(nnx.Module):
    """A factor that counts its uses."""

    def __init__(self, element: int) -> None:
        self.factor = nnx.Param(jnp.asarray(np.arange(WIDTH, dtype=np.float32) + element))
        self.count = Count(jnp.asarray(element))

    def __call__(self, x: jax.Array) -> Any:
        spelling.add(self.count, 1)
        return x * spelling.read(self.factor)


class Pile(nnx.Module):
    """A cell in a list of a Module, and a Variable of it by another name."""

    def __init__(self, element: int) -> None:
        self.cells = spelling.node_list([Cell(element)])
        self.tied = self.cells[0].factor

    def __call__(self, x: jax.Array) -> Any:
        return self.cells[0](x)


def nested(element: int) -> dict[str, Any]:
    """Cells in a dict, a list, a tuple and a Module."""
    return {
        "by_name": {"cell": Cell(element)},
        "row": [Cell(element + 3), (Pile(element + 5),)],
    }


@claim("basics/nested-containers", guide=GUIDE, across=ALL, styles=("function",))
def test_nested_containers(case: Case) -> None:
    """Objects in dicts, lists, tuples and other Modules are used and updated as those on top."""

    def body(tree, x):
        cell, (pile,) = tree["row"]
        return tree["by_name"]["cell"](cell(pile(x)))

    case.holds(body, nested)
