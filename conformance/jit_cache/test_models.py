"""How often the steps of a training loop are traced."""

import jax.numpy as jnp
from flax import nnx

from conformance.building_blocks import (
    MOMENTUM,
    Dense,
    Normalised,
    Training,
    batch,
    sgd,
    train_step,
    trained,
)
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.jit_cache.calling import Calls
from conformance.rngs.generator import light_key, light_rngs

GUIDE = "Graph updates propagation"


@claim("jit_cache/train-step", guide=GUIDE, across=("jit",), styles=STYLES)
def test_train_step(case: Case) -> None:
    """A step of training with an Optimizer is traced once for all steps, and trains as by
    formulas."""
    model = Dense()
    optimizer = nnx.Optimizer(model, sgd(MOMENTUM), wrt=nnx.Param)
    training = Training()
    traces = 0

    def step(model, optimizer, x, target):
        nonlocal traces
        traces += 1
        return train_step(model, optimizer, x, target)

    jitted = case.decorate(step)
    for number in range(3):
        x, target = batch(number)
        loss = case.call(jitted, model, optimizer, jnp.asarray(x), jnp.asarray(target))
        case.equal(
            {"loss": loss, "trained": trained(model, optimizer), "traces": traces},
            {"loss": training.step(x, target), "trained": training.told(), "traces": 1},
        )


class Regularised(nnx.Module):
    """A layer of each kind that training and evaluation use differently."""

    def __init__(self) -> None:
        self.normalised = Normalised(1)
        self.dropout = nnx.Dropout(0.5, rngs=light_rngs(dropout=light_key(0)))

    def __call__(self, x):
        return self.dropout(self.normalised(x))


@claim("jit_cache/train-eval", guide=GUIDE, across=("jit",))
def test_train_eval(case: Case) -> None:
    """Switching a model to evaluation traces it once more; back in training, and in evaluation
    again, the programs are there."""
    calls = Calls(case, Regularised.__call__, Regularised)
    case.draws("output of call")

    traces = calls.make([None, None, nnx.Module.eval, None, nnx.Module.train, nnx.Module.eval])

    case.equal({"traces": traces}, {"traces": [1, 1, 2, 2, 2, 2]})
