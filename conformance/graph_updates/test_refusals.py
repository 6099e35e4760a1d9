"""What a transform cannot take: it says why, and the caller's objects are as before."""

import jax.numpy as jnp
from flax import nnx

from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import ALL, STEPS, Edit
from conformance.harness.twins import Scene, element_inputs
from conformance.models import Block, Count, Layer

GUIDE = "Graph updates propagation"


def grow(layer, x):
    """Adds a Variable, which changes the structure of its layer."""
    layer.grown = Count(x)
    return layer(x)


def keep(layer, x):
    return layer(x)


def one_branch_grows(layer, x):
    return nnx.cond(x.sum() > 0, grow, keep, layer, x)


def one_of_three_branches_grows(layer, x):
    return nnx.switch(1, (keep, grow, keep), layer, x)


def while_body_grows(layer, x):
    def step(value):
        layer, x, steps = value
        return layer, grow(layer, x), steps + 1

    start = (layer, x, jnp.array(0))
    return nnx.while_loop(lambda value: value[-1] < STEPS, step, start)


def fori_body_grows(layer, x):
    def step(_, value):
        layer, x = value
        return layer, grow(layer, x)

    return nnx.fori_loop(0, STEPS, step, (layer, x))


def broadcast_state_of_scan_grows(layer, x):
    scanned = nnx.scan(grow, in_axes=(None, nnx.Carry), out_axes=nnx.Carry, length=STEPS)
    return scanned(layer, x)


GROWTHS = {
    "cond": one_branch_grows,
    "switch": one_of_three_branches_grows,
    "while_loop": while_body_grows,
    "fori_loop": fori_body_grows,
    "scan": broadcast_state_of_scan_grows,
}


@claim("graph_updates/structure-refused", guide=GUIDE, across=tuple(GROWTHS), styles=STYLES)
def test_structure_refused(case: Case) -> None:
    """A structure that may not change is refused by an error that says so and names what did."""
    layer = Layer()
    (x,) = element_inputs(1)
    says_so = "(?s)structure.*grown|grown.*structure"
    grows = GROWTHS[case.transform.name]
    case.refuses(lambda: case.call(grows, layer, x), Scene.of([layer]), match=says_so)


@claim("graph_updates/refusal-leaves-object", guide=GUIDE, across=tuple(GROWTHS), styles=STYLES)
def test_refusal_leaves_object(case: Case) -> None:
    """A refused change of structure has not happened outside, and nothing else has either."""
    layer = Layer()
    (x,) = element_inputs(1)
    grows = GROWTHS[case.transform.name]
    case.refuses(lambda: case.call(grows, layer, x), Scene.of([layer]))


class Failure(Exception):
    """What the body itself raises."""


@claim("graph_updates/error-leaves-object", guide=GUIDE, across=ALL, styles=STYLES)
def test_error_leaves_object(case: Case) -> None:
    """When the body raises, what it did to its arguments before that has not happened outside."""

    def body(block, x):
        y = block(x)
        block.label = "used"
        block.last_output = Count(y)
        block.tied = block.first.kernel
        del block.second
        raise Failure

    applied = case.apply(body, Block, edit=Edit.VALUE)
    case.fails_with(applied.call, applied.scene, Failure)
