"""All edits in one body, as in the guide's own example."""

from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import ALL, Edit
from conformance.models import Block, Count


@claim(
    "graph_updates/everything-at-once",
    guide="Graph updates propagation",
    across=ALL,
    styles=STYLES,
)
def test_everything_at_once(case: Case) -> None:
    """One body may update, add, delete, swap and share: all of it is so outside."""

    def body(block, x):
        y = block(x)
        block.label = "used"
        block.notes = ["a", 2, False]
        block.last_output = Count(y)
        del block.second.count
        block.first, block.second = block.second, block.first
        block.tied = block.first.kernel
        return y

    case.holds(body, Block, edit=Edit.RESIZE)
