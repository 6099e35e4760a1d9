"""Carried Modules whose references or static attributes change, with no sub-state more or less."""

from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import Edit
from conformance.models import Block, Layer
from conformance.scan_carry.carrying import CARRYING, substates, whole

GUIDE = "Graph updates propagation"


class Marker(nnx.Module):
    """A Module that holds no Variable."""

    kind = "marker"


class Aliased(Block):
    """A block with a second name for its first layer, and one for that layer's kernel."""

    def __init__(self, element: int = 0) -> None:
        super().__init__(element)
        self.also = self.first
        self.weights = self.first.kernel


def share_module(block, x):
    block.also = block.first
    return block.also(block(x))


def share_variable(block, x):
    block.also = block.first.kernel
    spelling.add(block.also, x)
    return block(x)


def share_across(layer, other, x):
    other.also = layer.kernel
    spelling.add(other.also, x)
    return other(layer(x))


def drop_alias(block, x):
    if hasattr(block, "also"):
        del block.also, block.weights
    return block(x)


def swap_modules(block, x):
    block.first, block.second = block.second, block.first
    return block(x)


def swap_variables(block, x):
    first, second = block.first, block.second
    first.kernel, second.kernel = second.kernel, first.kernel
    return block(x)


def cycle(block, x):
    block.first.owner = block
    return block.first.owner(x)


def empty_module(block, x):
    block.marker = Marker()
    return block(x)


def static_once(block, x):
    block.label = "used"
    return block(x)


def static_each_step(block, x):
    block.label += "+"
    return block(x)


def static_added(block, x):
    block.notes = ("a", 2, False)
    return block(x)


def static_deleted(block, x):
    if hasattr(block, "label"):
        del block.label
    return block(x)


# What the body does, to which objects, in how many steps: after an even number of swaps plain
# Python leaves everything in its place.
REWIRINGS = {
    "share-module": (share_module, (Block,), 3),
    "share-variable": (share_variable, (Block,), 3),
    "share-across": (share_across, (Layer, Layer), 3),
    "drop-alias": (drop_alias, (Aliased,), 3),
    "swap-modules": (swap_modules, (Block,), 3),
    "swap-modules-twice": (swap_modules, (Block,), 2),
    "swap-variables": (swap_variables, (Block,), 3),
    "swap-variables-twice": (swap_variables, (Block,), 2),
    "cycle": (cycle, (Block,), 3),
    "empty-module": (empty_module, (Block,), 3),
    "static-once": (static_once, (Block,), 3),
    "static-each-step": (static_each_step, (Block,), 3),
    "static-added": (static_added, (Block,), 3),
    "static-deleted": (static_deleted, (Block,), 3),
}


@claim("scan_carry/rewire", guide=GUIDE, across=CARRYING, styles=("function",), variants=REWIRINGS)
def test_rewire(case: Case) -> None:
    """A carried Module whose references or static attributes change in the body is outside just
    as plain Python leaves it, or that is refused: no value is wrong, no object lost or doubled."""
    body, makers, steps = case.variant
    whole(case, steps).holds(body, *makers, edit=Edit.REWIRE)


@claim(
    "scan_carry/rewire-substates",
    guide=GUIDE,
    across=("scan",),
    styles=("function",),
    variants=REWIRINGS,
)
def test_rewire_substates(case: Case) -> None:
    """A Module whose sub-states are declared as carry, and whose references or static attributes
    change in the body, is outside just as plain Python leaves it, or that is refused."""
    body, makers, steps = case.variant
    substates(case, steps).holds(body, *makers, edit=Edit.REWIRE)
