"""Fine-tuning of a part of a network, and a Linear whose kernel is split over devices."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from conformance.building_blocks import (
    RATE,
    Dense,
    Network,
    batch,
    kernel_and_bias,
    sgd,
    squared_error,
)
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.descriptions import variables
from conformance.harness.transforms import AXIS, ELEMENTS

GUIDE = "Transforming sub-states (lift types)"
HEAD = nnx.All(nnx.Param, nnx.PathContains("head"))


@claim("lift_types/fine-tuning", guide=GUIDE, across=("grad", "value_and_grad"), styles=STYLES)
def test_fine_tuning(case: Case) -> None:
    """Gradients of one layer's Params, given to an Optimizer of just these, train that layer and no
    other."""
    network, expected = Network(), Network()
    held = variables(network)
    optimizer = nnx.Optimizer(network, sgd(), wrt=HEAD)
    x, target = batch()

    lifted = case.decorate(squared_error, argnums=nnx.DiffState(0, HEAD))
    outputs = case.call(lifted, network, jnp.asarray(x), jnp.asarray(target))
    gradients = outputs[1] if case.transform.name == "value_and_grad" else outputs
    spelling.apply_gradients(optimizer, network, gradients)

    kernel, bias = kernel_and_bias()
    features = x @ kernel + bias
    error = features @ kernel + bias - target
    told = {"kernel": 2 * features.T @ error, "bias": 2 * error.sum(0)}
    for name, gradient in told.items():
        spelling.add(getattr(expected.head, name), -np.float32(RATE) * gradient)
    case.equal(
        {"network": network, "held": held, "gradients": spelling.state_arrays(gradients)},
        {
            "network": expected,
            "held": variables(expected),
            "gradients": {("head", name): gradient for name, gradient in told.items()},
        },
    )


COLUMNS = PartitionSpec(None, AXIS)
FEATURES = 2 * ELEMENTS
SPECS = {nnx.PathContains("kernel"): COLUMNS, nnx.PathContains("bias"): PartitionSpec(AXIS)}


def lift(case: Case, mesh: Mesh, body):
    """`body` of a model whose Params are split by column, as its output is; all have the input."""
    if case.transform.name == "shard_map":
        specs = (nnx.StateSharding(SPECS), PartitionSpec())
        # Under jit, as it is used; alone it compiles a program for every array that goes in.
        return nnx.jit(case.decorate(body, mesh=mesh, in_specs=specs, out_specs=COLUMNS))
    on = {name: NamedSharding(mesh, spec) for name, spec in SPECS.items()}
    whole, columns = (NamedSharding(mesh, spec) for spec in (PartitionSpec(), COLUMNS))
    return case.decorate(body, in_shardings=(nnx.StateSharding(on), whole), out_shardings=columns)


@claim("lift_types/split-kernel", guide=GUIDE, across=("jit", "shard_map"))
def test_split_kernel(case: Case) -> None:
    """A Linear whose kernel and bias are split by StateSharding gives the same outputs, and it and
    they lie on the devices as was said."""
    mesh = Mesh(np.array(case.backend.devices[:ELEMENTS]), (AXIS,))
    model = Dense(features=FEATURES)
    held = variables(model)
    x, _ = batch()

    def use(model, x):
        y = model(x)
        spelling.write(model.linear.kernel, spelling.read(model.linear.kernel) * 2)
        return y

    y = lift(case, mesh, use)(model, jnp.asarray(x))

    kernel, bias = kernel_and_bias(FEATURES)
    expected = Dense(features=FEATURES)
    spelling.write(expected.linear.kernel, jnp.asarray(kernel * 2))
    arrays = {"kernel": spelling.read(model.linear.kernel), "y": y}
    case.equal(
        {"model": model, "held": held, "y": y, "blocks": blocks(mesh, arrays)},
        {
            "model": expected,
            "held": variables(expected),
            "y": x @ kernel + bias,
            "blocks": {
                name: f"{(rows, FEATURES // mesh.size)} by column"
                for name, rows in {"kernel": len(kernel), "y": len(x)}.items()
            },
        },
    )


def blocks(mesh: Mesh, arrays: dict[str, jax.Array]) -> dict[str, str]:
    """How arrays lie on the mesh."""
    by_column = NamedSharding(mesh, COLUMNS)
    return {
        name: f"{array.sharding.shard_shape(array.shape)} "
        + ("by column" if array.sharding.is_equivalent_to(by_column, array.ndim) else "elsewhere")
        for name, array in arrays.items()
    }
