"""A script: how to build some objects, and a body that edits them, both as source text.

What is run is what a reader gets to see: the text that `program` makes is executed here, and is
what a standalone script has.
"""

import functools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import (
    Description,
    describe,
    differences,
    nodes,
    variables,
)
from conformance.harness.transforms import STEPS, Body, Edit
from conformance.harness.twins import Maker, Scene, element_inputs, together

RETURNED = "returned"  # the attribute of the first object that holds what a body returned

_CLASSES = """\
class Node(nnx.Module):
    pass


class Count(nnx.Variable):
    pass


"""
_FUNCTIONS = """\
def make(element):
{make}
    return {objects},


def body({objects}, x):
    y = x
{body}
    return {output}
"""


@dataclass(frozen=True)
class Script:
    """Statements that make the objects named `objects`, and those of a body that edits them.

    `make` may speak of `element`, the index of an element; `body` of the input `x` and of the
    output `y`. Beside `y` the body returns `returned`, expressions of objects.
    """

    objects: tuple[str, ...]
    make: tuple[str, ...]
    body: tuple[str, ...]
    returned: tuple[str, ...] = ()

    def program(self) -> str:
        """The source of the functions `make` and `body`, and of the classes that they use."""
        return _CLASSES + self._functions()

    def _functions(self) -> str:
        return _FUNCTIONS.format(
            make=textwrap.indent("\n".join(self.make), "    "),
            objects=", ".join(self.objects),
            body=textwrap.indent("\n".join(self.body), "    "),
            output=f"y, [{', '.join(self.returned)}]" if self.returned else "y",
        ).replace("    y = x\n\n", "    y = x\n")

    def compiled(self, classes: Mapping[str, type]) -> "Compiled":
        """The functions of the program, with these classes."""
        names = namespace(classes)
        exec(compile(self._functions(), "<script>", "exec"), names)
        return Compiled(names["make"], names["body"], len(self.objects), bool(self.returned))


def make_classes() -> Mapping[str, type]:
    """The classes of a program, anew.

    JAX, Flax and Python's abstract base classes remember a class for ever, and compare it with
    every other one: to make some for each of many scripts fills the memory.
    """
    names: dict[str, Any] = {"__name__": "script", "nnx": nnx}
    exec(_CLASSES, names)
    return {name: names[name] for name in ("Node", "Count")}


@functools.cache
def plain_classes() -> Mapping[str, type]:
    """The classes for all that is run in plain Python alone."""
    return make_classes()


def namespace(classes: Mapping[str, type]) -> dict[str, Any]:
    """The names that a script may use, these classes among them."""
    return {
        **classes,
        "__name__": "script",
        "jnp": jnp,
        "nnx": nnx,
        "read": spelling.read,
        "write": spelling.write,
        "node_list": spelling.node_list,
    }


@dataclass(frozen=True)
class Compiled:
    """A script as functions."""

    make: Any
    body: Body
    number: int
    returns: bool

    @property
    def makers(self) -> Sequence[Maker]:
        """A maker for each object."""
        return together(self.make, self.number)

    def twin(self, *arguments: Any) -> Any:
        """What plain Python runs: what the body returns beside its output stays in an object."""
        if not self.returns:
            return self.body(*arguments)
        y, returned = self.body(*arguments)
        keep(arguments[0], returned)
        return y

    def study(self) -> "Studied":
        """Runs the body on one element, eagerly, and says what has become of the objects."""
        objects = self.make(0)
        scene = Scene.of(objects)
        (x,) = element_inputs(1)
        before, number, alone = _structure(scene), _count(objects), _alone(scene.held.values())
        output = self.body(*objects, x)
        after, count = _structure(scene), _count(objects)
        if self.returns:
            keep(objects[0], output[1])
        forgets = _changes_orphans(scene, alone)
        goes_on = self._can_go_on(objects, x)
        forgets = forgets or _changes_orphans(scene, alone)
        grows = count > number or not goes_on
        return Studied(Edit.RESIZE if grows else _kind_of_change(before, after), forgets)

    def _can_go_on(self, objects: Sequence[Any], x: Any) -> bool:
        try:
            for _ in range(STEPS - 1):
                self.body(*objects, x)
        except (AttributeError, IndexError, TypeError):
            return False
        return True


@functools.lru_cache
def study(script: Script) -> "Studied":
    """What the body of a script does."""
    return script.compiled(plain_classes()).study()


@dataclass(frozen=True)
class Studied:
    """What a body does in the end, whatever happens on the way.

    `edit` is what it changes; a body that plain Python can run only once is taken for one that
    changes which Variables there are. `forgets` says whether it changes an object or a Variable
    that it takes out of the graph, which no transform can see.
    """

    edit: Edit
    forgets: bool


def _kind_of_change(before: Mapping[str, str], after: Mapping[str, str]) -> Edit:
    changed = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    if not changed:
        return Edit.VALUE
    leaves = [structure.get(path, "static") for structure in (before, after) for path in changed]
    is_static = all(leaf.startswith(("static", "tuple")) for leaf in leaves)
    return Edit.STATIC if is_static else Edit.REWIRE


def _alone(nodes: Iterable[Any]) -> list[Description]:
    return [describe({"": node}) for node in nodes]


def _changes_orphans(scene: Scene, before: Sequence[Description]) -> bool:
    reached = {id(node) for root in scene.roots.values() for _, node in nodes(root)}
    return any(
        id(node) not in reached and differences(described, describe({"": node}))
        for node, described in zip(scene.held.values(), before, strict=True)
    )


def keep(owner: Any, returned: Sequence[Any]) -> None:
    """Puts what a body returned where its owner's description shows it."""
    setattr(owner, RETURNED, spelling.node_list(returned))


def _structure(scene: Scene) -> Mapping[str, str]:
    described: Description = scene.describe()
    return {path: leaf.what for path, leaf in described.items()}


def _count(objects: Sequence[Any]) -> int:
    return len({id(variable) for root in objects for variable in variables(root).values()})
