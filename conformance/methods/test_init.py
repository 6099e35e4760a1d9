"""Constructors that are decorated in the body of their class."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import Form
from conformance.harness.twins import element_inputs
from conformance.methods.layers import Decorator, joined, plain
from conformance.models import Count

GUIDE = "Transforming methods"


along_columns = functools.partial(np.stack, axis=1)


def first(arrays: Sequence[Any]) -> Any:
    return arrays[0]


class Inner(nnx.Module):
    """A part of what is made."""

    def __init__(self, x: jax.Array) -> None:
        self.bias = nnx.Param(x)


def weights_class(decorate: Decorator = plain) -> Any:
    """A class that makes its instances of two arguments, and notes the shapes of what it gets."""

    class Weights(nnx.Module):
        """A Module with all that a constructor may set."""

        @decorate
        def __init__(self, x: jax.Array, more: dict[str, Any]) -> None:
            self.shapes = (x.shape, more["y"].shape)
            self.kernel = nnx.Param(x * more["y"])
            self.layers = spelling.node_list([Inner(x), Inner(more["y"])])
            self.tied = self.layers[0].bias
            self.count = Count(x.astype(np.int32))

    return Weights


@claim("methods/init", guide=GUIDE, across=("vmap", "pmap", "jit", "remat"))
def test_init(case: Case) -> None:
    """A transformed `__init__` builds one Module, with the arrays of all elements as its axes say.

    What it makes is placed along the axis of the instance, which is its first argument.
    """
    axes, columns = {}, first
    if case.transform.form is Form.MAPPED:
        axes, columns = {"in_axes": (1, 0, 1)}, along_columns
    xs = element_inputs(case.elements)
    rows = jnp.stack(xs) if axes else xs[0]
    kind = weights_class(lambda init: case.decorate(init, **axes))
    found = kind(rows, {"y": jnp.asarray(columns([x + 1 for x in xs]))})
    parts = [weights_class()(x, {"y": x + 1}) for x in xs]
    case.equal({"made": found}, {"made": joined(parts, columns)})
