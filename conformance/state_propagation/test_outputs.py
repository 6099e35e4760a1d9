"""Input objects that a body gives back as outputs."""

import dataclasses
from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import STEPS, Body, Form, Setting
from conformance.models import Block

Lift = Callable[[Body, Setting], Body]


def as_it_is(outputs):
    return outputs


def scanned(body, setting):
    def step(block, x):
        return x, body(block, x)

    return lambda block, x: nnx.scan(step, in_axes=(0, nnx.Carry), out_axes=(nnx.Carry, 0))(
        block, x
    )[1]


def beside_a_loss(body):
    """Gives what the body does as the auxiliary output of a function to differentiate."""
    return lambda block, x: (block.first(x).sum(), body(block, x))


def by_rule(body, setting):
    custom = nnx.custom_vjp(body)
    # The rule is never run: the function is called, not differentiated.
    custom.defvjp(lambda *arguments: (body(*arguments), None), lambda *_: ())
    return lambda *arguments: custom(*arguments)


def while_looped(body, setting):
    def step(value):
        block, _, x, steps = value
        return block, body(block, x), x, steps + 1

    def apply(block, x):
        start = (block, parts(block), x, jnp.array(0))
        return nnx.while_loop(lambda value: value[-1] < STEPS, step, start)[1]

    return apply


def fori_looped(body, setting):
    def step(_, value):
        block, _, x = value
        return block, body(block, x), x

    return lambda block, x: nnx.fori_loop(0, STEPS, step, (block, parts(block), x))[1]


# How each transform lifts a body whose output is objects, where that is another way than its own.
OWN: Mapping[str, Lift] = {
    "scan": scanned,
    "grad": lambda body, _: lambda *a: nnx.grad(beside_a_loss(body), has_aux=True)(*a)[1],
    "value_and_grad": lambda body, _: (
        lambda *a: nnx.value_and_grad(beside_a_loss(body), has_aux=True)(*a)[0][1]
    ),
    "custom_vjp": by_rule,
    "cond": lambda body, _: lambda *a: nnx.cond(a[-1].sum() > 0, body, body, *a),
    "switch": lambda body, _: lambda *a: nnx.switch(1, (body, body), *a),
    "while_loop": while_looped,
    "fori_loop": fori_looped,
}
RETURNING = ("vmap", "jit", "remat", "pmap", "shard_map", "checkify", *OWN)


def parts(block):
    """A Module, one inside it, and one again."""
    return {"itself": block, "inside": [block.second, block.second]}


@claim(
    "state_propagation/output-identity",
    guide="State propagation",
    across=RETURNING,
    styles=("function",),
)
def test_output_identity(case: Case) -> None:
    """An input object that the function returns is, outside, the same object, with its updates."""

    def body(block, x):
        spelling.add(block.second.count, 1)
        return parts(block)

    transform = case.transform
    if transform.name in OWN:
        transform = dataclasses.replace(transform, lift=OWN[transform.name], read=as_it_is)
    applied = dataclasses.replace(case, transform=transform).apply(body, Block)
    [block] = applied.objects
    runs = STEPS if transform.form is Form.REPEATED else 1
    updated = np.asarray(spelling.read(block.second.count)) + np.int32(runs)
    returned = transform.read(applied.call())
    case.equal(
        {"block": block, "returned": returned, "count": spelling.read(block.second.count)},
        {"block": block, "returned": parts(block), "count": updated},
    )
