"""A random number generator of our own, which compiles in a fraction of the time of JAX's.

The claims on random state are about which key is drawn where, not about the bits that it gives.
JAX takes any generator, and Flax sees nothing but typed keys.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.extend.random import define_prng_impl

from conformance.harness import spelling


def _mix(word: jax.Array) -> jax.Array:
    """Scatters the 32 bits of each word; no two words become one."""
    word = (word ^ (word >> 16)) * np.uint32(0x7FEB352D)
    return word ^ (word >> 15)


def _seed(seed: jax.Array) -> jax.Array:
    return _mix(seed.astype(np.uint32)).reshape(1)


@functools.partial(jax.jit)
def _fold_in(key: jax.Array, data: jax.Array) -> jax.Array:
    return _mix(key + _mix(data.astype(np.uint32) + np.uint32(1)))


@functools.partial(jax.jit, static_argnums=1)
def _split(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    index = jax.lax.iota(np.uint32, math.prod(shape)).reshape(*shape, 1)
    return _mix(~key + _mix(index + np.uint32(1)))


@functools.partial(jax.jit, static_argnums=(1, 2))
def _bits(key: jax.Array, width: int, shape: tuple[int, ...]) -> jax.Array:
    index = jax.lax.iota(np.uint32, math.prod(shape)).reshape(shape)
    return _mix(key[0] ^ _mix(index + np.uint32(1))).astype(f"uint{width}")


LIGHT = define_prng_impl(
    key_shape=(1,),
    seed=_seed,
    split=_split,
    random_bits=_bits,
    fold_in=_fold_in,
    name="light",
    tag="light",
)


def light_key(seed: int) -> jax.Array:
    """A key of the light generator, another one for each seed."""
    word = np.asarray([(seed + 1) * 0x9E3779B9 % 2**32], np.uint32)
    return jax.random.wrap_key_data(jnp.asarray(word), impl=LIGHT)


def light_keys(seed: int, number: int) -> jax.Array:
    """An array of different keys of the light generator: a key that was split by hand."""
    words = [jax.random.key_data(light_key(1000 * (seed + 1) + index)) for index in range(number)]
    return jax.random.wrap_key_data(jnp.asarray(np.stack(words)), impl=LIGHT)


def light_rngs(**keys: jax.Array) -> nnx.Rngs:
    """An Rngs with a stream for each key, or array of keys, of the light generator.

    The keys are put in afterwards: Flax 0.10.7 makes streams of no other generator than JAX's.
    """
    plain = {name: jnp.broadcast_to(jax.random.key(0), key.shape) for name, key in keys.items()}
    rngs = nnx.Rngs(**plain)
    for name, key in keys.items():
        spelling.write(getattr(rngs, name).key, key)
    return rngs
