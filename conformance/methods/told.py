"""What plain Python, or JAX on plain arrays, gives for the method of a layer."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import variables
from conformance.harness.transforms import RULE, STEPS, Form, Transform
from conformance.methods.calling import parameters

Elements = Sequence[tuple[Any, Any, Any]]  # a layer, its input and its factor


def each(method: str, of_each: Elements) -> list[Any]:
    return [getattr(layer, method)(x, factor) for layer, x, factor in of_each]


def once(method: str, of_each: Elements) -> Any:
    return each(method, of_each)[0]


def threaded(method: str, of_each: Elements) -> Any:
    _, x, _ = of_each[0]
    for layer, _, factor in of_each:
        x = getattr(layer, method)(x, factor)
    return x


def repeated(method: str, of_each: Elements) -> Any:
    return threaded(method, [*of_each] * STEPS)


def differentiated(name: str, method: str, of_each: Elements) -> Any:
    """What JAX says of the method as a function of plain arrays, and one use of the layer."""
    ((layer, x, factor),) = of_each
    arrays = parameters(layer)

    def on_arrays(arrays: Any, x: Any, factor: Any) -> Any:
        fresh = type(layer)()
        for path, variable in variables(fresh, nnx.Param).items():
            spelling.write(variable, arrays[path])
        return getattr(fresh, method)(x, factor)

    y = getattr(layer, method)(x, factor)
    return DERIVED[name](on_arrays, y, arrays, x, factor)


def gradients(f: Callable[..., Any], _: Any, *arguments: Any) -> Any:
    return jax.grad(lambda *arguments: f(*arguments).sum(), argnums=(0, 1))(*arguments)


def cotangents(f: Callable[..., Any], y: Any, *arguments: Any) -> Any:
    return y, *jax.vjp(f, *arguments)[1](jnp.ones_like(y))


def tangents(f: Callable[..., Any], y: Any, arrays: Any, *rest: Any) -> Any:
    return jax.jvp(functools.partial(f, arrays), rest, tuple(map(jnp.ones_like, rest)))


DERIVED: Mapping[str, Callable[..., Any]] = {
    "grad": gradients,
    "value_and_grad": lambda f, y, *arguments: (y.sum(), *gradients(f, y, *arguments)),
    "custom_vjp": lambda f, y, arrays, x, factor: (y.sum(), jnp.full_like(x, RULE)),
    "vjp": cotangents,
    "jvp": tangents,
}
BY_FORM: Mapping[Form, Callable[[str, Elements], Any]] = {
    Form.MAPPED: each,
    Form.SHARDED: each,
    Form.THREADED: threaded,
    Form.ONCE: once,
    Form.REPEATED: repeated,
}


def tell(transform: Transform, method: str, of_each: Elements) -> Any:
    """What the method gives under this transform; a list of outputs where it is mapped."""
    if transform.form is Form.DIFFERENTIATED:
        return differentiated(transform.name, method, of_each)
    return BY_FORM[transform.form](method, of_each)
