"""The statistics of a BatchNorm, which every use in training updates."""

from conformance.building_blocks import Normalised, normalised_by_hand
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL


def use(model, x):
    return model(x)


@claim("state_propagation/batch-norm", guide="State propagation", across=ALL)
def test_batch_norm(case: Case) -> None:
    """The statistics that a BatchNorm updates in the body are the ones outside."""
    case.holds(use, Normalised, twin=normalised_by_hand)
