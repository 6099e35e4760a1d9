"""The Module that these claims map, and stacks of it made by hand along any axes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import variables
from conformance.harness.twins import WIDTH
from conformance.harness.verdicts import SuiteError
from conformance.models import Count

Axis = int | None


class Mean(nnx.Variable):
    """A running sum of what a layer has seen."""


class Weights(nnx.Module):
    """A dense layer with a sub-state of each kind; all of its numbers depend on `element`."""

    def __init__(self, element: int = 0) -> None:
        start = np.arange(WIDTH, dtype=np.float32)
        square = np.arange(WIDTH * WIDTH, dtype=np.float32).reshape(WIDTH, WIDTH)
        self.kernel = nnx.Param(jnp.asarray(square + 10 * element))
        self.bias = nnx.Param(jnp.asarray(start - element))
        self.mean = Mean(jnp.asarray(start * (element + 1)))
        self.count = Count(jnp.asarray(element))

    def __call__(self, x: jax.Array) -> jax.Array:
        spelling.add(self.count, 1)
        return x @ spelling.read(self.kernel) + spelling.read(self.bias)


def train(weights: Weights, x: jax.Array) -> jax.Array:
    """Uses the layer and updates all of it but the bias."""
    y = weights(x)
    spelling.add(weights.mean, x)
    spelling.write(weights.kernel, spelling.read(weights.kernel) * 2)
    return y - spelling.read(weights.mean)


@dataclass(frozen=True)
class Mapped:
    """A choice of axes, twice: by filters, as Flax gets it, and by attribute, as it is meant."""

    filters: Mapping[Any, Axis] | Sequence[tuple[Any, Axis]]
    meant: Mapping[str, Axis]

    @property
    def prefix(self) -> nnx.StateAxes:
        return nnx.StateAxes(self.filters)

    @property
    def is_negative(self) -> bool:
        """Whether an axis is counted from the end."""
        axes = dict(self.filters).values()
        return any(axis is not None and axis < 0 for axis in axes)

    def elements(self, number: int, *, shared: bool = False) -> list[Weights]:
        """One fresh layer per element; they agree in what is broadcast, or share it."""
        parts = [Weights(element) for element in range(number)]
        for name, axis in self.meant.items():
            for part in parts if axis is None else ():
                variable = getattr(parts[0], name)
                if shared:
                    setattr(part, name, variable)
                else:
                    spelling.write(getattr(part, name), spelling.read(variable))
        return parts

    def stack(self, parts: Sequence[Weights]) -> Weights:
        """One layer that holds the arrays of all `parts`, each along its axis."""
        whole = Weights()
        for name, axis in self.meant.items():
            values = [np.asarray(spelling.read(getattr(part, name))) for part in parts]
            if axis is None and not all(np.array_equal(values[0], value) for value in values):
                raise SuiteError(f"{name} is broadcast, but the elements differ in it")
            stacked = values[0] if axis is None else np.stack(values, axis)
            spelling.write(getattr(whole, name), jnp.asarray(stacked))
        return whole


def along(kernel: Axis, bias: Axis, mean: Axis, count: Axis) -> dict[str, Axis]:
    """The axes of a Weights, by attribute."""
    return {"kernel": kernel, "bias": bias, "mean": mean, "count": count}


def inputs(number: int) -> jax.Array:
    """An input per element, a row each: positive integers, all different."""
    values = np.arange(1, number * WIDTH + 1, dtype=np.float32)
    return jnp.asarray(values.reshape(number, WIDTH))


def threaded(body: Callable[..., Any], parts: Sequence[Any], x: jax.Array) -> jax.Array:
    """A loop over the layers, each output the next input."""
    for part in parts:
        x = body(part, x)
    return x


def each(body: Callable[..., Any], parts: Sequence[Any], xs: jax.Array) -> jax.Array:
    """The outputs of every layer on its own input."""
    return jnp.asarray(np.stack([body(part, x) for part, x in zip(parts, xs, strict=True)]))


def with_held(weights: Any) -> dict[str, Any]:
    """The object and every Variable in it that its owner holds, to be described together."""
    return {"weights": weights, "held": variables(weights)}
