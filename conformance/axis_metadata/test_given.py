"""The axis names of Variables that are passed to a transform: inside, and after the call."""

import jax.numpy as jnp
from flax import nnx

from conformance.axis_metadata.annotated import (
    ASKED,
    GUIDE,
    LAYERS,
    LEADING,
    MAPPING,
    MIDDLE,
    TRAILING,
    UNNAMED,
    Annotated,
    Layout,
    Stat,
    Weights,
    Witness,
    double,
    mesh_of,
    seen,
    with_held,
)
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.twins import Scene

SUB_STATES = Layout(
    (nnx.StateAxes({nnx.Param: 0, Stat: 1}),), {"kernel": LEADING, "mean": TRAILING}
)
GIVEN = {
    "guide": Layout(1, {"param": MIDDLE}),
    "alone": Layout(0, {"param": Annotated((), (), ("b",), 0)}),
    "sub-states": SUB_STATES,
}
RESTORED = GIVEN | {
    "without-names": Layout(
        0,
        {
            "param": LEADING,
            "none": Annotated((3,), None, None, 0),
            "unnamed": Annotated((3,), UNNAMED, UNNAMED, 0),
        },
    ),
}
NEGATIVE = {"last": Layout(-1, {"param": TRAILING}), "middle": Layout(-2, {"param": MIDDLE})}
SHARED = Annotated((3,), ("b",), ("b",), None, Stat)
BROADCAST = {
    "object": Layout(None, {"shared": SHARED}),
    "sub-state": Layout(
        nnx.StateAxes({nnx.Param: 0, Stat: None}), {"param": LEADING, "shared": SHARED}
    ),
}
CARRIED = {
    "object": Layout(nnx.Carry, {"carried": SHARED}),
    "sub-state": Layout(
        nnx.StateAxes({nnx.Param: 0, Stat: nnx.Carry}), {"param": LEADING, "carried": SHARED}
    ),
}


@claim(
    "axis_metadata/removed-inside",
    guide=GUIDE,
    across=MAPPING,
    styles=("function",),
    variants=GIVEN,
)
def test_removed_inside(case: Case) -> None:
    """Inside, the name of the mapped axis is gone from a Variable's names, as its axis is.

    That is so for each sub-state at the position of its own.
    """
    body = Witness(case.variant, doubles=False)
    with mesh_of(case):
        lifted = case.decorate(body, in_axes=body.layout.axes, out_axes=0, **ASKED)
        case.call(lifted, body.layout.stack(case))
    body.judge(case)


@claim("axis_metadata/restored-outside", guide=GUIDE, across=MAPPING, variants=RESTORED)
def test_restored_outside(case: Case) -> None:
    """After the call the name is back where it was, also of a Variable that the body updated.

    A Variable without names gets none.
    """
    layout = case.variant
    with mesh_of(case):
        found = with_held(layout.stack(case))
        lifted = case.decorate(Witness(layout), in_axes=layout.axes, out_axes=0, **ASKED)
        case.call(lifted, found["weights"])
    case.equal(found, with_held(layout.expected(case, factor=2)))


@claim("axis_metadata/second-call", guide=GUIDE, across=MAPPING)
def test_second_call(case: Case) -> None:
    """A second call on the same object finds its names as the first one did, and leaves them so."""
    body = Witness(SUB_STATES)
    with mesh_of(case):
        found = with_held(SUB_STATES.stack(case))
        lifted = case.decorate(body, in_axes=SUB_STATES.axes, out_axes=0, **ASKED)
        case.call(lifted, found["weights"])
        case.call(lifted, found["weights"])
    body.judge(case)
    case.equal(found, with_held(SUB_STATES.expected(case, factor=4)))


@claim("axis_metadata/negative-axes", guide=GUIDE, across=("vmap", "scan"), variants=NEGATIVE)
def test_negative_axes(case: Case) -> None:
    """An axis that is counted from the end removes and restores the name at its position."""
    body = Witness(case.variant)
    with mesh_of(case):
        found = with_held(body.layout.stack(case))
        lifted = case.decorate(body, in_axes=body.layout.axes, out_axes=0, **ASKED)
        case.call(lifted, found["weights"])
        body.judge(case)
        case.equal(found, with_held(body.layout.expected(case, factor=2)))


@claim(
    "axis_metadata/broadcast-unchanged", guide=GUIDE, across=("vmap", "scan"), variants=BROADCAST
)
def test_broadcast_unchanged(case: Case) -> None:
    """The names of a Variable that all elements share are the same inside and outside."""
    body = Witness(case.variant)
    x = jnp.zeros(LAYERS)
    with mesh_of(case):
        found = with_held(body.layout.stack(case))
        lifted = case.decorate(
            lambda weights, x: body(weights), in_axes=(body.layout.axes, 0), out_axes=0, **ASKED
        )
        case.call(lifted, found["weights"], x)
        body.judge(case)
        case.equal(found, with_held(body.layout.expected(case, factor=2)))


@claim("axis_metadata/carry-unchanged", guide=GUIDE, across=("scan",), variants=CARRIED)
def test_carry_unchanged(case: Case) -> None:
    """The names of a Variable that a loop carries are the same inside and outside."""
    body = Witness(case.variant)
    is_whole = body.layout.axes is nnx.Carry

    def step(weights, x):
        body(weights)
        spelling.write(weights.carried, spelling.read(weights.carried) + 1)
        return weights if is_whole else x

    x = jnp.zeros(LAYERS)
    axes = (nnx.Carry, 0) if is_whole else (body.layout.axes, nnx.Carry)
    with mesh_of(case):
        found = with_held(body.layout.stack(case))
        expected = with_held(body.layout.expected(case, factor=2))
        carried = expected["weights"].carried
        spelling.write(carried, spelling.read(carried) + LAYERS)
        lifted = case.decorate(step, in_axes=axes, out_axes=nnx.Carry, **ASKED)
        case.call(lifted, found["weights"], x)
        body.judge(case)
        case.equal(found, expected)


@claim("axis_metadata/shared-variable", guide=GUIDE, across=MAPPING)
def test_shared_variable(case: Case) -> None:
    """A Variable that is reached in several ways loses the name once, and gets it back once."""
    layout = Layout(0, {"param": LEADING})
    inside = []

    def shared(owner):
        return {"owner": owner, "other": Weights(first=owner.param, second=owner)}

    def body(owner, other):
        inside.append(seen(owner) | seen(other))
        double(owner.param)

    with mesh_of(case):
        found = shared(layout.stack(case))
        case.call(case.decorate(body, in_axes=0, out_axes=0, **ASKED), *found.values())
        case.equal(found, shared(layout.expected(case, factor=2)))
    case.saw("inside", inside, {"param": ((3,), ("a",)), "first": ((3,), ("a",))})


class BodyError(Exception):
    pass


@claim("axis_metadata/error-leaves-names", guide=GUIDE, across=MAPPING)
def test_error_leaves_names(case: Case) -> None:
    """Where the body raises an error, the names outside are as before."""
    layout = GIVEN["guide"]

    def body(weights):
        double(weights.param)
        raise BodyError

    with mesh_of(case):
        weights = layout.stack(case)
        lifted = case.decorate(body, in_axes=layout.axes, out_axes=0, **ASKED)
        case.fails_with(lambda: case.call(lifted, weights), Scene.of([weights]), BodyError)
    case.equal({"weights": weights}, {"weights": layout.expected(case)})
