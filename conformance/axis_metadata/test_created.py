"""The axis names of Variables that leave a transform: made in the body, or as any output of it."""

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
    layers,
    mesh_of,
)
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables

MADE = {
    "guide": Layout(1, {"param": MIDDLE}),
    "alone": Layout(0, {"param": Annotated((), (), ("b",), 0)}),
    "sub-states": Layout(
        nnx.StateAxes({nnx.Param: 0, Stat: 1}), {"kernel": LEADING, "mean": TRAILING}
    ),
    "incomplete": Layout(
        2,
        {
            "short": Annotated((3, 5), ("a",), ("a", None, "b"), 2),
            "none": Annotated((3, 5), None, None, 2),
            "unnamed": Annotated((3, 5), UNNAMED, UNNAMED, 2),
        },
    ),
}


def make(case: Case, layout: Layout, asked=ASKED):
    """Makes a stack inside of the transform: in vmap of nothing, as in the guide."""
    axes = {"out_axes": layout.axes, **asked}
    if case.transform.name == "vmap":
        return case.decorate(lambda: layout.element(case), axis_size=LAYERS, **axes)()
    lifted = case.decorate(lambda x: layout.element(case), in_axes=0, **axes)
    return lifted(jnp.zeros(layers(case)))


@claim("axis_metadata/added-on-creation", guide=GUIDE, across=MAPPING, variants=MADE)
def test_added_on_creation(case: Case) -> None:
    """A Variable that the body makes and returns comes out with the name at its new axis.

    Names that leave trailing axes out are filled up to it; a Variable without names gets none.
    """
    with mesh_of(case):
        found = make(case, case.variant)
        case.equal({"made": found}, {"made": case.variant.expected(case, step=0)})


@claim("axis_metadata/nameless-axis", guide=GUIDE, across=("vmap", "scan"))
def test_nameless_axis(case: Case) -> None:
    """Where the mapped axis has no name, it is a None that is removed, restored and added."""
    asked = {"transform_metadata": {nnx.PARTITION_NAME: None}}
    layout = Layout(0, {"param": Annotated((3,), ("a",), (None, "a"), 0)})
    body = Witness(layout)
    with mesh_of(case):
        used = layout.stack(case)
        case.call(case.decorate(body, in_axes=0, out_axes=0, **asked), used)
        made = make(case, layout, asked)
    body.judge(case)
    expected = {"used": layout.expected(case, factor=2), "made": layout.expected(case, step=0)}
    case.equal({"used": used, "made": made}, expected)


@claim("axis_metadata/added-to-object", guide=GUIDE, across=("vmap", "scan"))
def test_added_to_object(case: Case) -> None:
    """A Variable that the body adds to a stack has the name at the axis of the stack."""
    before = Layout(1, {"mean": TRAILING})
    after = Layout(1, {"mean": TRAILING, "scale": TRAILING})

    def grow(weights):
        weights.scale = after.element(case).scale

    with mesh_of(case):
        weights, expected = before.stack(case), before.expected(case)
        expected.scale = after.expected(case, step=0).scale
        case.call(case.decorate(grow, in_axes=1, out_axes=0, **ASKED), weights)
        case.equal({"weights": weights}, {"weights": expected})


def new_module(weights):
    return Weights(
        param=type(weights.param)(spelling.read(weights.param) * 2, **annotation(weights))
    )


def annotation(weights):
    return {spelling.AXIS_NAMES: spelling.axis_names(weights.param)}


def use(weights):
    double(weights.param)
    return weights


def gradients(weights):
    return nnx.grad(lambda weights: spelling.read(weights.param).sum())(weights)


def ones(stack):
    return stack * 0 + 1


def doubled(stack):
    return stack * 2


OUTPUTS = {
    "module-made": (new_module, doubled),
    "module-given": (use, doubled),
    "variable": (lambda weights: {"param": new_module(weights).param}, doubled),
    "state": (lambda weights: nnx.state(use(weights)), doubled),
    "gradients": (gradients, ones),
}


@claim("axis_metadata/every-output", guide=GUIDE, across=("vmap", "scan"), variants=OUTPUTS)
def test_every_output(case: Case) -> None:
    """Whatever a Variable leaves in, a Module, a State or gradients, its names match its axes."""
    body, values = case.variant
    layout = Layout(0, {"param": LEADING})
    with mesh_of(case):
        found = case.decorate(body, in_axes=0, out_axes=0, **ASKED)(layout.stack(case))
    stack = LEADING.stack(LAYERS, 10, 1)
    case.equal(annotated(found), {"param": (values(stack), LEADING.outside)})


def annotated(output):
    """The arrays of all Variables (or leaves of a State) that are in `output`, and their names."""
    leaves = spelling.state_leaves(output) if isinstance(output, nnx.State) else variables(output)
    return {
        str(path[-1]): (spelling.read(leaf), spelling.axis_names(leaf))
        for path, leaf in leaves.items()
    }


@claim("axis_metadata/partition-spec", guide=GUIDE, across=("vmap", "scan"))
def test_partition_spec(case: Case) -> None:
    """`get_partition_spec` and `get_named_sharding` say the names that a stack has outside."""
    layout = Layout(
        nnx.StateAxes({nnx.Param: 0, Stat: 1}),
        {"param": LEADING, "mean": TRAILING, "unnamed": Annotated((3,), UNNAMED, UNNAMED, 0)},
    )
    with mesh_of(case) as mesh:
        state = nnx.state(make(case, layout))
        specs = spelling.state_arrays(nnx.get_partition_spec(state))
        shardings = spelling.state_arrays(nnx.get_named_sharding(state, mesh))
    case.equal(
        {
            "specs": {name: tuple(spec) for (name,), spec in specs.items()},
            "shardings": {name: tuple(found.spec) for (name,), found in shardings.items()},
            "meshes": [found.mesh == mesh for found in shardings.values()],
        },
        {
            "specs": {"param": ("b", "a"), "mean": ("a", "b"), "unnamed": ()},
            "shardings": {"param": ("b", "a"), "mean": ("a", "b"), "unnamed": ()},
            "meshes": [True] * 3,
        },
    )
