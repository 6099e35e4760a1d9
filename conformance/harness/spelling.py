"""One meaning, many spellings: the only place that knows how releases differ in spelling.

Nothing here adapts behaviour. What a release does is for the claims to find out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
from flax import nnx

from conformance.harness.subject import at_least

_WRITES_BY_METHOD = at_least("0.12.1")
_LIST_IS_A_NODE = at_least("0.12.0")
_ARRAY_IS_A_LEAF = at_least("0.10.5")
_OBJECT: type = nnx.Pytree if at_least("0.11.1") else nnx.Object
_STATE_LEAF: type = nnx.Variable if at_least("0.11.0") else nnx.VariableState

# nnx.vjp and nnx.jvp take objects only when told that no structure will change.
KEEPS_STRUCTURE: Mapping[str, bool] = (
    {"graph_updates": False} if at_least("0.12.6") else {"graph": False}
)

# What releases keep on a Variable for themselves, beside what its user gave.
_BOOKKEEPING = frozenset(
    (
        "get_value_hooks",
        "set_value_hooks",
        "create_value_hooks",
        "add_axis_hooks",
        "remove_axis_hooks",
        "on_get_value",
        "on_set_value",
        "on_create_value",
        "on_add_axis",
        "on_remove_axis",
        "eager_sharding",
        "hijax",
        "ref",
        "mutable",
        "has_ref",
        "is_hijax",
        "is_mutable",
    )
)
_AXIS_NAMES = frozenset(("sharding", "sharding_names", "out_sharding"))
_BOOKKEEPING_ATTRIBUTES = ("_object__", "_pytree__")


def read(variable: Any) -> Any:
    """The value of a Variable (or of a leaf of a State)."""
    if _WRITES_BY_METHOD:
        return variable.get_value()
    return variable.value


def write(variable: Any, value: Any) -> None:
    """Replaces the value of a Variable."""
    if _WRITES_BY_METHOD:
        variable.set_value(value)
    else:
        variable.value = value


def add(variable: Any, amount: Any) -> None:
    """The guide's `variable += amount`."""
    write(variable, read(variable) + amount)


def node_list(nodes: Sequence[Any]) -> Any:
    """A list of Modules or Variables that is part of the object graph."""
    return nnx.List(nodes) if _LIST_IS_A_NODE else list(nodes)


def is_object(node: Any) -> bool:
    """Whether `node` is an NNX object: something with attributes that transforms track."""
    return isinstance(node, _OBJECT)


def is_node_list(node: Any) -> bool:
    """Whether `node` is what `node_list` makes."""
    return _LIST_IS_A_NODE and isinstance(node, nnx.List)


def attributes(node: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an NNX object by name, in sorted order, without NNX's own bookkeeping."""
    for name in sorted(vars(node)):
        if not name.startswith(_BOOKKEEPING_ATTRIBUTES):
            yield name, vars(node)[name]


def metadata(variable: Any) -> dict[str, Any]:
    """What the user keeps on a Variable; axis names go by `axis_names` in every release."""
    return {
        "axis_names" if name in _AXIS_NAMES else name: value
        for name, value in sorted(variable.get_metadata().items())
        if name not in _BOOKKEEPING
    }


def state_arrays(state: Any) -> dict[tuple[Any, ...], jax.Array]:
    """The arrays of a State (or of nested mappings), by path."""
    if isinstance(state, _STATE_LEAF):
        return {(): read(state)}
    if not isinstance(state, Mapping | nnx.State):
        return {(): state}
    return {
        (name, *path): array
        for name, value in state.items()
        for path, array in state_arrays(value).items()
    }
