"""Updates that are lost, or come out otherwise than they were made."""

import fnmatch
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from conformance.faults.fault import Call, Fault
from conformance.faults.graphs import ABSENT, Before, is_float, is_node, is_number, put
from conformance.harness import spelling
from conformance.harness.nesting import LIFTS
from conformance.harness.transforms import ALL

# The claims on what a body writes.
USES = (
    *("aliasing/*accepted", "aliasing/tied-weights"),
    *("axis_metadata/*", "basics/nested-containers", "closures/as-argument"),
    "closures/method-of-no-module",
    *("closures/object-intact", "graph_updates/*", "jit_cache/*", "lift_types/*", "methods/*"),
    *("rngs/*", "scan_carry/*", "state_axes/*", "state_propagation/*"),
)
# Those in which it changes attributes.
EDITS = ("graph_updates/*", "jit_cache/*", "scan_carry/*")
BRANCHES = ("cond", "switch")
LOOPS = ("while_loop", "fori_loop")
MAPPING = ("vmap", "scan", "pmap", "shard_map")
DIFFERENTIATING = ("grad", "value_and_grad", "custom_vjp", "vjp", "jvp")


def under(transforms: Sequence[str]) -> tuple[str, ...]:
    """The claims crossed with these transforms, by themselves or in a nest."""
    places = (place for name in transforms for place in (name, f"{name}-of-*", f"*-of-{name}"))
    return tuple(f"* {place}" for place in places if fnmatch.filter(LIFTS, place))


def lose(chosen: Callable[[Any, Any], bool]) -> Callable[[Call], Any]:
    """Undoes the changes of attributes for whose old and new value `chosen` says so."""

    def call(call: Call) -> Any:
        before = Before(call.arguments)
        outputs = call.make()
        for node, name, old, new in list(before.changes()):
            if chosen(old, new):
                put(node, name, old)
        return outputs

    return call


def change(
    made: Callable[[Any, Any], Any], transforms: Sequence[str] = ALL
) -> Callable[[Call], Any]:
    """Writes to each Variable what is made of its old value and its new one."""

    def call(call: Call) -> Any:
        if call.transform not in transforms:
            return call.make()
        before = Before(call.arguments)
        outputs = call.make()
        for variable, old, new in list(before.updated()):
            spelling.write(variable, made(old, new))
        return outputs

    return call


def twice(old: Any, new: Any) -> Any:
    return new + (new - old) if is_number(new) and new.shape == old.shape else new


def half_precision(_: Any, new: Any) -> Any:
    return new.astype(np.float16) if is_float(new) else new


def backwards(_: Any, new: Any) -> Any:
    return jnp.flip(new, 0) if is_number(new) and new.ndim else new


def last_axis_first(_: Any, new: Any) -> Any:
    return jnp.moveaxis(new, -1, 0) if is_number(new) and new.ndim > 1 else new


def last_element_lost(old: Any, new: Any) -> Any:
    fits = is_number(new) and new.ndim and new.shape == old.shape
    return new.at[-1].set(old[-1]) if fits else new


def lose_beyond_first(call: Call) -> Any:
    """Loses the updates of what the first argument does not reach."""
    first, *others = _parts(call.arguments)
    before, kept = Before(others), Before([first])
    outputs = call.make()
    for variable, old, _ in list(before.updated()):
        if not kept.knows(variable):
            spelling.write(variable, old)
    return outputs


def _parts(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, or what is in the one that there is, as in the value of a loop."""
    if len(arguments) == 1 and isinstance(arguments[0], tuple) and arguments[0]:
        return _parts(arguments[0])
    return arguments or ((),)


def is_new_node(old: Any, new: Any) -> bool:
    return old is ABSENT and is_node(new)


def is_new_static(old: Any, new: Any) -> bool:
    return old is ABSENT and not is_node(new)


def is_changed_static(old: Any, new: Any) -> bool:
    return ABSENT not in (old, new) and not is_node(old) and not is_node(new)


def is_deleted(old: Any, new: Any) -> bool:
    return new is ABSENT


def is_other_node(old: Any, new: Any) -> bool:
    return is_node(old) and is_node(new)


FAULTS = (
    Fault(
        "values-lost",
        "What a body writes to a Variable does not come out.",
        (*USES, "aliasing/error-leaves-object"),
        call=change(lambda old, new: old),
    ),
    Fault(
        "values-lost-beyond-first",
        "Of several arguments just the first one's Variables are updated.",
        (
            *("aliasing/*accepted", "graph_updates/across-arguments", "jit_cache/train-step"),
            *("lift_types/diff-state*", "rngs/reproducible*", "scan_carry/*"),
            *("state_propagation/several-modules", "state_propagation/pre-existing-sharing"),
            "state_propagation/bare-variable-shared",
        ),
        call=lose_beyond_first,
    ),
    Fault(
        "values-twice",
        "What a function that is differentiated adds to a Variable is added twice.",
        under(DIFFERENTIATING),
        call=change(twice, DIFFERENTIATING),
    ),
    Fault(
        "element-lost",
        "The last element of a stack keeps its old values.",
        under(MAPPING),
        call=change(last_element_lost, MAPPING),
    ),
    Fault(
        "values-half-precision",
        "The floats of Variables come out of a loop in half precision.",
        under(LOOPS),
        call=change(half_precision, LOOPS),
    ),
    Fault(
        "values-backwards",
        "The arrays of Variables come out of a branch with their elements in reverse.",
        ("* cond", "* cond-of-*", "* switch"),
        call=change(backwards, BRANCHES),
    ),
    Fault(
        "values-axes-moved",
        "The last axis of a Variable that is mapped comes out as its first.",
        under(MAPPING),
        call=change(last_axis_first, MAPPING),
    ),
    Fault(
        "statics-lost",
        "A static attribute that a body changes comes out as it was.",
        EDITS,
        call=lose(is_changed_static),
    ),
    Fault(
        "static-additions-lost",
        "A static attribute that a body adds does not come out.",
        (*EDITS, "methods/init"),
        call=lose(is_new_static),
    ),
    Fault(
        "additions-lost",
        "A Variable or Module that a body adds does not come out.",
        (
            *(*EDITS, "axis_metadata/added-to-object", "axis_metadata/metadata-of-new"),
            "methods/init",
        ),
        call=lose(is_new_node),
    ),
    Fault(
        "deletions-lost",
        "An attribute that a body deletes is still there outside.",
        EDITS,
        call=lose(is_deleted),
    ),
    Fault(
        "rewirings-lost",
        "An attribute to which a body gives another object holds the old one outside.",
        EDITS,
        call=lose(is_other_node),
    ),
)
