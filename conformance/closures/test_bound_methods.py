"""A bound method as the function: its Module is no argument, but captured."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL, AXIS, STEPS, Edit, Setting
from conformance.harness.twins import Scene
from conformance.models import Count, Layer

GUIDE = "Mutable Module cannot be passed by closure"
REFUSAL = "bound method|trace level"
Method = Callable[..., jax.Array]


class Meter(nnx.Module):
    """A scale, and a count of how often it was used."""

    def __init__(self) -> None:
        self.scale = nnx.Param(jnp.asarray(np.float32(2)))
        self.count = Count(jnp.asarray(0))

    def read(self, *arguments: jax.Array) -> jax.Array:
        """Scales its last argument; fori_loop passes its index before it."""
        return arguments[-1] * spelling.read(self.scale)

    def measure(self, *arguments: jax.Array) -> jax.Array:
        spelling.add(self.count, 1)
        return self.read(*arguments)


def number() -> jax.Array:
    return jnp.asarray(np.float32(1))


def numbers(case: Case) -> jax.Array:
    return jnp.asarray(np.ones(case.elements, np.float32))


def transformed(case: Case, method: Method) -> jax.Array:
    return case.decorate(method)(number())


def mapped(case: Case, method: Method) -> jax.Array:
    return case.decorate(method)(numbers(case))


def sharded(case: Case, method: Method) -> jax.Array:
    mesh = Setting(0, Edit.VALUE, case.backend.devices).mesh
    spec = jax.sharding.PartitionSpec(AXIS)
    return case.decorate(method, mesh=mesh, in_specs=spec, out_specs=spec)(numbers(case))


def scanned(case: Case, method: Method) -> jax.Array:
    carried = {"in_axes": nnx.Carry, "out_axes": nnx.Carry, "length": STEPS}
    return case.decorate(method, **carried)(number())


def by_rule(case: Case, method: Method) -> Any:
    custom = case.decorate(method)
    custom.defvjp(lambda x: (method(x), None), lambda _, cotangents: (cotangents[1],))
    return nnx.grad(lambda x: custom(x))(number())


# The transforms that make another function of the one that they get.
MAKES_FUNCTION: dict[str, Callable[[Case, Method], Any]] = {
    "vmap": mapped,
    "scan": scanned,
    "jit": transformed,
    "remat": transformed,
    "grad": transformed,
    "value_and_grad": transformed,
    "custom_vjp": by_rule,
    "vjp": lambda _, method: nnx.vjp(method, number(), **spelling.KEEPS_STRUCTURE),
    "jvp": lambda _, method: nnx.jvp(method, (number(),), (number(),), **spelling.KEEPS_STRUCTURE),
    "pmap": mapped,
    "shard_map": sharded,
    "checkify": transformed,
}
CALLS = MAKES_FUNCTION | {
    "cond": lambda _, method: nnx.cond(number() > 0, method, method, number()),
    "switch": lambda _, method: nnx.switch(jnp.asarray(1), (method, method), number()),
    "while_loop": lambda _, method: nnx.while_loop(lambda x: x < STEPS, method, number()),
    "fori_loop": lambda _, method: nnx.fori_loop(0, STEPS, method, number()),
}


@claim("closures/bound-method", guide=GUIDE, across=ALL)
def test_bound_method(case: Case) -> None:
    """A bound method that mutates its Module is refused as the function to be transformed."""
    meter = Meter()
    call = CALLS[case.transform.name]
    case.refuses(lambda: call(case, meter.measure), Scene.of([meter]), match=REFUSAL)


@claim("closures/bound-method-reading", guide=GUIDE, across=tuple(MAKES_FUNCTION))
def test_bound_method_reading(case: Case) -> None:
    """A bound method is refused as the function of which a transform makes another, even if it
    only reads its Module.

    What the new function does to its arguments (map, differentiate, shard them) it would not do
    to the Module. A branch or the body of a loop that only reads is promised nothing.
    """
    meter = Meter()
    call = CALLS[case.transform.name]
    case.refuses(lambda: call(case, meter.read), Scene.of([meter]), match=REFUSAL)


class Ruler:
    """No Module: an object of plain Python, with a method."""

    def __init__(self, unit: int) -> None:
        self.unit = unit

    def measure(self, layer: Layer, x: jax.Array) -> jax.Array:
        spelling.write(layer.kernel, spelling.read(layer.kernel) * self.unit)
        return layer(x)


@claim("closures/method-of-no-module", guide=GUIDE, across=ALL, styles=("function",))
def test_method_of_no_module(case: Case) -> None:
    """A bound method of an object that is no Module is a function like any other."""
    case.holds(Ruler(3).measure, Layer)
