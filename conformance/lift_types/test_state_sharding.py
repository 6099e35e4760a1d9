"""Shardings by sub-state, on a mesh of the backend's devices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables
from conformance.harness.transforms import AXIS, ELEMENTS
from conformance.models import Count

GUIDE = "Transforming sub-states (lift types)"
ROWS, COLUMNS = 2 * ELEMENTS, 3
SPLIT, WHOLE = PartitionSpec(AXIS), PartitionSpec()


class Scale(nnx.Variable):
    """A factor for each row."""


class Rows(nnx.Module):
    """A table with a sub-state of each kind, some of it by row."""

    def __init__(self) -> None:
        table = np.arange(ROWS * COLUMNS, dtype=np.float32).reshape(ROWS, COLUMNS)
        self.table = nnx.Param(jnp.asarray(table))
        self.bias = nnx.Param(jnp.asarray(table[0]))
        self.scale = Scale(jnp.asarray(table[:, 1]))
        self.count = Count(jnp.asarray(0))

    def __call__(self, x: jax.Array) -> jax.Array:
        spelling.add(self.count, 1)
        spelling.write(self.table, spelling.read(self.table) * 2)
        return x * spelling.read(self.bias)


def by_name(rows: Rows) -> dict[str, jax.Array]:
    """The arrays of the table by attribute."""
    return {path[-1]: spelling.read(variable) for path, variable in variables(rows).items()}


@dataclass(frozen=True)
class Layout:
    """A choice of shardings, twice: by filters, as Flax gets it, and by attribute, as meant."""

    filters: Mapping[Any, PartitionSpec]
    split: tuple[str, ...]

    def prefix(self, on: Callable[[PartitionSpec], Any]) -> nnx.StateSharding:
        return nnx.StateSharding({name: on(spec) for name, spec in self.filters.items()})

    def blocks(self, mesh: Mesh, name: str, value: jax.Array) -> tuple[int, ...]:
        """The shape of what a device holds of an array."""
        rows, *rest = value.shape or (0,)
        return (rows // mesh.size, *rest) if name in self.split else value.shape

    def meant(self, mesh: Mesh, rows: Rows) -> dict[str, str]:
        """How the arrays are to lie on the mesh."""
        return {
            name: f"{self.blocks(mesh, name, value)} on {mesh.size} devices, as split"
            for name, value in by_name(rows).items()
        }

    def found(self, mesh: Mesh, rows: Rows) -> dict[str, str]:
        """How they lie."""
        lines = {}
        for name, value in by_name(rows).items():
            meant = NamedSharding(mesh, SPLIT if name in self.split else WHOLE)
            fit = "as split" if value.sharding.is_equivalent_to(meant, value.ndim) else "elsewhere"
            shape, devices = value.sharding.shard_shape(value.shape), value.sharding.device_set
            lines[name] = f"{shape} on {len(devices)} devices, {fit}"
        return lines


def is_table(path, value):
    return "table" in path


LAYOUTS = {
    "type": Layout({Scale: SPLIT, ...: WHOLE}, ("scale",)),
    "path": Layout({nnx.PathContains("table"): SPLIT, nnx.Variable: WHOLE}, ("table",)),
    "predicate": Layout({is_table: SPLIT, nnx.Not(is_table): WHOLE}, ("table",)),
    "first-wins": Layout(
        {nnx.PathContains("bias"): WHOLE, (nnx.Param, Scale): SPLIT, ...: WHOLE},
        ("table", "scale"),
    ),
}


RETURNED = {name: LAYOUTS[name] for name in ("type", "first-wins")}


def lift(case: Case, mesh: Mesh, body, given, returned):
    """`body` with the shardings or specs `given` and `returned`."""
    if case.transform.name == "jit":
        return case.decorate(body, in_shardings=given, out_shardings=returned)
    # Under jit, as it is used: alone, JAX compiles a program for every array that goes in or out.
    return nnx.jit(case.decorate(body, mesh=mesh, in_specs=given, out_specs=returned))


def stage(case: Case):
    """A mesh, and what makes a spec into what this case's transform takes for it."""
    mesh = Mesh(np.array(case.backend.devices[:ELEMENTS]), (AXIS,))
    if case.transform.name == "jit":
        return mesh, lambda spec: NamedSharding(mesh, spec)
    return mesh, lambda spec: spec


@claim(
    "lift_types/state-sharding",
    guide=GUIDE,
    across=("jit", "shard_map"),
    styles=("function",),
    variants=LAYOUTS,
)
def test_state_sharding(case: Case) -> None:
    """Each sub-state is laid out on the mesh as the first filter that matches it says."""
    layout = case.variant
    mesh, on = stage(case)
    inside: dict[str, tuple[int, ...]] = {}

    def use(rows, x):
        inside.update({name: value.shape for name, value in by_name(rows).items()})
        return rows(x)

    lifted = lift(case, mesh, use, (layout.prefix(on), on(SPLIT)), on(SPLIT))
    rows, expected = Rows(), Rows()
    held = variables(rows)
    x = the_input()
    y = case.call(lifted, rows, x)
    told = {"rows": expected, "held": variables(expected), "y": expected(x)}
    case.equal({"rows": rows, "held": held, "y": y}, told)
    case.equal({"lies": layout.found(mesh, rows)}, {"lies": layout.meant(mesh, expected)})
    case.equal({"inside": inside}, {"inside": seen_inside(case, layout, mesh, expected)})


def the_input() -> jax.Array:
    return jnp.asarray(np.ones((ROWS, COLUMNS), np.float32))


def seen_inside(case: Case, layout: Layout, mesh: Mesh, rows: Rows) -> dict[str, tuple[int, ...]]:
    """The shapes that the body sees: blocks in shard_map, whole arrays in jit."""
    return {
        name: value.shape if case.transform.name == "jit" else layout.blocks(mesh, name, value)
        for name, value in by_name(rows).items()
    }


@claim(
    "lift_types/state-sharding-returned",
    guide=GUIDE,
    across=("jit", "shard_map"),
    styles=("function",),
    variants=RETURNED,
)
def test_state_sharding_returned(case: Case) -> None:
    """The sub-states of an object that the body makes are laid out as its out prefix says."""
    layout = case.variant
    mesh, on = stage(case)

    def successor(rows, x):
        new = Rows()
        for name, value in by_name(rows).items():
            spelling.write(getattr(new, name), value)
        spelling.write(new.table, spelling.read(rows.table) * 2)
        return x, new

    prefix = layout.prefix(on)
    lifted = lift(case, mesh, successor, (prefix, on(SPLIT)), (on(SPLIT), prefix))
    rows, expected = Rows(), Rows()
    x = the_input()
    outputs = case.call(lifted, rows, x)
    told = {"rows": expected, "outputs": successor(expected, x)}
    case.equal({"rows": rows, "outputs": outputs}, told)
    case.equal({"lies": layout.found(mesh, outputs[1])}, {"lies": layout.meant(mesh, expected)})


def last(rows, x, double):
    y = rows(x)
    return y * 2 if double else y


def middle(rows, double, x):
    return last(rows, x, double)


@claim(
    "lift_types/state-sharding-static",
    guide=GUIDE,
    across=("jit",),
    styles=("function",),
    variants={
        "last": (last, {"static_argnums": (2,)}),
        "middle": (middle, {"static_argnums": (1,)}),
        "by-name": (last, {"static_argnames": ("double",)}),
    },
)
def test_state_sharding_static(case: Case) -> None:
    """Shardings by sub-state go with static arguments, which have no sharding."""
    body, static = case.variant
    layout = LAYOUTS["type"]
    mesh, on = stage(case)
    given = (layout.prefix(on), on(SPLIT))
    lifted = case.decorate(body, in_shardings=given, out_shardings=on(SPLIT), **static)
    rows, expected = Rows(), Rows()
    x = the_input()
    for double in (True, False):
        rest = (double, x) if body is middle else (x, double)
        y = case.call(lifted, rows, *rest)
        case.equal({"rows": rows, "y": y}, {"rows": expected, "y": body(expected, *rest)})
    case.equal({"lies": layout.found(mesh, rows)}, {"lies": layout.meant(mesh, expected)})
