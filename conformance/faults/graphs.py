"""What faults do to object graphs: remember them, put parts of them back, copy and change them."""

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import nodes

ABSENT = object()


def is_node(value: Any) -> bool:
    """Whether `value` is an NNX object or a Variable."""
    return isinstance(value, nnx.Variable) or spelling.is_object(value)


def is_plain(node: Any) -> bool:
    """Whether `node` is an NNX object whose attributes are its own affair, as a list's are not."""
    return spelling.is_object(node) and not spelling.is_node_list(node)


def attributes(node: Any) -> dict[str, Any]:
    """The attributes of an NNX object."""
    return dict(spelling.attributes(node))


class Before:
    """What the objects among some arguments are, to be asked later."""

    def __init__(self, arguments: Any) -> None:
        self.nodes = [node for _, node in nodes(arguments)]
        self.objects = [node for node in self.nodes if is_plain(node)]
        self.variables = [node for node in self.nodes if isinstance(node, nnx.Variable)]
        self._attributes = {id(node): attributes(node) for node in self.objects}
        self._values = {id(variable): spelling.read(variable) for variable in self.variables}
        self._known = set(map(id, self.nodes))

    def knows(self, node: Any) -> bool:
        """Whether a node was there."""
        return id(node) in self._known

    def value(self, variable: Any) -> Any:
        """The value that a Variable had."""
        return self._values[id(variable)]

    def updated(self) -> Iterator[tuple[Any, Any, Any]]:
        """The Variables that have another value now: each, the old value and the new one."""
        for variable in self.variables:
            old, new = self.value(variable), spelling.read(variable)
            if old is not new:
                yield variable, old, new

    def changes(self) -> Iterator[tuple[Any, str, Any, Any]]:
        """The attributes that are others now: the object, the name, what was and what is there.

        ABSENT stands where there was nothing, or is nothing.
        """
        for node in self.objects:
            old, new = self._attributes[id(node)], attributes(node)
            for name in (*old, *(name for name in new if name not in old)):
                one, other = old.get(name, ABSENT), new.get(name, ABSENT)
                if one is not other and not _same_static(one, other):
                    yield node, name, one, other


def _same_static(one: Any, other: Any) -> bool:
    if is_node(one) or is_node(other) or ABSENT in (one, other):
        return False
    return type(one) is type(other) and not isinstance(one, jax.Array) and bool(one == other)


def put(node: Any, name: str, value: Any) -> None:
    """Gives an object an attribute, or takes it away where `value` is ABSENT."""
    if value is ABSENT:
        delattr(node, name)
    else:
        setattr(node, name, value)


def copy(node: Any) -> Any:
    """Another node that is equal to `node`."""
    return node.copy() if isinstance(node, nnx.Variable) else nnx.clone(node)


def is_float(value: Any) -> bool:
    """Whether `value` is an array of floats."""
    return isinstance(value, jax.Array) and bool(jnp.issubdtype(value.dtype, jnp.floating))


def is_number(value: Any) -> bool:
    """Whether `value` is an array of numbers, not of keys."""
    return isinstance(value, jax.Array) and bool(jnp.issubdtype(value.dtype, np.number))


def map_outputs(
    outputs: Any, of_array: Callable[[Any], Any], of_node: Callable[[Any], Any] = lambda node: node
) -> Any:
    """The outputs of a call, their arrays changed by `of_array`, and their nodes by `of_node`.

    A function among them, such as that of a vjp, gives outputs that are changed alike.
    """

    def visit(value: Any) -> Any:
        if is_node(value):
            return of_node(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(visit, value))
        if isinstance(value, list | tuple):
            return type(value)(map(visit, value))
        if isinstance(value, nnx.State):
            return jax.tree.map(of_array, value)
        if isinstance(value, dict):
            return {key: visit(part) for key, part in value.items()}
        if isinstance(value, jax.Array):
            return of_array(value)
        if callable(value):
            return lambda *arguments: visit(value(*arguments))
        return value

    return visit(outputs)


def metadata(variable: Any) -> MutableMapping[str, Any]:
    """The metadata of a Variable, to be edited: in old releases they are among its attributes."""
    try:
        found: MutableMapping[str, Any] = object.__getattribute__(variable, "_var_metadata")
    except AttributeError:
        return vars(variable)
    return found
