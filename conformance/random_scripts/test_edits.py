"""Any edits of any objects, and any of them returned."""

from functools import partial

from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL
from conformance.search.judging import RETURNING, search, stored


@claim(
    "random_scripts/any-edits",
    guide="Graph updates propagation",
    across=ALL,
    styles=("function",),
    variants=stored(returns=False),
    search=partial(search, returns=False),
)
def test_any_edits(case: Case) -> None:
    """Whatever a body does to whatever objects is so outside as plain Python leaves it; or it is
    refused, where the transform may do that, and nothing has happened."""
    case.variant(case)


@claim(
    "random_scripts/any-outputs",
    guide="State propagation",
    across=RETURNING,
    styles=("function",),
    variants=stored(returns=True),
    search=partial(search, returns=True),
)
def test_any_outputs(case: Case) -> None:
    """Whatever objects a body returns, of those that were given or of its own making, are outside
    what plain Python returns: the same objects, with their updates."""
    case.variant(case)
