"""References that a body swaps, shares and closes into cycles."""

from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import ALL, Edit
from conformance.models import Block, Layer

GUIDE = "Graph updates propagation"


def swap_modules(block):
    block.first, block.second = block.second, block.first


def swap_variables(block):
    block.first.kernel, block.second.kernel = block.second.kernel, block.first.kernel


SWAPS = {"modules": swap_modules, "variables": swap_variables}


@claim("graph_updates/swap-attributes", guide=GUIDE, across=ALL, styles=STYLES, variants=SWAPS)
def test_swap_attributes(case: Case) -> None:
    """Attributes that the body swaps have traded their objects outside; none is copied."""

    def body(block, x):
        case.variant(block)
        return block(x)

    case.holds(body, Block, edit=Edit.REWIRE)


@claim("graph_updates/share-object", guide=GUIDE, across=ALL, styles=STYLES)
def test_share_object(case: Case) -> None:
    """A sub-Module that gains a second name inside is one object under both names outside."""

    def body(block, x):
        block.again = block.first
        return block.again(block(x))

    case.holds(body, Block, edit=Edit.REWIRE)


@claim("graph_updates/share-variable", guide=GUIDE, across=ALL, styles=STYLES)
def test_share_variable(case: Case) -> None:
    """A Variable that gains a second name inside is one Variable under both names outside."""

    def body(block, x):
        block.tied = block.first.count
        return block(x)

    case.holds(body, Block, edit=Edit.REWIRE)


@claim("graph_updates/tie-variable", guide=GUIDE, across=ALL, styles=("function",))
def test_tie_variable(case: Case) -> None:
    """A Variable that takes the place of another inside is the one outside; the other is gone."""

    def body(block, x):
        block.second.kernel = block.first.kernel
        return block(x)

    case.holds(body, Block, edit=Edit.REWIRE)


@claim("graph_updates/across-arguments", guide=GUIDE, across=ALL, styles=("function",))
def test_across_arguments(case: Case) -> None:
    """References that the body shares between two arguments are shared between them outside."""

    def body(block, layer, x):
        layer.partner = block.second
        block.borrowed = layer.kernel
        return layer(block(x))

    case.holds(body, Block, Layer, edit=Edit.REWIRE)


def point_to_itself(block):
    block.myself = block


def point_back(block):
    block.second.parent = block


CYCLES = {"itself": point_to_itself, "parent": point_back}


@claim("graph_updates/cycle", guide=GUIDE, across=ALL, styles=("function",), variants=CYCLES)
def test_cycle(case: Case) -> None:
    """A cycle that the body closes is there outside."""

    def body(block, x):
        case.variant(block)
        return block(x)

    case.holds(body, Block, edit=Edit.REWIRE)
