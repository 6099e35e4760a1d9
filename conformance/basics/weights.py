"""The Module that these claims map, its stacks by hand, and what it computes."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import variables
from conformance.harness.twins import WIDTH
from conformance.models import Count


class Bias(nnx.Module):
    """A bias that counts, one level down."""

    def __init__(self, element: int) -> None:
        self.bias = nnx.Param(jnp.asarray(np.arange(WIDTH, dtype=np.float32) - element))
        self.count = Count(jnp.asarray(np.array([element])))


class Weights(nnx.Module):
    """The guide's weights: no methods, a kernel and a bias. Every array has an axis to spare."""

    def __init__(self, element: int = 0) -> None:
        kernel = np.arange(2 * WIDTH, dtype=np.float32).reshape(2, WIDTH) + 10 * element
        self.kernel = nnx.Param(jnp.asarray(kernel))
        self.inner = Bias(element)


def vector_dot(weights: Weights, x: jax.Array) -> dict[str, jax.Array]:
    """What a layer does, and all that it sees of its weights."""
    seen = {".".join(path): spelling.read(v) for path, v in variables(weights).items()}
    return {"y": x @ seen["kernel"] + seen["inner.bias"]} | seen


def inputs(number: int) -> list[np.ndarray]:
    """An input per element."""
    return [np.asarray([element + 1, 2], np.float32) for element in range(number)]


def stack(parts: Sequence[Weights], axis: int) -> Weights:
    """One Module that holds the arrays of all parts along an axis."""
    whole = Weights()
    for path, variable in variables(whole).items():
        values = [np.asarray(spelling.read(variables(part)[path])) for part in parts]
        spelling.write(variable, jnp.asarray(np.stack(values, axis)))
    return whole


def stack_trees(trees: Sequence[Any], axis: int) -> Any:
    """One pytree with the arrays of all along an axis."""
    return jax.tree.map(lambda *arrays: np.stack([np.asarray(a) for a in arrays], axis), *trees)


def with_held(weights: Weights) -> dict[str, Any]:
    """The Module, and every Variable in it that its owner holds."""
    return {"weights": weights, "held": variables(weights)}
