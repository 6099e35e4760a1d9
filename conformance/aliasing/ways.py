"""Two ways to transform one object that cannot both be meant, for each transform that takes any."""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import NamedSharding, PartitionSpec

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.transforms import AXIS, Edit, Setting
from conformance.harness.twins import Scene, stack_inputs

MAPPING = ("vmap", "pmap", "scan")
LAYING_OUT = ("jit", "shard_map")
DIFFERENTIATING = ("grad", "value_and_grad")
PARAM, SCALE = nnx.PathContains("param"), nnx.PathContains("scale")
Ways = tuple[Any, Any]


class Weights(nnx.Module):
    """Two square arrays, which may be mapped along either axis."""

    def __init__(self, array: jax.Array) -> None:
        self.param = nnx.Param(array)
        self.scale = nnx.Param(array)


class Holder(nnx.Module):
    """A Module that holds another."""

    def __init__(self, weights: Any) -> None:
        self.weights = weights


def square(case: Case) -> jax.Array:
    size = _mesh(case).size if case.transform.name in LAYING_OUT else case.elements
    return jnp.asarray(np.arange(size * size, dtype=np.float32).reshape(size, size))


def use(*arguments: Any) -> Any:
    """A body that has no need for its objects."""
    return arguments[-1]


def use_both(layer: Any, again: Any, x: Any) -> Any:
    return again(layer(x))


def whole(case: Case) -> Ways:
    """Two prefixes for whole objects; None is for what is not differentiated."""
    if case.transform.name in MAPPING:
        return 0, 1
    if case.transform.name in DIFFERENTIATING:
        return 0, None
    return _layout(case, PartitionSpec(AXIS)), _layout(case, PartitionSpec())


def in_part(case: Case, part: Any = PARAM) -> Ways:
    """Two lift types, which do not treat the Variables of a part, those called `param`, alike."""
    if case.transform.name in DIFFERENTIATING:
        return nnx.DiffState(0, PARAM), nnx.DiffState(1, SCALE)
    one, other = whole(case)
    kind = nnx.StateAxes if case.transform.name in MAPPING else nnx.StateSharding
    return kind({part: one, ...: one}), kind({part: other, ...: one})


def _layout(case: Case, spec: PartitionSpec) -> Any:
    if case.transform.name == "shard_map":
        return spec
    return NamedSharding(_mesh(case), spec)


def _mesh(case: Case) -> jax.sharding.Mesh:
    return Setting(0, Edit.VALUE, case.backend.devices).mesh


def lift(case: Case, body: Callable[..., Any], *given: Any, returned: tuple[Any, ...] = ()) -> Any:
    """`body(*objects, x)` with a prefix for each object; `x` goes, and comes back, as it does.

    With `returned`, the body gives an object beside `x` for each prefix in it.
    """
    name = case.transform.name
    if name in DIFFERENTIATING:
        argnums = tuple(prefix for prefix in given if prefix is not None)
        return case.decorate(lambda *arguments: body(*arguments).sum(), argnums=argnums)
    if name in MAPPING:
        inputs, outputs, options = "in_axes", "out_axes", {}
        x = nnx.Carry if name == "scan" else 0
    elif name == "jit":
        inputs, outputs, options = "in_shardings", "out_shardings", {}
        x = _layout(case, PartitionSpec())
    else:
        inputs, outputs, options = "in_specs", "out_specs", {"mesh": _mesh(case)}
        x = PartitionSpec(AXIS)
    options |= {inputs: (*given, x), outputs: (x, *returned) if returned else x}
    lifted = case.decorate(body, **options)
    return nnx.jit(lifted) if name == "shard_map" else lifted


def the_input(case: Case) -> jax.Array:
    return stack_inputs(case.transform, *case.transform.sizes(case.backend.devices))


def refuses(case: Case, lifted: Any, *arguments: Any, ways: Ways) -> None:
    """Holds that the call is a ValueError that names the Variable `param` and both its ways."""
    scene = Scene.of(arguments)
    call = lambda: case.call(lifted, *arguments, the_input(case))  # noqa: E731
    error = case.refuses(call, scene, match=_inconsistent(case, ways), stem="inconsistent aliasing")
    case.equal({"ValueError": isinstance(error, ValueError)}, {"ValueError": True})


def _inconsistent(case: Case, ways: Ways) -> str:
    message = r"(?s)inconsistent aliasing(?=.*\bparam: )"
    if case.transform.name in DIFFERENTIATING:  # has no words for them but that they differ
        return message + r"(?=.*\bparam: ([^\n]+)\n(.*\n)?\s*(?!Node)[^\n:]+: (?!\1(\n|$)))"
    return message + "".join(rf"(?=.*: {re.escape(str(way))}(\n|$))" for way in ways)


def double(variable: Any) -> None:
    spelling.write(variable, spelling.read(variable) * 2)
