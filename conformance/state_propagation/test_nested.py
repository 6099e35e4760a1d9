"""State that a transform inside a transform updates."""

from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.nesting import ALL_NESTED
from conformance.models import Layer


@claim(
    "state_propagation/nested-transforms",
    guide="State propagation",
    across=ALL_NESTED,
    styles=("function",),
)
def test_nested_transforms(case: Case) -> None:
    """What a body updates inside a transform of a transform is updated outside, once a run."""

    def body(layer, x):
        return layer(x)

    case.holds(body, Layer)
