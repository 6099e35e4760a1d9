"""Training in a loop that carries the model and its optimizer."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.building_blocks import (
    MOMENTUM,
    Dense,
    Training,
    batch,
    sgd,
    train_step,
    trained,
)
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables
from conformance.harness.transforms import STEPS


def scan(model, optimizer, x, target):
    def step(carry, batch):
        return carry, train_step(*carry, *batch)

    scanned = nnx.scan(step, in_axes=(nnx.Carry, 0), out_axes=(nnx.Carry, 0))
    carry, _ = scanned((model, optimizer), (x, target))
    return carry


def while_loop(model, optimizer, x, target):
    def step(value):
        number, model, optimizer = value
        train_step(model, optimizer, x[number], target[number])
        return number + 1, model, optimizer

    start = (jnp.asarray(0), model, optimizer)
    return nnx.while_loop(lambda value: value[0] < STEPS, step, start)[1:]


def fori_loop(model, optimizer, x, target):
    def step(number, carry):
        train_step(*carry, x[number], target[number])
        return carry

    return nnx.fori_loop(0, STEPS, step, (model, optimizer))


LOOPS = {loop.__name__: loop for loop in (scan, while_loop, fori_loop)}


@claim("scan_carry/training", guide="Transforming sub-states (lift types)", across=tuple(LOOPS))
def test_training(case: Case) -> None:
    """A model and its Optimizer that a loop carries are trained, step by step, as by formulas."""
    model = Dense()
    optimizer = nnx.Optimizer(model, sgd(MOMENTUM), wrt=nnx.Param)
    held = variables((model, optimizer))
    x, target = (np.stack(arrays) for arrays in zip(*map(batch, range(STEPS)), strict=True))

    carried = LOOPS[case.transform.name](model, optimizer, jnp.asarray(x), jnp.asarray(target))

    training = Training()
    for step in range(STEPS):
        training.step(x[step], target[step])
    kept = {path: v is held[path] for path, v in variables((model, optimizer)).items()}
    case.equal(
        {
            "trained": trained(model, optimizer),
            "same objects": [carried[0] is model, carried[1] is optimizer],
            "same Variables": kept,
        },
        {
            "trained": training.told(),
            "same objects": [True, True],
            "same Variables": dict.fromkeys(held, True),
        },
    )
