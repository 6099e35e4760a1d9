"""Attributes that a body updates, adds, deletes and swaps."""

from conformance.harness.claims import STYLES, claim
from conformance.harness.cases import Case
from conformance.harness.transforms import ALL, Edit
from conformance.models import Block, Layer

GUIDE = "Graph updates propagation"


@claim("graph_updates/update-attribute", guide=GUIDE, across=ALL, styles=STYLES)
def test_update_attribute(case: Case) -> None:
    """A static attribute that the body changes has its new value outside."""

    def body(layer, x):
        layer.label = "used"
        layer.shape = (1, 2)
        return layer(x)

    case.holds(body, Layer, edit=Edit.STATIC)


@claim("graph_updates/share-variable", guide=GUIDE, across=ALL, styles=STYLES)
def test_share_variable(case: Case) -> None:
    """A Variable that gains a second name inside is one Variable under both names outside."""

    def body(block, x):
        block.second.kernel = block.first.kernel
        return block(x)

    case.holds(body, Block, edit=Edit.REWIRE)
