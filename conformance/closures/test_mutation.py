"""Objects that a body captures and mutates: an error, not a leaked tracer."""

import functools

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.closures.capturing import REFUSAL, rejects
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL
from conformance.harness.twins import WIDTH, Scene
from conformance.models import Count, Layer

GUIDE = "Mutable Module cannot be passed by closure"


def vector() -> Count:
    return Count(jnp.asarray(np.zeros(WIDTH, np.float32)))


def write_kernel(layer, y):
    spelling.write(layer.kernel, y)


def set_static(layer, y):
    layer.label = "used"


def draw(rngs, y):
    rngs.noise()


MUTATIONS = {
    "variable": (Layer, write_kernel),
    "bare-variable": (vector, spelling.write),
    "static": (Layer, set_static),
    "rngs": (lambda: nnx.Rngs(noise=0), draw),
}


@claim(
    "closures/mutation-rejected",
    guide=GUIDE,
    across=ALL,
    styles=("function",),
    variants=MUTATIONS,
)
def test_mutation_rejected(case: Case) -> None:
    """A body that mutates an object which it captured, and was not given, is refused."""
    make, mutate = case.variant
    rejects(case, make(), mutate)


def add_variable(layer, y):
    layer.seen = Count(y)


def replace_variable(layer, y):
    layer.kernel = nnx.Param(y)


def update_state(layer, y):
    new = Layer()
    spelling.write(new.kernel, y)
    nnx.update(layer, nnx.state(new))


def copy_variable(layer, y):
    layer.kernel.copy_from(nnx.Param(y))


WAYS = {
    "add": add_variable,
    "replace": replace_variable,
    "update": update_state,
    "copy": copy_variable,
}


@claim(
    "closures/any-mutation-rejected",
    guide=GUIDE,
    across=("vmap", "jit"),
    styles=("function",),
    variants=WAYS,
)
def test_any_mutation_rejected(case: Case) -> None:
    """In whatever way a body mutates a Module that it captured, it is refused."""
    rejects(case, Layer(), case.variant)


def write_item(layer, y):
    layer.kernel[0] = y[0]


@claim(
    "closures/item-mutation-rejected",
    guide=GUIDE,
    across=("vmap", "jit"),
    styles=("function",),
    since="0.10.7",  # before, an item was written to JAX's array, which refuses that
)
def test_item_mutation_rejected(case: Case) -> None:
    """A body that writes one item of a Variable which it captured is refused."""
    rejects(case, Layer(), write_item)


def delete_static(layer, y):
    if "label" in vars(layer):
        del layer.label


def delete_variable(layer, y):
    if "kernel" in vars(layer):
        del layer.kernel


def pop_variable(layer, y):
    nnx.pop(layer, Count)


DELETIONS = {"static": delete_static, "variable": delete_variable, "pop": pop_variable}


@claim(
    "closures/deletion-rejected",
    guide=GUIDE,
    across=("vmap", "jit"),
    styles=("function",),
    variants=DELETIONS,
)
def test_deletion_rejected(case: Case) -> None:
    """A body that deletes an attribute of a Module which it captured is refused."""
    rejects(case, Layer(), case.variant)


def alone(captured):
    """A body that is given nothing but an array, as in the guide's example."""

    def body(x):
        write_kernel(captured, x)
        return x * 2

    return body, ()


def by_partial(captured):
    def body(counter, layer, x):
        write_kernel(counter, x)
        return layer(x)

    return functools.partial(body, captured), (Layer,)


@claim(
    "closures/any-capture-rejected",
    guide=GUIDE,
    across=("vmap", "jit"),
    styles=("function",),
    variants={"alone": alone, "partial": by_partial},
)
def test_any_capture_rejected(case: Case) -> None:
    """In whatever way a body comes by a Module that it was not given, mutating it is refused."""
    captured = Layer()
    body, makers = case.variant(captured)
    applied = case.apply(body, *makers)
    case.refuses(applied.call, Scene.of([captured, *applied.objects]), match=REFUSAL)
