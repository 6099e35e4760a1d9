"""Loops whose body returns another object than it was given to carry."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import STEPS
from conformance.harness.twins import Scene, element_inputs
from conformance.scan_carry.carrying import CARRYING

GUIDE = "Graph updates propagation"


class Total(nnx.Module):
    """What was summed up."""

    def __init__(self, value: jax.Array) -> None:
        self.value = nnx.BatchStat(value)


def plus(total: Total, x: jax.Array) -> Total:
    """A total of its own, with `x` more."""
    return Total(spelling.read(total.value) + x)


def scan(total: Total, xs: jax.Array) -> Any:
    def step(total: Total, x: jax.Array) -> tuple[Total, jax.Array]:
        return plus(total, x), x

    carried, _ = nnx.scan(step, in_axes=(nnx.Carry, 0), out_axes=(nnx.Carry, 0))(total, xs)
    return carried


def while_loop(total: Total, xs: jax.Array) -> Any:
    def goes_on(value: tuple[Total, jax.Array]) -> Any:
        return value[-1] < len(xs)

    def step(value: tuple[Total, jax.Array]) -> tuple[Total, jax.Array]:
        total, number = value
        return plus(total, xs[number]), number + 1

    carried, _ = nnx.while_loop(goes_on, step, (total, jnp.asarray(0)))
    return carried


def fori_loop(total: Total, xs: jax.Array) -> Any:
    return nnx.fori_loop(0, len(xs), lambda number, total: plus(total, xs[number]), total)


LOOPS: Mapping[str, Callable[[Total, jax.Array], Any]] = {
    "scan": scan,
    "while_loop": while_loop,
    "fori_loop": fori_loop,
}


@claim("scan_carry/replaced", guide=GUIDE, across=CARRYING)
def test_replaced(case: Case) -> None:
    """A body that returns another Module in place of the carried one is refused with an error on
    references, or what comes out and what was given are two objects, as plain Python leaves them.
    """
    inputs = element_inputs(STEPS)
    start = jnp.zeros_like(inputs[0])
    given = Total(start)

    def judge(carried: Any) -> None:
        expected = Total(start)
        for x in inputs:
            expected = plus(expected, x)
        case.equal(
            {"given": given, "carried": carried}, {"given": Total(start), "carried": expected}
        )

    loop, scene = LOOPS[case.transform.name], Scene.of([given])
    case.done_or_refused(lambda: loop(given, jnp.stack(inputs)), scene, judge, match="reference")
