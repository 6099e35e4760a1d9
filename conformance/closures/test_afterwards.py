"""What is left of a captured object after the error, and what to do instead."""

from functools import partial

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.closures.capturing import REFUSAL, rejects
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL
from conformance.harness.twins import WIDTH, Scene, element_inputs
from conformance.models import Layer

GUIDE = "Mutable Module cannot be passed by closure"


def use(layer, x):
    return layer(x)


@claim("closures/object-intact", guide=GUIDE, across=ALL, styles=("method",))
def test_object_intact(case: Case) -> None:
    """After that error a captured Module is as it was, and can be used, also as an argument."""
    captured, fresh = Layer(), Layer()

    def body(layer, x):
        return captured(layer(x))

    applied = case.apply(body, Layer)
    case.refuses(applied.call, Scene.of([captured, *applied.objects]), match=REFUSAL)
    (x,) = element_inputs(1)
    case.equal({"captured": captured, "y": captured(x)}, {"captured": fresh, "y": fresh(x)})
    given = iter((captured,))  # the first element of the stack; all the others are new

    def used_once(element):
        layer = Layer(element)
        spelling.add(layer.count, 1)
        return next(given, layer)

    case.holds(use, used_once)


@claim("closures/as-argument", guide=GUIDE, across=ALL, styles=("function",))
def test_as_argument(case: Case) -> None:
    """A body that is given the Module which it mutates may do so."""

    def body(layer, x):
        spelling.write(layer.kernel, x)
        return layer(x)

    case.holds(body, Layer)


class Kernel(nnx.Module):
    """A Module that can also be mapped element by element."""

    def __init__(self) -> None:
        self.kernel = nnx.Param(jnp.asarray(np.ones(WIDTH, np.float32)))
        self.label = "new"


def update(module, x):
    spelling.write(module.kernel, x)
    return x.sum()


class Labelled(nnx.Module):
    """A Module without Variables."""

    def __init__(self) -> None:
        self.label = "new"


def relabel(module, x):
    module.label = "used"
    return x.sum()


NESTED = {
    "into-jit": lambda update, *given: nnx.jit(update)(*given),
    "into-vmap": lambda update, *given: nnx.vmap(update)(*given),
    "into-remat": lambda update, *given: nnx.remat(update)(*given),
    "into-cond": lambda update, *given: nnx.cond(jnp.sum(given[-1]) > 0, update, update, *given),
}


@claim(
    "closures/nested-object-intact",
    guide=GUIDE,
    across=("vmap", "jit"),
    styles=("function",),
    variants=NESTED,
)
def test_nested_object_intact(case: Case) -> None:
    """A captured Module that the body gives to another transform, which mutates it, is refused,
    and is as it was."""
    rejects(case, Kernel(), partial(case.variant, update))


@claim(
    "closures/nested-static-intact",
    guide=GUIDE,
    across=("vmap", "jit"),
    styles=("function",),
    variants=NESTED,
)
def test_nested_static_intact(case: Case) -> None:
    """A captured Module that holds no Variable is refused there, too, where its static attribute
    is mutated, and is as it was."""
    rejects(case, Labelled(), partial(case.variant, relabel))
