"""The Modules that claims share: small, with the same structure for every element."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.twins import WIDTH


class Count(nnx.Variable):  # type: ignore[type-arg]
    """How often something happened."""


class Layer(nnx.Module):
    """An elementwise layer that counts its uses.

    It adds one to the product so that two layers in the other order give something else.
    """

    def __init__(self, element: int = 0) -> None:
        start = np.arange(1, WIDTH + 1, dtype=np.float32)
        self.kernel = nnx.Param(jnp.asarray(start + element))
        self.count = Count(jnp.asarray(element))
        self.label = "new"

    def __call__(self, x: jax.Array) -> Any:
        spelling.add(self.count, 1)
        return self.scale(x)

    def scale(self, x: jax.Array) -> Any:
        return x * spelling.read(self.kernel) + 1


class Block(nnx.Module):
    """Two layers, one after the other; only the first counts, which tells the two apart."""

    def __init__(self, element: int = 0) -> None:
        self.first = Layer(element)
        self.second = Layer(element + 10)
        self.label = "new"

    def __call__(self, x: jax.Array) -> Any:
        return self.second.scale(self.first(x))
