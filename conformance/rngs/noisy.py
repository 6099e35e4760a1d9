"""The Modules and bodies with random state that this section's claims share."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.transforms import Form
from conformance.harness.twins import WIDTH, element_inputs, stack_inputs
from conformance.models import Count
from conformance.rngs.generator import light_key, light_rngs

SPLIT = nnx.StateAxes({nnx.RngState: 0, ...: None})  # the axes of the guide's example


class Drawn(nnx.Variable):
    """The words of a key that was drawn."""


class Noisy(nnx.Module):
    """An elementwise layer that keeps the random state that it was given."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.kernel = nnx.Param(jnp.asarray(np.arange(1, WIDTH + 1, dtype=np.float32)))
        self.count = Count(jnp.asarray(0))
        self.rngs = rngs


class Diary(Noisy):
    """A noisy layer that writes down the keys of its last two draws."""

    def __init__(self, element: int = 0) -> None:
        super().__init__(light_rngs(noise=light_key(element)))
        self.first = Drawn(words(light_key(0)))
        self.second = Drawn(words(light_key(0)))


def words(key: jax.Array) -> jax.Array:
    """The words that a key consists of."""
    return jax.random.key_data(key)


@functools.partial(jax.jit, static_argnums=1)
def _shaped_words(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return words(key).reshape(shape)


def write_down(drawn: Drawn, key: jax.Array) -> None:
    """Keeps the words of `key`, in the shape in which a transform hands out the Variable."""
    spelling.write(drawn, _shaped_words(key, spelling.read(drawn).shape))


def draw_by_hand(stream: nnx.RngStream) -> jax.Array:
    """What drawing from a stream means in plain JAX: fold its count in, and count on."""
    count = spelling.read(stream.count)
    spelling.write(stream.count, count + 1)
    return jax.random.fold_in(spelling.read(stream.key), count)


@jax.jit
def _noisy_output(x: jax.Array, kernel: jax.Array, key: jax.Array) -> jax.Array:
    return x * kernel + jax.random.uniform(key, x.shape)


def add_noise(noisy: Noisy, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The body of the guide's example: a noisy output, and with it the words of the key drawn."""
    key = noisy.rngs.noise()
    return _noisy_output(x, spelling.read(noisy.kernel), key), words(key)


def lift_noise(case: Case, axes: Any, body: Callable[..., Any] = add_noise) -> Callable[..., Any]:
    """`body` by the case's transform, which maps a Noisy along `axes`, and all its outputs."""
    if case.transform.form is Form.THREADED:
        return case.decorate(body, in_axes=(axes, nnx.Carry), out_axes=(nnx.Carry, 0))
    return case.decorate(body, in_axes=(axes, 0), out_axes=0)


def noise_inputs(case: Case) -> jax.Array:
    """The input of a lifted `add_noise`."""
    return stack_inputs(case.transform, case.elements)


def noise_by_hand(case: Case, noisy: Noisy, keys: Sequence[jax.Array]) -> dict[str, np.ndarray]:
    """What a lifted `add_noise` gives in plain JAX, if each element draws from its own key."""
    threaded = case.transform.form is Form.THREADED
    inputs = element_inputs(len(keys))
    drawn = [jax.random.fold_in(key, 0) for key in keys]
    outputs = []
    for element, key in enumerate(drawn):
        x = outputs[-1] if threaded and outputs else inputs[element]
        outputs.append(_noisy_output(x, spelling.read(noisy.kernel), key))
    return {
        "y": np.asarray(outputs[-1]) if threaded else np.stack(outputs),
        "drawn": np.stack([words(key) for key in drawn]),
    }
