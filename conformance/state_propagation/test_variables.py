"""Variables that are passed by themselves, in no Module."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL
from conformance.harness.twins import WIDTH, together
from conformance.models import Layer

GUIDE = "State propagation"


def scale(element):
    return nnx.Param(jnp.asarray(np.arange(1, WIDTH + 1, dtype=np.float32) + element))


@claim("state_propagation/bare-variable", guide=GUIDE, across=ALL, styles=("function",))
def test_bare_variable(case: Case) -> None:
    """A Variable passed by itself, in no Module, has outside what the body gave it."""

    def body(scale, x):
        y = x * spelling.read(scale)
        spelling.write(scale, spelling.read(scale) * 2)
        return y

    case.holds(body, scale)


def layer_and_its_count(element):
    layer = Layer(element)
    return Layer(element), layer, layer.count, layer.count


@claim("state_propagation/bare-variable-shared", guide=GUIDE, across=ALL, styles=("function",))
def test_bare_variable_shared(case: Case) -> None:
    """A Variable passed by itself twice, and in a Module, is one Variable inside and outside."""

    def body(apart, layer, count, again, x):
        spelling.add(count, 10)
        y = layer(apart(x)) * spelling.read(again)
        spelling.add(again, 100)
        return y + spelling.read(layer.count)

    case.holds(body, *together(layer_and_its_count, 4))
