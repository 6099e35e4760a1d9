"""Axes, shardings and gradients by sub-state that are not those that were asked for."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax.sharding import NamedSharding, PartitionSpec

from conformance.faults.fault import Application, Call, Fault, Function
from conformance.faults.graphs import Before, is_number
from conformance.faults.updates import under
from conformance.harness import spelling
from conformance.harness.descriptions import variables

MAPPING = ("vmap", "scan", "pmap")
AXES = ("in_axes", "out_axes")
LAYOUTS = ("in_shardings", "out_shardings", "in_specs", "out_specs")


def options(names: tuple[str, ...], change: Callable[[Any], Any]) -> Callable[..., Function]:
    """Applies transforms with another prefix in the place of each in these options."""

    def apply(application: Application) -> Function:
        given = {name: value for name, value in application.options.items() if name in names}
        changed = {name: change(value) for name, value in given.items()}
        return application.given(**changed).apply()

    return apply


def leaves(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Changes each leaf of a prefix."""

    def visit(prefix: Any) -> Any:
        if isinstance(prefix, nnx.StateAxes | nnx.StateSharding | PartitionSpec):
            return change(prefix)
        if isinstance(prefix, list | tuple):
            return type(prefix)(map(visit, prefix))
        if isinstance(prefix, dict):
            return {name: visit(part) for name, part in prefix.items()}
        return change(prefix)

    return visit


def by_last_filter(prefix: Any) -> Any:
    """Asks the last filter first; what matches everything stays behind the others."""
    if isinstance(prefix, nnx.StateAxes):
        pairs = list(zip(prefix.filters, prefix.axes, strict=True))
    elif isinstance(prefix, nnx.StateSharding):
        pairs = list(zip(prefix.filters, prefix.shardings, strict=True))
    else:
        return prefix
    rest = [pair for pair in pairs if pair[0] in (..., True)]
    return type(prefix)([*reversed([pair for pair in pairs if pair not in rest]), *rest])


def leading_by_filter(prefix: Any) -> Any:
    """Maps each sub-state along its leading axis, whichever axis was said."""
    if not isinstance(prefix, nnx.StateAxes):
        return prefix
    pairs = zip(prefix.filters, prefix.axes, strict=True)
    return nnx.StateAxes([(name, 0 if isinstance(axis, int) else axis) for name, axis in pairs])


def leading(prefix: Any) -> Any:
    return 0 if isinstance(prefix, int) else prefix


def whole_by_filter(prefix: Any) -> Any:
    """Gives every device the whole of each sub-state."""
    if not isinstance(prefix, nnx.StateSharding):
        return prefix
    whole = [
        NamedSharding(spec.mesh, PartitionSpec())
        if isinstance(spec, NamedSharding)
        else PartitionSpec()
        for spec in prefix.shardings
    ]
    return nnx.StateSharding(list(zip(prefix.filters, whole, strict=True)))


def params_only(argnums: Any) -> Any:
    """Forgets the filter of a DiffState."""
    if isinstance(argnums, tuple):
        return tuple(map(params_only, argnums))
    return argnums.argnum if isinstance(argnums, nnx.DiffState) else argnums


def everything(argnums: Any) -> Any:
    """Differentiates all floats of an argument of which the Params were meant."""
    if argnums is None or isinstance(argnums, int):
        return nnx.DiffState(argnums or 0, _is_float)
    return tuple(map(everything, argnums)) if isinstance(argnums, tuple) else argnums


def _is_float(_: Any, value: Any) -> bool:
    array = getattr(value, "value", value)
    return bool(jnp.issubdtype(getattr(array, "dtype", int), jnp.floating))


def differentiate_all(application: Application) -> Function:
    if application.transform not in ("grad", "value_and_grad"):
        return application.apply()
    return application.given(argnums=everything(application.options.get("argnums"))).apply()


def count_each(call: Call) -> Any:
    """Repeats what a call adds to Variables that are broadcast, for each element but one."""
    if call.transform not in MAPPING:
        return call.make()
    axes = call.applied.options.get("in_axes", 0)
    prefixes = axes if isinstance(axes, tuple) else (axes,) * len(call.arguments)
    broadcast = Before(
        [
            variable
            for prefix, argument in zip(prefixes, call.arguments, strict=False)
            for variable in _broadcast(prefix, argument)
        ]
    )
    outputs = call.make()
    for variable, old, new in list(broadcast.updated()):
        if is_number(new):
            spelling.write(variable, old + (new - old) * 2)
    return outputs


def _broadcast(prefix: Any, argument: Any) -> list[Any]:
    if prefix is None:
        return Before(argument).variables
    if not isinstance(prefix, nnx.StateAxes):
        return []
    first_match = nnx.split(argument, *prefix.filters, ...)[1:]
    paths = {
        path
        for axis, state in zip((*prefix.axes, 0), first_match, strict=True)
        if axis is None
        for path in spelling.state_leaves(state)
    }
    return [node for path, node in variables(argument).items() if path in paths]


FAULTS = (
    Fault(
        "filters-from-behind",
        "Of the filters of a StateAxes or StateSharding the last one that matches decides.",
        ("state_axes/*", "lift_types/state-sharding*"),
        apply=options((*AXES, *LAYOUTS), leaves(by_last_filter)),
    ),
    Fault(
        "state-axes-leading",
        "A StateAxes maps along the leading axis, whichever it says.",
        ("state_axes/*", "axis_metadata/*", "scan_carry/mixed", "aliasing/*"),
        apply=options(AXES, leaves(leading_by_filter)),
    ),
    Fault(
        "axes-leading",
        "Arrays are mapped along their leading axis, whichever is said.",
        ("aliasing/*", "axis_metadata/*", "basics/*", "methods/*"),
        apply=options(AXES, leaves(leading)),
    ),
    Fault(
        "broadcast-counted-twice",
        "What is broadcast is updated once more than it should be.",
        ("rngs/*", "state_axes/*"),
        call=count_each,
    ),
    Fault(
        "diff-state-ignored",
        "A DiffState differentiates the Params, whatever its filter.",
        ("lift_types/*", "aliasing/*"),
        apply=options(("argnums",), params_only),
    ),
    Fault(
        "all-differentiated",
        "Without a DiffState it is all floats that are differentiated.",
        ("lift_types/diff-state-default", "state_propagation/batch-norm"),
        apply=differentiate_all,
    ),
    Fault(
        "state-sharding-ignored",
        "A StateSharding leaves the whole of every sub-state on every device.",
        ("lift_types/*", "aliasing/*", *under(["shard_map"])),
        apply=options(LAYOUTS, leaves(whole_by_filter)),
    ),
)
