"""Transformed methods inside of other Modules, and beside the function form."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import ALL
from conformance.harness.twins import element_inputs
from conformance.methods.calling import parameters, summed
from conformance.methods.layers import Decorator, joined, plain, with_held
from conformance.models import Count, Layer

GUIDE = "Transforming methods"
Apply = Callable[[Sequence[Any], Any], Any]


def used_class(decorate: Decorator = plain) -> Any:
    """A layer that is changed when it is used."""

    class Used(Layer):
        """A layer with a method of its own."""

        @decorate
        def __call__(self, x: jax.Array) -> Any:
            y = x * Layer.__call__(self, x)
            spelling.write(self.kernel, spelling.read(self.kernel) + x)
            return y

    return Used


class Network(nnx.Module):
    """Two layers that a method uses one after the other."""

    def __init__(self, first: Any, second: Any) -> None:
        self.layers = spelling.node_list([first, second])
        self.tied = second.kernel
        self.count = Count(jnp.asarray(0))

    def __call__(self, x: jax.Array) -> Any:
        spelling.add(self.count, 1)
        return self.layers[1](self.layers[0](x))


def use(network: Network, x: jax.Array) -> Any:
    return network(x)


def in_turn(parts: Sequence[Any], x: Any) -> Any:
    for part in parts:
        x = part(x)
    return x


def of_input(parts: Sequence[Any], x: Any) -> Any:
    """The gradient with respect to the input, and one use of the layer."""
    (part,) = parts
    arrays = parameters(part)

    def loss(x: Any) -> Any:
        return (x * (x * arrays["kernel",] + 1)).sum()

    gradient = jax.grad(loss)(x)
    part(x)
    return gradient


def each(parts: Sequence[Any], xs: Any) -> Any:
    return np.stack([part(x) for part, x in zip(parts, xs, strict=True)])


# What stands above the method, and what a stack of plain layers does with an input.
LAYERS: Mapping[str, tuple[Callable[[Case], Decorator], Apply]] = {
    "vmap": (lambda case: case.decorate, each),
    "scan": (
        lambda case: (
            lambda method: case.decorate(method, in_axes=(0, nnx.Carry), out_axes=nnx.Carry)
        ),
        in_turn,
    ),
    "jit": (lambda case: case.decorate, in_turn),
    "remat": (lambda case: case.decorate, in_turn),
    "grad": (lambda case: lambda method: case.decorate(summed(method), argnums=1), of_input),
}


@claim(
    "methods/between-layers",
    guide=GUIDE,
    across=tuple(LAYERS),
    variants={"eager": use, "under-jit": lambda network, x: nnx.jit(use)(network, x)},
)
def test_between_layers(case: Case) -> None:
    """Transformed methods work in a method of another Module; what they update is so outermost."""
    decorator, apply = LAYERS[case.transform.name]
    inputs = element_inputs(case.elements)
    x = np.stack(inputs) if apply is each else np.asarray(inputs[0])

    def layers(kind: Any) -> list[list[Any]]:
        return [[kind(start + element) for element in range(case.elements)] for start in (0, 5)]

    def network(layers: Sequence[Sequence[Any]]) -> Network:
        return Network(
            *(joined(parts, np.stack) if len(parts) > 1 else parts[0] for parts in layers)
        )

    found = with_held(network(layers(used_class(decorator(case)))))
    found["output"] = case.variant(found["object"], jnp.asarray(x))

    first, second = layers(used_class())
    output = apply(second, apply(first, x))
    expected = network((first, second))
    spelling.add(expected.count, 1)
    case.equal(found, with_held(expected) | {"output": output})


@claim("methods/equivalence", guide=GUIDE, across=ALL)
def test_equivalence(case: Case) -> None:
    """As a method and as a function a body gives equal outputs, and leaves equal objects."""

    def body(layer, x):
        y = layer(x)
        spelling.write(layer.kernel, y)
        return y

    for style in STYLES:
        dataclasses.replace(case, style=style).holds(body, Layer)
