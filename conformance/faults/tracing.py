"""When jit traces, and what eval_shape says."""

from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import jax
import numpy as np
from flax import nnx

from conformance.faults.fault import Call, Fault
from conformance.faults.graphs import attributes, copy, is_node, is_plain, put
from conformance.harness.descriptions import describe, nodes

CACHE = ("jit_cache/*",)


def structure(call: Call) -> tuple[tuple[str, str], ...]:
    """The structure of the arguments: all but the values of their arrays."""
    described = describe({str(index): part for index, part in enumerate(call.arguments)})
    return tuple((path, leaf.what) for path, leaf in described.items())


def always(call: Call) -> Any:
    """Applies jit anew for every call."""
    if call.transform != "jit":
        return call.make()
    return call.applied.apply()(*call.arguments)


def forget(call: Call) -> Any:
    """Applies jit anew where the structure is not that of the call before."""
    if call.transform != "jit":
        return call.make()
    found = structure(call)
    if call.memory.get("structure") != found:
        call.memory.update(structure=found, jitted=call.applied.apply())
    return call.memory["jitted"](*call.arguments)


def per_instance(call: Call) -> Any:
    """Applies jit anew where the first argument is another object."""
    if call.transform != "jit":
        return call.make()
    first = call.arguments[0] if call.arguments else None
    if is_node(first) and call.memory.get("instance") is not first:
        call.memory.update(instance=first, jitted=call.applied.apply())
    return call.memory["jitted"](*call.arguments) if "jitted" in call.memory else call.make()


def never_again(call: Call) -> Any:
    """Gives what the first call gave, where the structure is another one now."""
    if call.transform != "jit":
        return call.make()
    found = structure(call)
    if call.memory.setdefault("structure", found) != found:
        return call.memory["outputs"]
    outputs = call.make()
    call.memory.setdefault("outputs", outputs)
    return outputs


def half_precision_shapes() -> AbstractContextManager[Any]:
    real = nnx.eval_shape

    def eval_shape(*arguments: Any, **options: Any) -> Any:
        def smaller(leaf: Any) -> Any:
            is_float = np.issubdtype(leaf.dtype, np.floating)
            return jax.ShapeDtypeStruct(leaf.shape, np.float16) if is_float else leaf

        return jax.tree.map(smaller, real(*arguments, **options), is_leaf=_is_shape)

    return mock.patch.object(nnx, "eval_shape", eval_shape)


def untied_arguments() -> AbstractContextManager[Any]:
    """Every Variable that a body of eval_shape is given by two names is two."""
    real = nnx.eval_shape

    def eval_shape(body: Any, *arguments: Any, **options: Any) -> Any:
        def on_untied(*given: Any) -> Any:
            seen: set[int] = set()
            for owner in [node for _, node in nodes(given) if is_plain(node)]:
                for name, value in attributes(owner).items():
                    if isinstance(value, nnx.Variable) and id(value) in seen:
                        put(owner, name, copy(value))
                    seen.add(id(value))
            return body(*given)

        return real(on_untied, *arguments, **options)

    return mock.patch.object(nnx, "eval_shape", eval_shape)


def _is_shape(leaf: Any) -> bool:
    return isinstance(leaf, jax.ShapeDtypeStruct)


FAULTS = (
    Fault(
        "jit-traces-always",
        "jit traces at every call.",
        CACHE,
        call=always,
    ),
    Fault(
        "jit-forgets",
        "jit knows no structure but the last.",
        CACHE,
        call=forget,
    ),
    Fault(
        "jit-per-instance",
        "jit traces anew for every object.",
        CACHE,
        call=per_instance,
    ),
    Fault(
        "jit-structure-ignored",
        "jit does not see that the structure of an argument has changed.",
        CACHE,
        call=never_again,
    ),
    Fault(
        "abstract-half-precision",
        "eval_shape says half precision of floats.",
        ("basics/abstract-*",),
        patch=half_precision_shapes,
    ),
    Fault(
        "abstract-arguments-untied",
        "eval_shape gives its body two Variables for one that its arguments share.",
        ("basics/abstract-arguments",),
        patch=untied_arguments,
    ),
)
