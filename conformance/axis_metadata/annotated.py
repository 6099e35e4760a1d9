"""Stacks of Variables with axis names, made by hand: what they are inside of a transform, and out.

The names inside and outside are both written down: none is worked out from another.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.descriptions import variables

Names = tuple[str | None, ...] | None

GUIDE = "Axis metadata"
MAPPING = ("vmap", "scan", "pmap")
MAPPED = "b"  # the name of the axis that a transform maps
MESH_AXES = ("a", MAPPED, "c")
ASKED = {"transform_metadata": {nnx.PARTITION_NAME: MAPPED}}
LAYERS = 4  # as in the guide
UNNAMED = "unnamed"  # a Variable that was never given names, not even None


class Stat(nnx.Variable):
    """A Variable that is no parameter."""


class Weights(nnx.Module):
    """A Module of the Variables that it is given."""

    def __init__(self, **variables: Any) -> None:
        for name, variable in variables.items():
            setattr(self, name, variable)


@dataclass(frozen=True)
class Annotated:
    """A Variable of one element of a stack; where it is not mapped, `axis` is None."""

    shape: tuple[int, ...]
    inside: Names | str
    outside: Names | str
    axis: int | None
    kind: type = nnx.Param

    def value(self) -> np.ndarray:
        """The array of an element."""
        count = np.prod(self.shape, dtype=int)
        return np.arange(1, count + 1, dtype=np.float32).reshape(self.shape)

    def stack(self, size: int, step: int, factor: int) -> np.ndarray:
        """The array of a stack, whose elements differ by `step`; all of it times `factor`."""
        if self.axis is None:
            return self.value()
        return factor * np.stack([self.value() + step * i for i in range(size)], self.axis)


LEADING = Annotated((3,), ("a",), ("b", "a"), 0)
TRAILING = Annotated((3,), ("a",), ("a", "b"), 1, Stat)
MIDDLE = Annotated((3, 5), ("a", None), ("a", "b", None), 1)  # that of the guide


@dataclass(frozen=True)
class Layout:
    """A Module's Variables, and the axes by which Flax is told where they are mapped."""

    axes: Any
    variables: Mapping[str, Annotated]

    def stack(self, case: Case) -> Weights:
        """What the caller has: a stack of elements that are all different."""
        placed = on_a_mesh(case)
        return Weights(
            **{
                name: named(v.kind, v.stack(layers(case), 10, 1), v.outside, placed)
                for name, v in self.variables.items()
            }
        )

    def expected(self, case: Case, *, step: int = 10, factor: int = 1) -> Weights:
        """Such a stack to compare with: elements that differ by `step`, mapped ones scaled."""
        return Weights(
            **{
                name: named(v.kind, v.stack(layers(case), step, factor), v.outside, False)
                for name, v in self.variables.items()
            }
        )

    def element(self, case: Case) -> Weights:
        """What a body makes: one element."""
        placed = on_a_mesh(case)
        return Weights(
            **{
                name: named(v.kind, v.value(), v.inside, placed)
                for name, v in self.variables.items()
            }
        )

    def seen(self) -> dict[str, Any]:
        """What a body is to see of each Variable."""
        return {
            name: (v.shape, None if v.inside == UNNAMED else v.inside)
            for name, v in self.variables.items()
        }


class Witness:
    """A body that notes the axes and their names as it sees them, and may double what is mapped."""

    def __init__(self, layout: Layout, *, doubles: bool = True) -> None:
        self.layout = layout
        self.doubles = doubles
        self.seen: list[dict[str, Any]] = []

    def __call__(self, weights: Weights) -> None:
        self.seen.append(seen(weights))
        for name, variable in self.layout.variables.items():
            if self.doubles and variable.axis is not None:
                double(getattr(weights, name))

    def judge(self, case: Case) -> None:
        """Holds what was seen, however often the body was traced, against the layout."""
        case.saw("inside", self.seen, self.layout.seen())


def seen(weights: Weights) -> dict[str, Any]:
    """What a body sees of each Variable: its shape, and the names of its axes."""
    return {
        ".".join(map(str, path)): (spelling.read(v).shape, spelling.axis_names(v))
        for path, v in variables(weights).items()
    }


def double(variable: Any) -> None:
    spelling.write(variable, spelling.read(variable) * 2)


def layers(case: Case) -> int:
    """How many elements a stack has: as many as in the guide, but in pmap one per device."""
    return case.elements if case.transform.name == "pmap" else LAYERS


def on_a_mesh(case: Case) -> bool:
    """Whether the axes are those of a mesh: JAX takes no pmap inside of one."""
    return case.transform.name != "pmap"


@contextmanager
def mesh_of(case: Case) -> Iterator[Mesh | None]:
    """The mesh whose axes have the names, as a context."""
    device = case.backend.devices[0]
    with spelling.mesh(device, MESH_AXES) if on_a_mesh(case) else nullcontext() as mesh:
        yield mesh


def named(kind: type, value: Any, names: Names | str, placed: bool) -> Any:
    """A Variable with axis names, which is `placed` on the mesh by them, or just has them."""
    metadata: dict[str, Any] = {} if names == UNNAMED else {spelling.AXIS_NAMES: names}
    if not placed:
        metadata |= spelling.UNPLACED
    # Not asarray: up to JAX 0.11.0 it does not put its array on the mesh.
    return kind(jnp.array(value), **metadata)


def with_held(weights: Any) -> dict[str, Any]:
    """The object and every Variable in it that its owner holds, to be described together."""
    return {"weights": weights, "held": variables(weights)}
