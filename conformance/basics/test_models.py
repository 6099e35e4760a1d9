"""An ensemble of layers, as users build and apply it."""

import jax.numpy as jnp
import numpy as np

from conformance.building_blocks import kernel_and_bias, linear
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import nodes
from conformance.harness.twins import element_inputs

GUIDE = "Basic example"
FEATURES = 2


def build(element):
    return linear(FEATURES, element)


def use(layer, x):
    return layer(x)


@claim("basics/linear-ensemble", guide=GUIDE, across=("vmap", "pmap", "scan"))
def test_linear_ensemble(case: Case) -> None:
    """An ensemble of Linear layers that a transform builds holds the arrays of all of them,
    and one that it applies gives to each member its own input and to each output its place."""
    members = [kernel_and_bias(FEATURES, element) for element in range(case.elements)]
    kernels, biases = (np.stack(arrays) for arrays in zip(*members, strict=True))
    x = np.stack(element_inputs(case.elements))

    ensemble = case.decorate(build, in_axes=0, out_axes=0)(jnp.arange(case.elements))
    held = dict(nodes(ensemble))
    y = case.decorate(use, in_axes=(0, 0), out_axes=1)(ensemble, jnp.asarray(x))

    expected = linear(FEATURES)
    expected.kernel, expected.bias = type(expected.kernel)(kernels), type(expected.bias)(biases)
    case.equal(
        {"ensemble": ensemble, "held": held, "y": y},
        {
            "ensemble": expected,
            "held": dict(nodes(expected)),
            "y": np.stack([x[i] @ kernels[i] + biases[i] for i in range(case.elements)], 1),
        },
    )
