"""Draws scripts: at each step, of all statements that Python can run now, one is chosen.

Statements are run as they are chosen, on objects of this module's own, so that what may come next
is looked up and not foretold.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import jax.numpy as jnp
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import nodes
from conformance.harness.twins import element_inputs
from conformance.search.scripts import Script, namespace, plain_classes

T = TypeVar("T")
Choose = Callable[[Sequence[T]], T]  # the first of what is to choose from is the simplest

GO_ON = (False, True, True, True)
NEW, ALIASES = ("extra", "spare"), ("tied", "again")


@dataclass
class World:
    """Live objects, and the statements that made them what they are."""

    names: dict[str, Any] = field(default_factory=lambda: namespace(plain_classes()))
    objects: list[str] = field(default_factory=list)
    made: int = 0

    def __post_init__(self) -> None:
        self.names["element"] = 0

    def run(self, statement: str) -> None:
        exec(statement, self.names)

    def nodes(self, roots: Sequence[str] = ()) -> dict[str, Any]:
        """Every object and Variable that `roots`, or all objects, reach, by an expression."""
        found: dict[int, str] = {}
        for name in roots or self.objects:
            for path, node in nodes(self.names[name]):
                found.setdefault(id(node), expression(name, path))
        return {place: eval(place, self.names) for place in found.values()}

    def modules(self) -> dict[str, Any]:
        return {place: node for place, node in self.nodes().items() if _is_module(node)}

    def variables(self, *, floats: bool = False) -> list[str]:
        return [
            place
            for place, node in self.nodes().items()
            if isinstance(node, nnx.Variable)
            and (not floats or spelling.read(node).dtype == jnp.float32)
        ]

    def lists(self) -> dict[str, Any]:
        """The lists that Modules have, whatever they are made of in this release."""
        return {
            f"{place}.parts": module.parts
            for place, module in self.modules().items()
            if hasattr(module, "parts")
        }

    def slots(self) -> dict[str, Any]:
        """Every place where a Module or a list holds an object or Variable, and what is there."""
        found = {
            f"{place}.{name}": value
            for place, module in self.modules().items()
            for name, value in spelling.attributes(module)
            if _is_module(value) or isinstance(value, nnx.Variable)
        }
        for place, items in self.lists().items():
            found |= {f"{place}[{index}]": item for index, item in enumerate(items)}
        return found

    def array(self, point: str = "") -> str:
        """An array of three numbers that no other Variable starts from."""
        numbers = ", ".join(f"{3 * self.made + number}{point}" for number in (1, 2, 3))
        return f"jnp.array([{numbers}]) + element"


def expression(name: str, path: tuple[Any, ...]) -> str:
    """How Python speaks of what stands at a path below `name`."""
    return name + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


def _is_module(node: Any) -> bool:
    return isinstance(node, nnx.Module) and not spelling.is_node_list(node)


# Objects


def _growths(world: World) -> Iterator[str]:
    """Statements that make the objects larger, or share what they have.

    What the first object has is shared with no other: gradients are taken of it.
    """
    param = f"nnx.Param({world.array('.0')})"
    for module in world.modules():
        for name in ("left", "right"):
            if not hasattr(eval(module, world.names), name):
                yield f"{module}.{name} = Node()\n{module}.{name}.weight = {param}"
    for module, node in world.modules().items():
        if not hasattr(node, "mean"):
            yield f"{module}.mean = nnx.BatchStat({world.array('.0')})"
        if not hasattr(node, "count"):
            yield f"{module}.count = Count({world.array()})"
        if not hasattr(node, "label"):
            yield f'{module}.label = "new"'
        if not hasattr(node, "parts"):
            yield f"{module}.parts = node_list([{param}, Node()])"
    for name in ("b", "c"):
        if name not in world.objects:
            yield f"{name} = Node()\n{name}.weight = {param}"
            break
    for group in (world.objects[:1], world.objects[1:]):
        if group:
            reached = world.nodes(group)
            for module, node in reached.items():
                if _is_module(node) and not hasattr(node, "tied"):
                    yield from (f"{module}.tied = {source}" for source in reached)


# Edits, by what they change in the first place


def _values(world: World) -> Iterator[str]:
    every, floats = world.variables(), world.variables(floats=True)
    for place in floats:
        yield f"write({place}, read({place}) * 2)"
        yield f"write({place}, read({place}) + x)"
    for place in every:
        yield f"write({place}, read({place}) + 1)"
        yield f"y = y * 2 + read({place})"
    for place in every:
        for other in every if place in floats else ():
            if other != place:
                yield f"write({place}, read({place}) + read({other}))"


def _statics(world: World) -> Iterator[str]:
    for module, node in world.modules().items():
        yield f'{module}.label = "used"'
        yield f"{module}.sizes = (1, 2)"
        if hasattr(node, "label"):
            yield f'if hasattr({module}, "label"): del {module}.label'
            yield f'{module}.label = {module}.label + "+"'


def _references(world: World) -> Iterator[str]:
    slots, every = world.slots(), world.nodes()
    for module, node in world.modules().items():
        for name in ALIASES:
            if not hasattr(node, name):
                yield from (f"{module}.{name} = {source}" for source in every)
                break
    places = list(slots)
    for number, place in enumerate(places):
        for other in places[number + 1 :]:
            if slots[place] is not slots[other] and not _contain(place, other):
                yield f"{place}, {other} = {other}, {place}"
    for place, held in slots.items():
        yield from (f"{place} = {source}" for source in every if every[source] is not held)
        if [each is held for each in slots.values()].count(True) > 1:
            yield from _deletion(place)


def _sizes(world: World) -> Iterator[str]:
    places = world.variables(floats=True)
    for module, node in world.modules().items():
        for name in NEW:
            if not hasattr(node, name):
                yield f"{module}.{name} = nnx.Param(x * 2)"
                yield f"{module}.{name} = Count(x)"
                yield f"{module}.{name} = Node()"
                yield f"{module}.{name} = Node()\n{module}.{name}.weight = nnx.BatchStat(x + 1)"
                break
    for place, held in world.slots().items():
        yield from _deletion(place)
        if place in places:
            kind = type(held).__name__
            prefix = "" if kind == "Count" else "nnx."
            yield f"{place} = {prefix}{kind}(read({place}) + x)"
    for items in world.lists():
        yield f"{items}.append(nnx.Param(x * 2))"


def _contain(*places: str) -> bool:
    """Whether one of two places is inside of what is in the other."""
    outer, inner = sorted(places, key=len)
    return inner.startswith((f"{outer}.", f"{outer}["))


def _deletion(place: str) -> Iterator[str]:
    module, _, name = place.rpartition(".")
    if not place.endswith("]"):
        yield f'if hasattr({module}, "{name}"): del {place}'


KINDS: dict[str, tuple[Callable[[World], Iterator[str]], ...]] = {
    "values": (_values,),
    "statics": (_values, _statics),
    "references": (_values, _references),
    "sizes": (_values, _sizes),
    "everything": (_values, _statics, _references, _sizes),
}


def draw(choose: Choose[Any], kind: str, *, returns: bool = False, most: int = 6) -> Script:
    """A script whose body makes edits of a kind, in at most so many statements.

    Args:
      choose: gives one of the options that it is given.
      kind: one of KINDS.
      returns: whether the body returns objects.
      most: statements of the body, and of the objects beyond the first.
    """
    world = World()
    make: list[str] = []

    def do(statement: str, statements: list[str]) -> None:
        world.run(statement)
        world.made += 1
        statements.append(statement)

    world.objects.append("a")
    do(f"a = Node()\na.weight = nnx.Param({world.array('.0')})", make)
    while len(make) < most and choose(GO_ON):
        do(choose(list(_growths(world))), make)
        world.objects[:] = [name for name in ("a", "b", "c") if name in world.names]
    (x,) = element_inputs(1)
    world.names |= {"x": x, "y": x}
    body: list[str] = []
    if returns:
        do(f"kept = {choose(list(world.nodes()))}", body)
    while len(body) < most and choose(GO_ON):
        do(choose(list(choose(KINDS[kind])(world)) or ["y = y * 2"]), body)
    used = world.variables(floats=True)
    if used:
        do(f"y = y * read({choose(used)}) + 1", body)
    returned = ["kept", choose(list(world.nodes()))] if returns else []
    return Script(tuple(world.objects), tuple(make), tuple(body), tuple(returned))
