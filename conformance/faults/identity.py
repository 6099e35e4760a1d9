"""Objects that come out as copies, and references that are no longer shared."""

from collections.abc import Callable, Sequence
from typing import Any

from flax import nnx

from conformance.faults.fault import Call, Fault
from conformance.faults.graphs import Before, attributes, copy, is_node, map_outputs, put
from conformance.faults.updates import BRANCHES, LOOPS, MAPPING, under
from conformance.harness.descriptions import nodes


def replace(chosen: Callable[[Any], bool], transforms: Sequence[str]) -> Callable[[Call], Any]:
    """Puts a copy in the place of each attribute's value for which `chosen` says so."""

    def call(call: Call) -> Any:
        if call.transform not in transforms:
            return call.make()
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


ONCE = ("jit", "remat", "checkify", *BRANCHES)
# The claims whose objects have two names for something.
SHARED = (
    *("aliasing/*", "axis_metadata/*", "basics/nested-containers", "graph_updates/*"),
    *("jit_cache/*", "methods/*", "scan_carry/*", "state_propagation/*"),
)

FAULTS = (
    Fault(
        "variables-copied",
        "After one run of a body a Module holds a new Variable for each one that went in.",
        (*under(ONCE), "* shard_map"),  # which stands under jit
        call=replace(lambda value: isinstance(value, nnx.Variable), ONCE),
    ),
    Fault(
        "modules-copied",
        "After a loop or a map a Module holds a copy of each Module that went in.",
        (*under((*LOOPS, "vmap", "scan", "shard_map")), "* pmap"),
        call=replace(
            lambda value: is_node(value) and not isinstance(value, nnx.Variable),
            (*LOOPS, *MAPPING),
        ),
    ),
    Fault(
        "aliases-duplicated",
        "What is reached by two names is two objects outside.",
        SHARED,
        call=duplicate_aliases,
    ),
    Fault(
        "outputs-copied",
        "An input object that is returned comes out as another one.",
        ("scan_carry/*", "state_propagation/output-identity"),
        call=copy_outputs,
    ),
    Fault(
        "outputs-unshared",
        "What comes out twice is two objects outside.",
        ("basics/objects-as-outputs", "state_propagation/output-identity"),
        call=split_outputs,
    ),
)
