"""One object that a transform would have to treat in two ways."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.aliasing.ways import (
    DIFFERENTIATING,
    LAYING_OUT,
    MAPPING,
    SCALE,
    Holder,
    Weights,
    double,
    in_part,
    lift,
    refuses,
    square,
    the_input,
    use,
    whole,
)
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables

GUIDE = "Consistent aliasing"
CHOOSING = (*MAPPING, *LAYING_OUT, *DIFFERENTIATING)


def in_containers(case: Case):
    """The guide's example."""
    weights = Weights(jnp.asarray(np.arange(10)))
    return {"a": {"b": weights}, "c": weights}, [(weights, weights), weights]


def in_module(case: Case):
    weights = Weights(square(case))
    return weights, Holder(Holder(weights))


def shared_variable(case: Case):
    weights, other = Weights(square(case)), Weights(square(case))
    other.scale = weights.param
    return weights, other


def bare_variable(case: Case):
    weights = Weights(square(case))
    return weights, weights.param


def itself(case: Case):
    weights = Weights(square(case))
    return weights, weights


SHARED = {
    "containers": (in_containers, whole),
    "module": (in_module, whole),
    "variable": (shared_variable, whole),
    "bare-variable": (bare_variable, whole),
    "sub-state": (itself, in_part),
}


@claim(
    "aliasing/inputs-inconsistent",
    guide=GUIDE,
    across=CHOOSING,
    styles=("function",),
    variants=SHARED,
)
def test_inputs_inconsistent(case: Case) -> None:
    """An object that two arguments reach and would have treated differently is refused by a
    ValueError, which names the object and both treatments."""
    arguments, differ = case.variant
    ways = differ(case)
    refuses(case, lift(case, use, *ways), *arguments(case), ways=whole(case))


@claim(
    "aliasing/within-argument-inconsistent",
    guide=GUIDE,
    across=(*MAPPING, *LAYING_OUT),
    styles=("function",),
)
def test_within_argument_inconsistent(case: Case) -> None:
    """An object that one argument reaches twice, under prefixes that differ, is refused."""
    weights = Weights(square(case))
    one, other = whole(case)
    lifted = lift(case, use, {"a": one, "b": [one, (other,)]})
    refuses(case, lifted, {"a": weights, "b": [weights, (weights,)]}, ways=(one, other))


def one_variable(case: Case):
    weights = Weights(square(case))
    weights.scale = weights.param
    return weights


def one_module(case: Case):
    weights = Weights(square(case))
    weights.param = weights.scale = Weights(square(case))
    return weights


@claim(
    "aliasing/names-inconsistent",
    guide=GUIDE,
    across=(*MAPPING, *LAYING_OUT),
    styles=("function",),
    variants={"variable": one_variable, "module": one_module},
)
def test_names_inconsistent(case: Case) -> None:
    """What an object holds by two names is refused where its sub-states treat these names in two
    ways."""
    _, prefix = in_part(case, SCALE)
    refuses(case, lift(case, use, prefix), case.variant(case), ways=whole(case))


@claim(
    "aliasing/broadcast-inconsistent",
    guide=GUIDE,
    across=MAPPING,
    styles=("function",),
)
def test_broadcast_inconsistent(case: Case) -> None:
    """An object that is mapped as one argument and broadcast as another is refused."""
    weights = Weights(square(case))
    refuses(case, lift(case, use, None, 0), weights, weights, ways=(None, 0))


@claim(
    "aliasing/carry-inconsistent",
    guide=GUIDE,
    across=("scan",),
    styles=("function",),
    variants={"object": nnx.Carry, "sub-states": nnx.StateAxes({...: nnx.Carry})},
)
def test_carry_inconsistent(case: Case) -> None:
    """An object that is carried through a loop and scanned over as well is refused."""
    weights = Weights(square(case))
    if case.variant is nnx.Carry:
        lifted = case.decorate(
            lambda carry, *_: carry, in_axes=(nnx.Carry, 0, 0), out_axes=nnx.Carry
        )
    else:
        lifted = lift(case, use, case.variant, 0)
    refuses(case, lifted, weights, weights, ways=(nnx.Carry, 0))


def returned(weights):
    return {"a": [weights]}


def held(weights):
    return Holder(weights)


@claim(
    "aliasing/input-output-inconsistent",
    guide=GUIDE,
    across=(*MAPPING, *LAYING_OUT),
    styles=("function",),
    variants={"returned": returned, "held": held},
)
def test_input_output_inconsistent(case: Case) -> None:
    """An object that goes in one way and comes out another, be it within a new one, is refused,
    and nothing that the body did to it has happened."""

    def body(weights, x):
        double(weights.scale)
        return x, case.variant(weights)

    ways = one, other = whole(case)
    lifted = lift(case, body, one, returned=(other,))
    refuses(case, lifted, Weights(square(case)), ways=ways)


@claim(
    "aliasing/outputs-inconsistent",
    guide=GUIDE,
    across=("vmap", "scan", "jit"),
    styles=("function",),
)
def test_outputs_inconsistent(case: Case) -> None:
    """A new object that comes out twice, in two ways, is refused."""

    def body(weights, x):
        new = Weights(spelling.read(weights.param))
        return x, new, [new]

    ways = one, other = whole(case)
    lifted = lift(case, body, one, returned=(one, other))
    refuses(case, lifted, Weights(square(case)), ways=ways)


@claim("aliasing/error-leaves-object", guide=GUIDE, across=CHOOSING, styles=("method",))
def test_error_leaves_object(case: Case) -> None:
    """After that error the object is as it was, and may be passed twice in one way."""

    def body(weights, again, x):
        double(again.param)
        return x

    weights, expected = Weights(square(case)), Weights(square(case))
    held = variables(weights)
    ways = one, _ = whole(case)
    refuses(case, lift(case, body, *ways), weights, weights, ways=ways)
    again = 1 if case.transform.name in DIFFERENTIATING else one
    case.call(lift(case, body, one, again), weights, weights, the_input(case))
    double(expected.param)
    found = {"weights": weights, "held": held}
    case.equal(found, {"weights": expected, "held": variables(expected)})
