"""Models in training that are captured: a BatchNorm, and a model with its optimizer."""

import jax
import jax.numpy as jnp
from flax import nnx

from conformance.building_blocks import (
    MOMENTUM,
    Dense,
    Normalised,
    batch,
    sgd,
    train_step,
)
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.twins import Scene
from conformance.models import Layer

GUIDE = "Mutable Module cannot be passed by closure"
REFUSED = "trace level"
TRACING = ("vmap", "scan", "jit", "remat", "grad", "cond", "while_loop", "fori_loop", "shard_map")


@claim("closures/batch-norm", guide=GUIDE, across=TRACING)
def test_batch_norm(case: Case) -> None:
    """A captured BatchNorm is refused in training, since its statistics would change, and keeps
    them."""
    captured = Normalised(1)

    def body(layer, x):
        return captured(layer(x))

    applied = case.apply(body, Layer)
    case.refuses(applied.call, Scene.of([captured]), match=REFUSED)


def whole_step(model, optimizer, x, target):
    train_step(model, optimizer, x, target)


def update_alone(model, optimizer, x, target):
    """The end of a step, by gradients from elsewhere: no transform but the case's own is there."""
    gradients = jax.tree.map(lambda array: array * x.sum(), nnx.state(model, nnx.Param))
    spelling.apply_gradients(optimizer, model, gradients)


STEPS = {"whole": whole_step, "update": update_alone}


def use_jit(step, x, target):
    nnx.jit(step)(x, target)


def use_scan(step, x, target):
    nnx.scan(step, in_axes=(0, 0), out_axes=0)(x[None], target[None])


def use_cond(step, x, target):
    nnx.cond(x.sum() > 0, step, step, x, target)


USES = {"jit": use_jit, "scan": use_scan, "cond": use_cond}


@claim("closures/train-step", guide=GUIDE, across=tuple(USES), variants=STEPS)
def test_train_step(case: Case) -> None:
    """A step of training of a captured model is refused, and model and Optimizer stay as they
    were."""
    model = Dense()
    optimizer = nnx.Optimizer(model, sgd(MOMENTUM), wrt=nnx.Param)
    x, target = map(jnp.asarray, batch())

    def step(x, target):
        case.variant(model, optimizer, x, target)
        return x

    use = USES[case.transform.name]
    case.refuses(lambda: use(step, x, target), Scene.of([model, optimizer]), match=REFUSED)
