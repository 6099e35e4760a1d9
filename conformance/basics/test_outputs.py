"""Objects that a function builds and returns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables
from conformance.harness.transforms import AXIS, Edit, Form, Setting
from conformance.harness.twins import element_inputs
from conformance.models import Count

GUIDE = "Basic example"
SPLIT = jax.sharding.PartitionSpec(AXIS)


class Part(nnx.Module):
    """A part of what is made."""

    def __init__(self, x: jax.Array) -> None:
        self.bias = nnx.Param(x)


class Made(nnx.Module):
    """A Module made from an array, with all that a Module may have."""

    def __init__(self, x: jax.Array) -> None:
        self.kernel = nnx.Param(x * 2)
        self.parts = spelling.node_list([Part(x), Part(x * 2)])
        self.tied = self.parts[0].bias
        self.count = Count(x.astype(np.int32))
        self.label = "made"


def build(x: jax.Array) -> tuple[Any, ...]:
    """An array, an object, and a pytree that has a part of the object, too."""
    made = Made(x)
    return x, made, {"again": [made.parts[1]]}


def build_negative(x: jax.Array) -> tuple[Any, ...]:
    return build(-x)


def build_aside(x: jax.Array) -> tuple[Any, ...]:
    return x.sum(), build(x)


def map_along(case: Case, x: jax.Array) -> Any:
    return case.decorate(build, in_axes=0, out_axes=1)(x)


def plainly(case: Case, x: jax.Array) -> Any:
    return case.decorate(build)(x[0])


def on_mesh(case: Case, x: jax.Array) -> Any:
    mesh = Setting(0, Edit.VALUE, case.backend.devices).mesh
    sharded = case.decorate(build, mesh=mesh, in_specs=SPLIT, out_specs=SPLIT)
    return nnx.jit(sharded)(x.reshape(-1))


CALLS: Mapping[str, Callable[[Case, jax.Array], Any]] = {
    "vmap": map_along,
    "pmap": map_along,
    "scan": map_along,
    "jit": plainly,
    "remat": plainly,
    "shard_map": on_mesh,
    "cond": lambda case, x: nnx.cond(jnp.asarray(True), build, build_negative, x[0]),
    "switch": lambda case, x: nnx.switch(jnp.asarray(1), (build_negative, build), x[0]),
    "grad": lambda case, x: nnx.grad(build_aside, has_aux=True)(x[0])[1],
    "checkify": lambda case, x: plainly(case, x)[1],
}


def stack(arrays: Sequence[jax.Array]) -> jax.Array:
    return jnp.asarray(np.stack(arrays, 1))


JOINS = {
    Form.MAPPED: stack,
    Form.THREADED: stack,
    Form.SHARDED: lambda arrays: jnp.asarray(np.concatenate(arrays)),
}


def arrays_of(built: tuple[Any, ...]) -> dict[Any, jax.Array]:
    """The arrays of what was built, by path."""
    x, *objects = built
    return {(): x} | {path: spelling.read(v) for path, v in variables(objects).items()}


def with_arrays(built: tuple[Any, ...], arrays: Mapping[Any, Any]) -> tuple[Any, ...]:
    """What was built, with these in place of its arrays."""
    _, *objects = built
    for path, variable in variables(objects).items():
        spelling.write(variable, arrays[path])
    return (arrays[()], *objects)


@claim("basics/objects-as-outputs", guide=GUIDE, across=tuple(CALLS))
def test_objects_as_outputs(case: Case) -> None:
    """A Module that the body builds and returns is one outside, with the axis of the output.

    What it shares with another part of the output is shared outside.
    """
    inputs = element_inputs(case.elements)
    every = [arrays_of(build(x)) for x in inputs]
    join = JOINS.get(case.transform.form, lambda arrays: arrays[0])
    joined = {path: join([arrays[path] for arrays in every]) for path in every[0]}
    outputs = CALLS[case.transform.name](case, jnp.stack(inputs))
    case.equal({"outputs": outputs}, {"outputs": with_arrays(build(inputs[0]), joined)})


@claim("basics/abstract-outputs", guide=GUIDE)
def test_abstract_outputs(case: Case) -> None:
    """A Module that is built under `nnx.eval_shape` has the shapes and dtypes of its arrays."""
    (x,) = element_inputs(1)
    shapes = {
        path: jax.ShapeDtypeStruct(array.shape, array.dtype)
        for path, array in arrays_of(build(x)).items()
    }
    outputs = nnx.eval_shape(build, x)
    case.equal({"outputs": outputs}, {"outputs": with_arrays(build(x), shapes)})


def use(given: tuple[Any, ...], x: jax.Array) -> tuple[Any, ...]:
    """A row of what was built, and its objects."""
    array, *objects = given
    return (array[None] * x, *objects)


@claim("basics/abstract-arguments", guide="Transformations")
def test_abstract_arguments(case: Case) -> None:
    """A Module that is given under `nnx.eval_shape` is one in the body, and what comes of it has
    the shapes and dtypes that it would have; what it shares stays shared, and it stays as it is."""
    (x,) = element_inputs(1)
    shapes = {
        path: jax.ShapeDtypeStruct(array.shape, array.dtype)
        for path, array in arrays_of(use(build(x), x)).items()
    }
    given = build(x)
    outputs = nnx.eval_shape(use, given, x)
    expected = {"outputs": with_arrays(build(x), shapes), "given": build(x)}
    case.equal({"outputs": outputs, "given": given}, expected)
