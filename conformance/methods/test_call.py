"""Methods that are decorated in the body of their class, or given as the function."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables
from conformance.harness.transforms import ALL, Form
from conformance.harness.twins import element_inputs
from conformance.methods.calling import CALLS, DECORATORS, bound
from conformance.methods.layers import Join, joined, plain, scaled_class, with_held
from conformance.methods.told import tell

GUIDE = "Transforming methods"
STATIC_FACTOR = ("jit", "remat", "custom_vjp")
COLUMNS: Mapping[Form, Join] = {
    Form.MAPPED: functools.partial(np.stack, axis=1),
    Form.THREADED: functools.partial(np.stack, axis=1),
    Form.SHARDED: functools.partial(np.concatenate, axis=1),
}
ROWS: Mapping[Form, Join] = {
    Form.MAPPED: np.stack,
    Form.THREADED: np.stack,
    Form.SHARDED: np.concatenate,
}


def first(arrays: Sequence[Any]) -> Any:
    return arrays[0]


def elements(case: Case, kind: Any) -> list[tuple[Any, Any, Any]]:
    """A layer, an input and a factor per element; a block keeps its leading axis."""
    xs = [np.asarray(x) for x in element_inputs(case.elements)]
    layers = [kind(element) for element in range(case.elements)]
    if case.transform.name in STATIC_FACTOR:
        return [(layers[0], xs[0], 2.0)]
    if case.transform.form is Form.SHARDED:
        for variable in variables(layers).values():
            spelling.write(variable, spelling.read(variable)[None])
        xs = [x[None] for x in xs]
    return [(layer, x, x + 1) for layer, x in zip(layers, xs, strict=True)]


@claim("methods/call", guide=GUIDE, across=ALL, variants={"call": "__call__", "named": "apply"})
def test_call(case: Case) -> None:
    """A method is transformed with its instance as first argument; the axes count from there.

    It is decorated in the body of its class, be it `__call__` or another. A transform that takes
    its function beside operands takes the method of the class, with the instance as an operand.
    """
    name, form, method = case.transform.name, case.transform.form, case.variant
    in_rows, in_columns = ROWS.get(form, first), COLUMNS.get(form, first)

    kind = scaled_class(DECORATORS.get(name, lambda case: plain)(case))
    layers, xs, factors = zip(*elements(case, kind), strict=True)
    x = jnp.asarray(xs[0] if form is Form.THREADED else in_rows(xs))
    factor = 2.0 if name in STATIC_FACTOR else jnp.asarray(in_columns(factors))
    found = with_held(joined(layers, in_rows))
    found["output"] = CALLS.get(name, bound)(found["object"], method, x, factor)

    of_each = elements(case, scaled_class())
    output = tell(case.transform, method, of_each)
    if form in (Form.MAPPED, Form.SHARDED):
        output = in_columns(output)
    expected = with_held(joined([layer for layer, *_ in of_each], in_rows))
    case.equal(found, expected | {"output": output})
