"""A stack of Linear layers whose kernels say how they are partitioned."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.building_blocks import Dense, kernel_and_bias
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables
from conformance.harness.transforms import Form
from conformance.harness.twins import element_inputs

INSIDE, OUTSIDE = ("in", "out"), ("layers", "in", "out")
ASKED = {"transform_metadata": {nnx.PARTITION_NAME: "layers"}}


def build(element):
    return Dense(element, kernel_init=nnx.with_partitioning(nnx.initializers.ones, INSIDE))


def names(dense):
    return spelling.axis_names(dense.linear.kernel)


@claim("axis_metadata/partitioned-stack", guide="Axis metadata", across=("vmap", "scan"))
def test_partitioned_stack(case: Case) -> None:
    """Layers with partitioned kernels that a transform builds are a stack whose kernel has the
    layer axis among its names; where the stack is applied, each layer is without it."""
    seen = []

    def use(dense, x):
        seen.append(names(dense))
        return dense(x)

    inputs = element_inputs(case.elements)
    threaded = case.transform.form is Form.THREADED
    axis = nnx.Carry if threaded else 0
    x = inputs[0] if threaded else jnp.asarray(np.stack(inputs))
    with spelling.mesh(case.backend.devices[0], OUTSIDE):
        made = case.decorate(build, in_axes=0, out_axes=0, **ASKED)(jnp.arange(case.elements))
        built = names(made)
        held = variables(made)
        y = case.decorate(use, in_axes=(0, axis), out_axes=axis, **ASKED)(made, x)

    layers = [kernel_and_bias(element=element) for element in range(case.elements)]
    kernels = np.stack([np.full_like(kernel, 1 + i) for i, (kernel, _) in enumerate(layers)])
    biases = np.stack([bias for _, bias in layers])
    outputs, last = [], inputs[0]
    for given, kernel, bias in zip(inputs, kernels, biases, strict=True):
        last = (last if threaded else given) @ kernel + bias
        outputs.append(np.asarray(last))
    case.saw("inside", seen, INSIDE)
    arrays = {path[-1]: spelling.read(variable) for path, variable in variables(made).items()}
    case.equal(
        {
            "names": {"built": built, "outside": names(made)},
            "arrays": arrays,
            "same Variables": all(v is held[path] for path, v in variables(made).items()),
            "y": y,
        },
        {
            "names": {"built": OUTSIDE, "outside": OUTSIDE},
            "arrays": {"kernel": kernels, "bias": biases},
            "same Variables": True,
            "y": outputs[-1] if threaded else np.stack(outputs),
        },
    )
