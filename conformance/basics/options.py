"""Uses of the options that NNX's transforms have in common with JAX's."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import checkify

from conformance.basics.arrays import (
    SPLIT,
    WHOLE,
    Pair,
    Use,
    above_two,
    body,
    checked,
    checked_body,
    counting,
    custom_vjp,
    doubled,
    floats,
    fori_loop,
    loss,
    other_body,
    pmap,
    shard_map,
    step,
    tree,
)
from conformance.harness import spelling
from conformance.harness.backends import Backend
from conformance.harness.transforms import AXIS, ELEMENTS, STEPS
from conformance.harness.twins import WIDTH


def vmap_prefixes(api: Any, backend: Backend) -> Any:
    """Prefixes at several depths of the arguments and of the output."""
    given = {"floats": 1, "parts": [0, None], "pair": 0}
    arguments = tree(ELEMENTS, WIDTH) | {
        "floats": counting(WIDTH, ELEMENTS),
        "parts": [counting(ELEMENTS, WIDTH, dtype=np.int32), (above_two(WIDTH),)],
    }
    returned = {"floats": (1, 0), "flags": None, "pair": -1}
    return api.vmap(body, in_axes=(given, None), out_axes=returned)(arguments, counting(WIDTH))


def vmap_name(api: Any, backend: Backend) -> Any:
    """An axis that has a name in the body, and a size where no argument has one."""

    def body(x: jax.Array) -> Any:
        return x + jax.lax.axis_index(AXIS), jax.lax.psum(x, AXIS)

    return api.vmap(body, in_axes=None, axis_name=AXIS, axis_size=STEPS)(counting(WIDTH))


def scan_nothing(api: Any, backend: Backend) -> Any:
    """A loop backwards over no array, whose length is told."""
    scanned = api.scan(
        lambda carry, _: (step(carry), carry["floats"]),
        in_axes=(api.Carry, 0),
        out_axes=(api.Carry, 0),
        length=STEPS,
        reverse=True,
    )
    return scanned(tree(WIDTH), None)


def static(tree: dict[str, Any], double: bool, x: jax.Array) -> Any:
    """A body whose second argument is no array."""
    return (body if double else other_body)(tree, x)


def jit(api: Any, backend: Backend) -> Any:
    """An argument that is given away, and arguments by name, one of them static."""
    jitted = api.jit(static, static_argnames=("double",), donate_argnums=0)
    given = tree(WIDTH)
    return jitted(given, x=counting(WIDTH), double=False), {"given": given}


def remat(api: Any, backend: Backend) -> Any:
    """A static argument and a policy of what is saved, under a gradient."""
    policy = jax.checkpoint_policies.nothing_saveable
    saving = api.remat(
        lambda floats, double, x: (loss(floats, x) * (2 if double else 1), x),
        policy=policy,
        prevent_cse=False,
        static_argnums=1,
    )
    differentiated = api.grad(lambda floats, x: saving(floats, True, x), has_aux=True)
    return differentiated(floats(WIDTH), tree(WIDTH))


def several(api: Any, transform: Any) -> Any:
    """Gradients of several arguments, integers among them, and what is beside the value."""
    differentiated = transform(
        lambda x, floats: (loss(floats, x), x), argnums=(1, 0), has_aux=True, allow_int=True
    )

    def readable(leaf: Any) -> Any:
        return "float0" if leaf.dtype == jax.dtypes.float0 else leaf

    return jax.tree.map(readable, differentiated(tree(WIDTH), floats(WIDTH)))


def holomorphic(api: Any, backend: Backend) -> Any:
    z = jnp.asarray(np.array([1 + 2j, 3 - 1j], np.complex64))
    return api.grad(lambda z: (z * 2).sum(), holomorphic=True)(z)


def vjp_aux(api: Any, backend: Backend) -> Any:
    y, pull_back, aux = api.vjp(
        lambda floats, factor: (doubled(floats, factor), Pair(factor, tree(WIDTH))),
        floats(WIDTH),
        counting(WIDTH),
        has_aux=True,
        **spelling.KEEPS_STRUCTURE,
    )
    return y, pull_back(jax.tree.map(jnp.ones_like, y)), aux


def jvp_aux(api: Any, backend: Backend) -> Any:
    primals = floats(WIDTH), counting(WIDTH)
    return api.jvp(
        lambda floats, factor: (doubled(floats, factor), Pair(factor, tree(WIDTH))),
        primals,
        primals,
        has_aux=True,
        **spelling.KEEPS_STRUCTURE,
    )


def pmap_name(api: Any, backend: Backend) -> Any:
    """Devices that sum over an axis by its name; one argument is for all, one is no array."""
    devices = len(backend.devices[:ELEMENTS])

    def body(x: jax.Array, y: jax.Array, double: bool) -> Any:
        total = jax.lax.psum(x, AXIS)
        return (total * 2 if double else total) + y, x

    return pmap(
        api,
        backend,
        body,
        (counting(WIDTH, devices), counting(WIDTH), True),
        axis_name=AXIS,
        in_axes=(1, None, None),
        out_axes=(0, 1),
        static_broadcasted_argnums=2,
    )


def shard_map_sum(api: Any, backend: Backend) -> Any:
    """Blocks that are summed over the mesh: the result is whole."""

    def body(tree: dict[str, Any], x: jax.Array) -> Any:
        return jax.lax.psum(tree["floats"], AXIS), tree["parts"], x * 2

    return shard_map(api, backend, body, (SPLIT, WHOLE), (WHOLE, SPLIT, WHOLE))


OPTIONS: Mapping[str, tuple[Use, ...]] = {
    "vmap": (vmap_prefixes, vmap_name),
    "scan": (scan_nothing,),
    "jit": (jit,),
    "remat": (remat,),
    "grad": (lambda api, _: several(api, api.grad), holomorphic),
    "value_and_grad": (lambda api, _: several(api, api.value_and_grad),),
    "custom_vjp": (lambda api, backend: custom_vjp(api, backend, nondiff_argnums=(1,)),),
    "vjp": (vjp_aux,),
    "jvp": (jvp_aux,),
    "fori_loop": (
        lambda api, backend: fori_loop(api, backend, jnp.asarray(2), jnp.asarray(STEPS + 1)),
    ),
    "pmap": (pmap_name,),
    "shard_map": (shard_map_sum,),
    "checkify": (
        lambda api, _: checked(
            api.checkify(checked_body, errors=checkify.float_checks)(tree(WIDTH), counting(WIDTH))
        ),
    ),
}
