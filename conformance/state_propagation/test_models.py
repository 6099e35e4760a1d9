"""The statistics of a BatchNorm, which every use in training updates."""

from conformance.building_blocks import Normalised, normalised_by_hand
from conformance.harness.cases import Case
from conformance.harness.claims import claim

# What a model is trained under; the rest of the transforms get smaller Modules.
TRAINING = (
    "vmap",
    "scan",
    "jit",
    "value_and_grad",
    "cond",
    "while_loop",
    "fori_loop",
    "pmap",
    "shard_map",
)


def use(model, x):
    return model(x)


@claim("state_propagation/batch-norm", guide="State propagation", across=TRAINING)
def test_batch_norm(case: Case) -> None:
    """The statistics that a BatchNorm updates in the body are the ones outside."""
    case.holds(use, Normalised, twin=normalised_by_hand)
