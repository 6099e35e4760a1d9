"""Outputs that are wrong."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from conformance.faults.fault import Application, Call, Fault, Function
from conformance.faults.graphs import Before, is_float, is_number, map_outputs
from conformance.faults.updates import DIFFERENTIATING, MAPPING, USES, under
from conformance.harness import spelling
from conformance.harness.descriptions import variables
from conformance.harness.transforms import ALL


def outputs(change: Callable[[Any], Any], transforms: Sequence[str] = ALL) -> Callable[[Call], Any]:
    """Gives other arrays, and writes others to the Variables of objects that the body made."""

    def call(call: Call) -> Any:
        if call.transform not in transforms:
            return call.make()
        before = Before(call.arguments)

        def of_node(node: Any) -> Any:
            for variable in variables(node).values():
                if not before.knows(variable):
                    spelling.write(variable, change(spelling.read(variable)))
            return node

        return map_outputs(call.make(), change, of_node)

    return call


def one_more(array: Any) -> Any:
    return array + 1 if is_float(array) else array


def half_precision(array: Any) -> Any:
    return array.astype(np.float16) if is_float(array) else array


def backwards(array: Any) -> Any:
    return jnp.flip(array, 0) if is_number(array) and array.ndim else array


def last_axis_first(array: Any) -> Any:
    return jnp.moveaxis(array, -1, 0) if is_number(array) and array.ndim > 1 else array


def ignore_rule(application: Application) -> Function:
    """The bare function in the place of a custom_vjp."""
    if application.transform != "custom_vjp":
        return application.apply()
    (function,) = application.functions

    def bare(*arguments: Any) -> Any:
        return function(*arguments)

    bare.defvjp = lambda *rules: None  # type: ignore[attr-defined]
    bare.fun = function  # type: ignore[attr-defined]
    return bare


FAULTS = (
    Fault(
        "outputs-wrong",
        "The floats that come out are one more than they should be.",
        (*USES, "basics/*"),
        call=outputs(one_more),
    ),
    Fault(
        "outputs-half-precision",
        "The floats that come out of a function that is differentiated are of half precision.",
        ("jit_cache/train-step", "scan_carry/training", *under(DIFFERENTIATING)),
        call=outputs(half_precision, DIFFERENTIATING),
    ),
    Fault(
        "outputs-backwards",
        "The arrays that come out of a map have their elements in reverse.",
        under(MAPPING),
        call=outputs(backwards, MAPPING),
    ),
    Fault(
        "outputs-axes-moved",
        "The arrays that come out of a map have their last axis first.",
        under(MAPPING),
        call=outputs(last_axis_first, MAPPING),
    ),
    Fault(
        "rule-ignored",
        "The rule of a custom_vjp is never asked: JAX differentiates the function.",
        ("* custom_vjp",),
        apply=ignore_rule,
    ),
)
