"""What users do to the layers of a model: wrap, replace and freeze them, and keep what they saw."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.building_blocks import Dense, linear
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import Edit


class Frozen(nnx.Variable):
    """What was a parameter."""


class Adapter(nnx.Module):
    """A layer with a new parameter beside it."""

    def __init__(self, layer) -> None:
        self.layer = layer
        self.factor = nnx.Param(jnp.asarray(np.float32(0.5)))

    def __call__(self, x):
        return self.layer(x) + x * spelling.read(self.factor)


def wrap(model):
    model.linear = Adapter(model.linear)


def replace(model):
    model.linear = linear(element=3)


def freeze(model):
    model.linear.kernel = Frozen(spelling.read(model.linear.kernel))


def sow(model):
    model.sow(nnx.Intermediate, "kernel seen", spelling.read(model.linear.kernel))


CHANGES = {change.__name__: change for change in (wrap, replace, freeze, sow)}
TRANSFORMS = ("vmap", "scan", "jit", "grad")


@claim(
    "graph_updates/change-layer",
    guide="Graph updates propagation",
    across=TRANSFORMS,
    variants=CHANGES,
)
def test_change_layer(case: Case) -> None:
    """A Linear that is wrapped, replaced or frozen in the body, or whose model sows a value, is so
    outside."""

    def body(model, x):
        case.variant(model)
        return model(x)

    case.holds(body, Dense, edit=Edit.RESIZE)
