"""Uses of every transform on plain pytrees of arrays, each written once, for NNX and for JAX.

A use is `use(api, backend)`: `api` is the module `nnx`, or JAX under the same names. Where NNX
documents another signature, JAX's function is given that one here.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import checkify
from jax.sharding import Mesh, PartitionSpec

from conformance.harness import spelling
from conformance.harness.backends import Backend
from conformance.harness.transforms import AXIS, ELEMENTS, RULE, STEPS
from conformance.harness.twins import WIDTH

Use = Callable[[Any, Backend], Any]
SPLIT, WHOLE = PartitionSpec(AXIS), PartitionSpec()


def _scan(f: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    # nnx.scan transforms the function; which argument is carried, and which is scanned, it is told.
    del options["in_axes"], options["out_axes"]
    return lambda carry, xs=None: jax.lax.scan(f, carry, xs, **options)


def _vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False, **_: Any) -> Any:
    return jax.vjp(f, *primals, has_aux=has_aux)


def _jvp(f: Callable[..., Any], *arguments: Any, has_aux: bool = False, **_: Any) -> Any:
    return jax.jvp(f, *arguments, has_aux=has_aux)


JAX = SimpleNamespace(
    vmap=jax.vmap,
    scan=_scan,
    jit=jax.jit,
    remat=jax.checkpoint,
    grad=jax.grad,
    value_and_grad=jax.value_and_grad,
    custom_vjp=jax.custom_vjp,
    vjp=_vjp,
    jvp=_jvp,
    cond=jax.lax.cond,
    switch=jax.lax.switch,
    while_loop=jax.lax.while_loop,
    fori_loop=jax.lax.fori_loop,
    pmap=jax.pmap,
    shard_map=spelling.jax_shard_map,
    checkify=checkify.checkify,
    Carry=None,
)


def of_output(api: Any, cotangents: Any) -> Any:
    """What a rule of a custom_vjp gets for the output; nnx puts that of the inputs before it."""
    return cotangents if api is JAX else cotangents[1]


class Pair(NamedTuple):
    """A container that JAX knows by its class."""

    first: Any
    second: Any


def counting(*shape: int, dtype: Any = np.float32) -> jax.Array:
    """An array of the numbers from one on."""
    return jnp.asarray(np.arange(1, np.prod(shape, dtype=int) + 1).reshape(shape), dtype)


def above_two(*shape: int) -> jax.Array:
    """Which of these numbers are above two."""
    return jnp.asarray(np.asarray(counting(*shape)) > 2)


def tree(*shape: int) -> dict[str, Any]:
    """A pytree of arrays of one shape and many dtypes."""
    return {
        "floats": counting(*shape),
        "parts": [
            counting(*shape, dtype=np.int32),
            (jnp.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) > 1),),
        ],
        "pair": Pair(counting(*shape, dtype=np.float16), None),
    }


def body(tree: dict[str, Any], x: jax.Array) -> dict[str, Any]:
    """Another pytree, of arrays that are new and of some that just pass."""
    whole, (flag,) = tree["parts"]
    return {
        "floats": (tree["floats"] * x, whole + 1),
        "flags": [~flag, Pair(None, flag)],
        "pair": tree["pair"],
    }


def checked_body(tree: dict[str, Any], x: jax.Array) -> Any:
    """A check of the user that fails, and the floats by a number that turns out to be zero."""
    checkify.check(x.sum() < 0, "the sum is {}", x.sum())
    return tree["floats"] / (x - 1), tree["parts"]


def other_body(tree: dict[str, Any], x: jax.Array) -> dict[str, Any]:
    """The same structure with other values."""
    result = body(tree, x)
    return result | {"flags": [tree["parts"][1][0], Pair(None, result["flags"][0])]}


def step(tree: dict[str, Any]) -> dict[str, Any]:
    """The same structure, one step on."""
    whole, (flag,) = tree["parts"]
    return tree | {"floats": tree["floats"] * 2, "parts": [whole + 1, (~flag,)]}


def floats(*shape: int) -> dict[str, Any]:
    """A pytree of arrays that have a gradient."""
    return {"a": [counting(*shape)], "b": Pair(counting(*shape, dtype=np.float16), None)}


def loss(floats: dict[str, Any], tree: dict[str, Any]) -> jax.Array:
    whole, _ = tree["parts"]
    return (floats["a"][0] * tree["floats"] * whole + floats["b"].first.astype(np.float32)).sum()


def scan(api: Any, backend: Backend, **options: Any) -> Any:
    scanned = api.scan(
        lambda carry, x: (step(carry), body(carry, x)),
        in_axes=(api.Carry, 0),
        out_axes=(api.Carry, 0),
        **options,
    )
    return scanned(tree(WIDTH), counting(STEPS, WIDTH))


def doubled(floats: dict[str, Any], factor: Any) -> dict[str, Any]:
    return {"y": floats["a"][0] * factor, "b": floats["b"]}


def custom_vjp(api: Any, backend: Backend, **options: Any) -> Any:
    custom = api.custom_vjp(doubled, **options)

    def forward(floats: Any, factor: Any) -> Any:
        return doubled(floats, factor), floats["b"]

    def backward(*given: Any) -> Any:
        *_, b, cotangents = given
        cotangent = of_output(api, cotangents)
        of_floats = {"a": [RULE * cotangent["y"]], "b": Pair(b.first + 1, None)}
        return of_floats if options else (of_floats, cotangent["y"] * 5)

    custom.defvjp(forward, (lambda *given: (backward(*given),)) if options else backward)

    def total(floats: Any, factor: Any) -> Any:
        result = custom(floats, factor)
        return result["y"].sum() * 2, result

    argnums = 0 if options else (0, 1)
    factor = 2.0 if options else counting(WIDTH)
    return api.value_and_grad(total, argnums=argnums, has_aux=True)(floats(WIDTH), factor)


def vjp(api: Any, backend: Backend) -> Any:
    y, pull_back = api.vjp(doubled, floats(WIDTH), counting(WIDTH), **spelling.KEEPS_STRUCTURE)
    return y, pull_back(jax.tree.map(jnp.ones_like, y))


def jvp(api: Any, backend: Backend) -> Any:
    primals = floats(WIDTH), counting(WIDTH)
    return api.jvp(doubled, primals, primals, **spelling.KEEPS_STRUCTURE)


def while_loop(api: Any, backend: Backend) -> Any:
    start = (tree(WIDTH), jnp.asarray(0))
    return api.while_loop(
        lambda value: value[1] < STEPS, lambda value: (step(value[0]), value[1] + 1), start
    )


def fori_loop(api: Any, backend: Backend, lower: Any = 1, upper: Any = STEPS) -> Any:
    def body(i: Any, value: Any) -> Any:
        return step(value[0]), value[1] + i

    return api.fori_loop(lower, upper, body, (tree(WIDTH), jnp.asarray(0)))


def pmap(api: Any, backend: Backend, f: Any = body, arguments: Any = None, **options: Any) -> Any:
    devices = backend.devices[:ELEMENTS]
    given = arguments or (tree(len(devices), WIDTH), counting(len(devices), WIDTH))
    return api.pmap(f, devices=devices, **options)(*given)


def shard_map(
    api: Any, backend: Backend, f: Any = body, given: Any = SPLIT, returned: Any = SPLIT
) -> Any:
    devices = backend.devices[:ELEMENTS]
    mesh = Mesh(np.array(devices), (AXIS,))
    mapped = api.shard_map(f, mesh=mesh, in_specs=given, out_specs=returned)
    # Under jit: alone, JAX compiles a program for every array that goes in or out.
    return api.jit(mapped)(tree(ELEMENTS, WIDTH), counting(ELEMENTS, WIDTH))


def checked(result: tuple[Any, Any]) -> Any:
    """The message of an error, and the output beside it."""
    error, output = result
    return error.get(), output


USES: Mapping[str, Use] = {
    "vmap": lambda api, _: api.vmap(body, in_axes=(1, None), out_axes=1)(
        tree(WIDTH, ELEMENTS), counting(WIDTH)
    ),
    "scan": scan,
    "jit": lambda api, _: api.jit(body)(tree(WIDTH), counting(WIDTH)),
    "remat": lambda api, _: api.remat(body)(tree(WIDTH), counting(WIDTH)),
    "grad": lambda api, _: api.grad(loss)(floats(WIDTH), tree(WIDTH)),
    "value_and_grad": lambda api, _: api.value_and_grad(loss)(floats(WIDTH), tree(WIDTH)),
    "custom_vjp": custom_vjp,
    "vjp": vjp,
    "jvp": jvp,
    "cond": lambda api, _: api.cond(
        jnp.asarray(False), body, other_body, tree(WIDTH), counting(WIDTH)
    ),
    "switch": lambda api, _: api.switch(
        # An index beyond the branches is that of the last.
        jnp.asarray(7),
        (body, body, other_body),
        tree(WIDTH),
        counting(WIDTH),
    ),
    "while_loop": while_loop,
    "fori_loop": fori_loop,
    "pmap": pmap,
    "shard_map": shard_map,
    "checkify": lambda api, _: checked(api.checkify(checked_body)(tree(WIDTH), counting(WIDTH))),
}
