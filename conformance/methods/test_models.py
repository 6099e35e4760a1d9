"""Stacks of layers, as users write them: with a decorated `__init__` and `__call__`."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.building_blocks import kernel_and_bias, linear
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables
from conformance.harness.twins import element_inputs
from conformance.models import Count

GUIDE = "Transforming methods"
BLOCKS = 2


class Block(nnx.Module):
    """A residual layer that counts its uses."""

    def __init__(self, element) -> None:
        self.linear = linear(element=element)
        self.uses = Count(jnp.asarray(0))

    def run(self, x):
        spelling.add(self.uses, 1)
        return x + self.linear(x)


class Rematerialised(Block):
    @nnx.remat
    def __call__(self, x):
        return self.run(x)


class Scanned(Block):
    @nnx.vmap
    def __init__(self, element) -> None:
        super().__init__(element)

    @nnx.scan(in_axes=(0, nnx.Carry), out_axes=nnx.Carry)
    def __call__(self, x):
        return self.run(x)


class ScannedRematerialised(Block):
    @nnx.vmap
    def __init__(self, element) -> None:
        super().__init__(element)

    @nnx.scan(in_axes=(0, nnx.Carry), out_axes=nnx.Carry)
    @nnx.remat
    def __call__(self, x):
        return self.run(x)


class Model(nnx.Module):
    """Blocks, one after the other, whether they are one stack or several."""

    def __init__(self, *blocks: Block) -> None:
        self.blocks = spelling.node_list(blocks)

    def __call__(self, x):
        for block in self.blocks:
            x = block(x)
        return x


MODELS = {
    "rematerialised": lambda: Model(*map(Rematerialised, range(BLOCKS))),
    "scanned": lambda: Model(Scanned(jnp.arange(BLOCKS))),
    "scanned-rematerialised": lambda: Model(ScannedRematerialised(jnp.arange(BLOCKS))),
}


def by_block(arrays):
    """The arrays of all blocks by their name, a row for each block."""
    rows = {}
    for path, array in arrays.items():
        rows.setdefault(path[-1], []).append(np.asarray(array))
    return {name: np.stack(r) if len(r) > 1 else r[0] for name, r in rows.items()}


def loss(model, x):
    return (model(x) * x).sum()


@jax.jit
@jax.value_and_grad
def loss_by_hand(arrays, x):
    """The same loss as a function of plain arrays, with its gradients."""
    y = x
    for block in range(BLOCKS):
        y = y + y @ arrays["kernel"][block] + arrays["bias"][block]
    return (y * x).sum()


@claim("methods/blocks", guide=GUIDE, across=("value_and_grad",), variants=MODELS)
def test_blocks(case: Case) -> None:
    """Blocks with decorated methods, built as a stack or not, give a model the outputs, gradients
    and updates of a plain loop over the blocks."""
    model = case.variant()
    held = variables(model)
    [x] = element_inputs(1)
    made = [kernel_and_bias(element=element) for element in range(BLOCKS)]
    arrays = {
        name: np.stack(values)
        for name, values in zip(("kernel", "bias"), zip(*made, strict=True), strict=True)
    }

    value, gradients = case.decorate(loss)(model, x)

    told, told_gradients = loss_by_hand(arrays, x)
    found = by_block({path: spelling.read(variable) for path, variable in variables(model).items()})
    case.equal(
        {
            "value": value,
            "gradients": by_block(spelling.state_arrays(gradients)),
            "arrays": found,
            "same Variables": all(held[path] is v for path, v in variables(model).items()),
        },
        {
            "value": told,
            "gradients": told_gradients,
            "arrays": arrays | {"uses": np.ones(BLOCKS, np.int32)},
            "same Variables": True,
        },
    )
