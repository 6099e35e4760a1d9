"""The model that the gradients are of, and what JAX says of its loss as a function of arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import variables
from conformance.harness.twins import WIDTH
from conformance.models import Count

Path = tuple[str, ...]
Arrays = dict[Path, jax.Array]


class Scale(nnx.Variable):
    """A factor that is no parameter."""


class Inner(nnx.Module):
    """A kernel one level down."""

    def __init__(self, start: np.ndarray) -> None:
        self.kernel = nnx.Param(jnp.asarray(start + 2))


class Net(nnx.Module):
    """A model with parameters, a float that is none, and a count."""

    def __init__(self, offset: int = 0) -> None:
        start = np.arange(WIDTH, dtype=np.float32) + offset
        self.kernel = nnx.Param(jnp.asarray(start + 1))
        self.bias = nnx.Param(jnp.asarray(start * 2))
        self.scale = Scale(jnp.asarray(start + 3))
        self.inner = Inner(start)
        self.count = Count(jnp.asarray(0))


KERNEL, BIAS, SCALE, INNER = ("kernel",), ("bias",), ("scale",), ("inner", "kernel")
PARAMS = (KERNEL, BIAS, INNER)


def loss_of(arrays: Arrays, x: jax.Array) -> jax.Array:
    """The loss as a function of plain arrays."""
    return ((x * arrays[KERNEL] + arrays[BIAS]) * arrays[SCALE] * arrays[INNER]).sum()


def floats(net: Net) -> Arrays:
    """The arrays of a model that have a gradient, by path."""
    found = {path: spelling.read(variable) for path, variable in variables(net).items()}
    return {path: value for path, value in found.items() if path != ("count",)}


def loss(net: Net, x: jax.Array) -> jax.Array:
    """The loss of a model, which counts its uses."""
    spelling.add(net.count, 1)
    return loss_of(floats(net), x)


def loss_of_two(net: Net, other: Net, x: jax.Array) -> jax.Array:
    """A loss that mixes two models and an array."""
    return loss(net, x) * loss(other, x)


def the_input() -> jax.Array:
    return jnp.asarray(np.arange(1, WIDTH + 1, dtype=np.float32))


LOSSES = {loss: loss_of, loss_of_two: lambda net, other, x: loss_of(net, x) * loss_of(other, x)}


@dataclass(frozen=True)
class Wanted:
    """What is to be differentiated: by argnums, as Flax gets it, and by paths, as it is meant.

    `meant` gives the paths of each argument in the order of the argnums; None is a whole array.
    """

    argnums: Any
    meant: tuple[tuple[int, tuple[Path, ...] | None], ...]

    @property
    def filtered(self) -> tuple[nnx.DiffState, ...]:
        """The DiffStates among the argnums."""
        several = self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        return tuple(argnum for argnum in several if isinstance(argnum, nnx.DiffState))

    def gradients(self, whole: Callable[..., jax.Array], *arguments: Any) -> Any:
        """What JAX says of the loss as a function of just the arrays that are meant."""
        arrays = [floats(a) if isinstance(a, Net) else a for a in arguments]
        chosen = [
            arrays[index] if paths is None else {path: arrays[index][path] for path in paths}
            for index, paths in self.meant
        ]

        def of_chosen(chosen):
            mixed = list(arrays)
            for (index, paths), values in zip(self.meant, chosen, strict=True):
                mixed[index] = values if paths is None else mixed[index] | values
            return whole(*mixed)

        return self.shaped(jax.grad(of_chosen)(chosen))

    def ruled(self, gradient: jax.Array) -> Any:
        """The same gradient for all that is meant."""
        return self.shaped(
            [gradient if p is None else dict.fromkeys(p, gradient) for _, p in self.meant]
        )

    def shaped(self, gradients: list[Any]) -> Any:
        """As Flax gives them: several for several argnums, by themselves for one."""
        return tuple(gradients) if isinstance(self.argnums, tuple) else gradients[0]
