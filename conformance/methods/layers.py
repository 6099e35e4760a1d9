"""Modules whose methods are decorated in the body of their class, and stacks of them."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from conformance.harness import spelling
from conformance.harness.descriptions import variables
from conformance.models import Layer

Decorator = Callable[[Callable[..., Any]], Any]
Join = Callable[[Sequence[np.ndarray]], np.ndarray]


def plain(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method left as it is."""
    return method


def scaled_class(decorate: Decorator = plain) -> Any:
    """A class with two decorated methods, which take an input and a factor."""

    class Scaled(Layer):
        """A layer whose output is scaled."""

        @decorate
        def __call__(self, x: jax.Array, factor: Any) -> Any:
            return Layer.__call__(self, x) * factor

        @decorate
        def apply(self, x: jax.Array, factor: Any) -> Any:
            return x - Layer.__call__(self, x) * factor

    return Scaled


def joined(parts: Sequence[Any], join: Join) -> Any:
    """One object that holds the arrays of all parts; it is the first of them."""
    columns = [variables(part) for part in parts]
    for path, variable in columns[0].items():
        values = [np.asarray(spelling.read(column[path])) for column in columns]
        spelling.write(variable, jnp.asarray(join(values)))
    return parts[0]


def with_held(owner: Any) -> dict[str, Any]:
    """An object, and every Variable in it that its owner holds."""
    return {"object": owner, "held": variables(owner)}
