"""One meaning, many spellings: the only place that knows how releases differ in spelling.

Nothing here adapts behaviour. What a release does is for the claims to find out.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh

from conformance.harness.subject import at_least

try:
    from jax import shard_map as _shard_map
except ImportError:  # JAX before 0.6.1
    from jax.experimental.shard_map import shard_map as _shard_map  # type: ignore[no-redef]

_WRITES_BY_METHOD = at_least("0.12.1")
_LIST_IS_A_NODE = at_least("0.12.0")
_OPTIMIZER_TAKES_MODEL = at_least("0.11.0")
_OBJECT: type = nnx.Pytree if at_least("0.11.1") else nnx.Object
_STATE_LEAF: type = nnx.Variable if at_least("0.11.0") else nnx.VariableState
_NAMES_NEED_A_MESH = at_least("0.12.0")

# The keyword for a Variable's axis names that transforms keep in step: the guide's `out_sharding`.
# Any other keyword is taken for metadata that means nothing to them, without a word.
AXIS_NAMES = (
    "out_sharding" if at_least("0.12.4") else "sharding_names" if at_least("0.11.2") else "sharding"
)
# Metadata of a Variable that is not to be laid out on the mesh by its axis names, nor needs one.
UNPLACED: Mapping[str, bool] = {"eager_sharding": False}

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


def is_internal(owner: Any, attribute: Any) -> bool:
    """Whether an attribute is what a class of Flax's own keeps for itself, beside Variables.

    A layer keeps its settings, and in some releases the stream that it draws from; a stream its
    name.
    """
    if not is_object(owner) or is_node_list(owner) or isinstance(attribute, nnx.Variable):
        return False
    module = type(owner).__module__
    is_layer = module.startswith("flax.nnx.nn.")
    return is_layer or (module.startswith("flax.") and not is_object(attribute))


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


def axis_names(variable: Any) -> Any:
    """The axis names that a Variable (or a leaf of a State) has, as its attribute says them."""
    if AXIS_NAMES not in variable.get_metadata():
        return None
    return getattr(variable, AXIS_NAMES)


@contextmanager
def mesh(device: jax.Device, names: tuple[str, ...]) -> Iterator[Mesh]:
    """A mesh of just `device`, in which Variables may be made whose axes have these names."""
    made = Mesh(np.array([device]).reshape([1] * len(names)), names)
    with jax.set_mesh(made) if _NAMES_NEED_A_MESH else made:
        yield made


def state_leaves(state: Any) -> dict[tuple[Any, ...], Any]:
    """The leaves of a State (or of nested mappings), with their metadata, by path."""
    if not isinstance(state, Mapping | nnx.State):
        return {(): state}
    return {
        (name, *path): leaf
        for name, value in state.items()
        for path, leaf in state_leaves(value).items()
    }


def jax_shard_map(function: Any, **options: Any) -> Any:
    """JAX's own shard_map, which was experimental once."""
    return _shard_map(function, **options)


def state_arrays(state: Any) -> dict[tuple[Any, ...], jax.Array]:
    """The arrays of a State (or of a pytree of them), by path."""
    if isinstance(state, _STATE_LEAF):
        return {(): read(state)}
    if isinstance(state, list | tuple):
        state = dict(enumerate(state))
    if not isinstance(state, Mapping | nnx.State):
        return {(): state}
    return {
        (name, *path): array
        for name, value in state.items()
        for path, array in state_arrays(value).items()
    }


def apply_gradients(optimizer: Any, model: Any, gradients: Any) -> None:
    """One step of an `optimizer` of `model`; up to 0.10.7 it held the model itself."""
    if _OPTIMIZER_TAKES_MODEL:
        optimizer.update(model, gradients)
    else:
        optimizer.update(gradients)
