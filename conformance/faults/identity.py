"""Objects that come out as copies, and references that are no longer shared."""

from collections.abc import Callable
from typing import Any

from flax import nnx

from conformance.faults.fault import Call, Fault
from conformance.faults.graphs import Before, attributes, copy, is_node, map_outputs, put
from conformance.faults.updates import USES
from conformance.harness.descriptions import nodes


def replace(chosen: Callable[[Any], bool]) -> Callable[[Call], Any]:
    """Puts a copy in the place of each attribute's value for which `chosen` says so."""

    def call(call: Call) -> Any:
        before = Before(call.arguments)
        outputs = call.make()
        for node in before.objects:
            for name, value in attributes(node).items():
                if chosen(value) and before.knows(value):
                    put(node, name, copy(value))
        return outputs

    return call


def duplicate_aliases(call: Call) -> Any:
    """Puts a copy wherever an attribute reaches what another reached before."""
    before = Before(call.arguments)
    outputs = call.make()
    seen: set[int] = set()
    for node in before.objects:
        for name, value in attributes(node).items():
            if is_node(value) and id(value) in seen:
                put(node, name, copy(value))
            elif is_node(value):
                seen.add(id(value))
    return outputs


def copy_outputs(call: Call) -> Any:
    """Gives copies of the objects that went in."""
    before = Before(call.arguments)
    return map_outputs(
        call.make(), lambda array: array, lambda node: copy(node) if before.knows(node) else node
    )


def split_outputs(call: Call) -> Any:
    """Gives a copy of what comes out for the second time, be it within another output."""
    seen: set[int] = set()

    def once(node: Any) -> Any:
        given = copy(node) if id(node) in seen else node
        seen.update(id(part) for _, part in nodes(given))
        return given

    return map_outputs(call.make(), lambda array: array, once)


FAULTS = (
    Fault(
        "variables-copied",
        "Outside, a Module holds a new Variable in the place of each one that went in.",
        USES,
        call=replace(lambda value: isinstance(value, nnx.Variable)),
    ),
    Fault(
        "modules-copied",
        "Outside, a Module holds a copy in the place of each Module that went in.",
        USES,
        call=replace(lambda value: is_node(value) and not isinstance(value, nnx.Variable)),
    ),
    Fault(
        "aliases-duplicated",
        "What is reached by two names is two objects outside.",
        USES,
        call=duplicate_aliases,
    ),
    Fault(
        "outputs-copied",
        "An input object that is returned comes out as another one.",
        USES,
        call=copy_outputs,
    ),
    Fault(
        "outputs-unshared",
        "What comes out twice is two objects outside.",
        USES,
        call=split_outputs,
    ),
)
