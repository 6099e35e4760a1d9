"""How each transform decorates a method, or takes one as its function, and how that is called."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import PartitionSpec

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.descriptions import variables
from conformance.harness.transforms import AXIS, RULE, STEPS, Edit, Setting
from conformance.methods.layers import Decorator

Method = Callable[..., Any]


def summed(method: Method) -> Method:
    """The method as a loss."""

    @functools.wraps(method)
    def loss(*arguments: Any) -> Any:
        return method(*arguments).sum()

    return loss


def with_rule(method: Method) -> Any:
    """The method with a rule for its derivative that no derivative agrees with."""
    custom = nnx.custom_vjp(method, nondiff_argnums=(2,))

    def forward(layer: Any, x: jax.Array, factor: Any) -> Any:
        return method(layer, x, factor), None

    def backward(factor: Any, _: None, cotangents: Any) -> Any:
        (of_layer, _), of_output = cotangents
        return of_layer, RULE * of_output

    custom.defvjp(forward, backward)
    return custom


def on_mesh(case: Case) -> Decorator:
    """Blocks of layers and of inputs; the factor and the output are split along their columns."""
    mesh = Setting(1, Edit.VALUE, case.backend.devices).mesh
    rows, columns = PartitionSpec(AXIS), PartitionSpec(None, AXIS)
    specs = {"in_specs": (rows, rows, columns), "out_specs": columns}
    return lambda method: nnx.jit(case.decorate(method, mesh=mesh, **specs))


# What stands above the method. Arguments are counted from the instance on.
DECORATORS: Mapping[str, Callable[[Case], Decorator]] = {
    "vmap": lambda case: lambda method: case.decorate(method, in_axes=(0, 0, 1), out_axes=1),
    "pmap": lambda case: lambda method: case.decorate(method, in_axes=(0, 0, 1), out_axes=1),
    "scan": lambda case: (
        lambda method: case.decorate(method, in_axes=(0, nnx.Carry, 1), out_axes=nnx.Carry)
    ),
    "shard_map": on_mesh,
    "jit": lambda case: lambda method: case.decorate(method, static_argnums=2),
    "remat": lambda case: lambda method: case.decorate(method, static_argnums=2),
    "checkify": lambda case: case.decorate,
    "grad": lambda case: lambda method: case.decorate(summed(method), argnums=(0, 1)),
    "value_and_grad": lambda case: lambda method: case.decorate(summed(method), argnums=(0, 1)),
    "custom_vjp": lambda case: with_rule,
}


def bound(layer: Any, name: str, *rest: Any) -> Any:
    """The method of an instance, called as usual."""
    return layer(*rest) if name == "__call__" else layer.apply(*rest)


def under_gradient(layer: Any, name: str, *rest: Any) -> Any:
    """The same where a gradient asks for its rule."""
    x, factor = rest

    def loss(layer: Any, x: jax.Array) -> Any:
        return bound(layer, name, x, factor).sum()

    return nnx.value_and_grad(loss, argnums=1)(layer, x)


def parameters(layer: Any) -> dict[Any, jax.Array]:
    """The arrays of a layer, or of its cotangent, that have a gradient."""
    return {path: spelling.read(v) for path, v in variables(layer, nnx.Param).items()}


def gradients(outputs: tuple[Any, ...]) -> tuple[Any, ...]:
    *value, (of_layer, of_x) = outputs
    return (*value, spelling.state_arrays(of_layer), of_x)


def vjp(layer: Any, name: str, *rest: Any) -> Any:
    method = getattr(type(layer), name)
    y, pull_back = nnx.vjp(method, layer, *rest, **spelling.KEEPS_STRUCTURE)
    of_layer, *of_rest = pull_back(jnp.ones_like(y))
    return y, parameters(of_layer), *of_rest


def jvp(layer: Any, name: str, *rest: Any) -> Any:
    still = type(layer)()
    for variable in variables(still).values():
        spelling.write(variable, zero_tangent(spelling.read(variable)))
    method = getattr(type(layer), name)
    primals, tangents = (layer, *rest), (still, *map(jnp.ones_like, rest))
    return nnx.jvp(method, primals, tangents, **spelling.KEEPS_STRUCTURE)


def zero_tangent(array: jax.Array) -> Any:
    of_floats = jnp.issubdtype(array.dtype, jnp.inexact)
    return np.zeros(array.shape, array.dtype if of_floats else jax.dtypes.float0)


def cond(layer: Any, name: str, *rest: Any) -> Any:
    kind = type(layer)
    return nnx.cond(jnp.asarray(name == "apply"), kind.apply, kind.__call__, layer, *rest)


def switch(layer: Any, name: str, *rest: Any) -> Any:
    methods = (type(layer).apply, type(layer).__call__)
    return nnx.switch(jnp.asarray(int(name == "__call__")), methods, layer, *rest)


def step(method: Method, value: tuple[Any, ...]) -> tuple[Any, ...]:
    layer, _, factor = value
    return layer, method(*value), factor


def while_loop(layer: Any, name: str, *rest: Any) -> Any:
    method = getattr(type(layer), name)
    return nnx.while_loop(
        lambda value: spelling.read(value[0].count) < STEPS,
        lambda value: step(method, value),
        (layer, *rest),
    )[1]


def fori_loop(layer: Any, name: str, *rest: Any) -> Any:
    method = getattr(type(layer), name)
    return nnx.fori_loop(0, STEPS, lambda _, value: step(method, value), (layer, *rest))[1]


# How a method is called that is no plain call: `(layer, its name, x, factor)`.
CALLS: Mapping[str, Callable[..., Any]] = {
    "checkify": lambda *arguments: bound(*arguments)[1],
    "grad": lambda *arguments: gradients((bound(*arguments),)),
    "value_and_grad": lambda *arguments: gradients(bound(*arguments)),
    "custom_vjp": under_gradient,
    "vjp": vjp,
    "jvp": jvp,
    "cond": cond,
    "switch": switch,
    "while_loop": while_loop,
    "fori_loop": fori_loop,
}
