"""Every transform that takes a function, as data: how it lifts a body, and what it permits.

A body is `body(*objects, x) -> y`: it may edit the objects, and `y` has the shape and dtype of the
float array `x`. What a lifted body means in plain Python is its `Form`, played by `twins`.
"""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh, PartitionSpec

from conformance.harness import spelling

Body = Callable[..., Any]
STEPS = 3  # iterations of a loop
ELEMENTS = 2  # elements of a vmap, layers of a scan
RULE = 3.0  # what our custom_vjp says of every derivative, so that its rule is seen to be run
AXIS = "data"  # the mesh axis of shard_map


class Form(Enum):
    """What a transform does with a body, in plain Python."""

    ONCE = auto()  # runs it once on the objects as they are
    MAPPED = auto()  # once per element of a stack, each with its own input
    SHARDED = auto()  # once per block of the leading axis; random state is whole in each
    THREADED = auto()  # once per element of a stack, each output the next input
    REPEATED = auto()  # `steps` times on the same objects, each output the next input
    STEPPED = auto()  # once per input, in order, on the same objects
    DIFFERENTIATED = auto()  # once, and the gradients of the summed output with it


STACKED = (Form.MAPPED, Form.SHARDED, Form.THREADED)  # the forms that take a stack apart


class Edit(Enum):
    """What a body changes in its objects."""

    VALUE = auto()  # values of Variables only
    STATIC = auto()  # static attributes
    REWIRE = auto()  # references among the objects that are there
    RESIZE = auto()  # which Variables there are: adding, deleting
    RAW = auto()  # attributes that hold raw arrays, which no release promises to take


class Answer(Enum):
    """What a transform owes a body that makes an edit."""

    DONE = auto()  # outside it is as plain Python leaves it
    DONE_OR_REFUSED = auto()  # that, or an error and the objects as they were
    REFUSED = auto()  # an error, and the objects as they were


@dataclass(frozen=True)
class Setting:
    """Where a body is lifted: its number of objects, what it edits, the backend's devices.

    `random` says of each object whether it holds random state.
    """

    objects: int
    edit: Edit
    devices: tuple[jax.Device, ...]
    steps: int = STEPS
    random: tuple[bool, ...] = ()

    @property
    def mapped_devices(self) -> tuple[jax.Device, ...]:
        """The devices that pmap and shard_map run on: as many as a stack has elements, if here."""
        return self.devices[:ELEMENTS]

    @property
    def mesh(self) -> Mesh:
        """A mesh of those devices along AXIS."""
        return Mesh(np.array(self.mapped_devices), (AXIS,))


@dataclass(frozen=True)
class Transform:
    """One transform: the release that brought it, its form, how it lifts a body, what it owes."""

    name: str
    since: str
    form: Form
    lift: Callable[[Body, Setting], Callable[..., Any]]
    answers: Mapping[Edit, Answer]
    read: Callable[[Any], Any] = lambda outputs: outputs
    steps: int = STEPS  # of a loop
    nest: tuple["Transform", ...] = ()  # what a composite is made of, outermost first

    @property
    def layers(self) -> tuple["Transform", ...]:
        """The transforms that lift a body one in the other, outermost first."""
        return self.nest or (self,)

    def sizes(self, devices: tuple[jax.Device, ...]) -> tuple[int, ...]:
        """For each layer, how many elements or blocks it takes a stack apart into."""
        return tuple(
            1
            if layer.form not in STACKED
            else min(ELEMENTS, len(devices))
            if layer.name in ON_DEVICES
            else ELEMENTS
            for layer in self.layers
        )

    def elements(self, devices: tuple[jax.Device, ...]) -> int:
        """How many elements or blocks a stack has under this transform."""
        return math.prod(self.sizes(devices))


ON_DEVICES = ("pmap", "shard_map")

_ALL_EDITS = dict.fromkeys(Edit, Answer.DONE) | {Edit.RAW: Answer.DONE_OR_REFUSED}
# JAX fixes the structure of what a loop carries; an edit that adds or takes no array may pass.
_LOOP_EDITS = {
    Edit.VALUE: Answer.DONE,
    Edit.STATIC: Answer.DONE_OR_REFUSED,
    Edit.REWIRE: Answer.DONE_OR_REFUSED,
    Edit.RESIZE: Answer.REFUSED,
    Edit.RAW: Answer.DONE_OR_REFUSED,
}
_VALUE_ONLY = dict.fromkeys(Edit, Answer.REFUSED) | {Edit.VALUE: Answer.DONE}


def _vmap(body: Body, setting: Setting) -> Callable[..., Any]:
    return nnx.vmap(body, in_axes=0, out_axes=0)


def _pmap(body: Body, setting: Setting) -> Callable[..., Any]:
    return nnx.pmap(body, in_axes=0, out_axes=0, devices=setting.mapped_devices)


def _shard_map(body: Body, setting: Setting) -> Callable[..., Any]:
    spec = PartitionSpec(AXIS)
    # A block of a key is no key that can be drawn from: every block has the whole one.
    by_filter: dict[Any, PartitionSpec] = {nnx.RngState: PartitionSpec(), ...: spec}
    holding_keys = nnx.StateSharding(by_filter)
    specs = (*(holding_keys if random else spec for random in setting.random), spec)
    # Under jit, as it is used: on its own JAX compiles a program for every array that goes in or
    # out of it, which took ten times as long as any other transform here.
    return nnx.jit(nnx.shard_map(body, mesh=setting.mesh, in_specs=specs, out_specs=spec))


def _scan(body: Body, setting: Setting) -> Callable[..., Any]:
    in_axes = (0,) * setting.objects + (nnx.Carry,)
    return nnx.scan(body, in_axes=in_axes, out_axes=nnx.Carry)


def _jit(body: Body, setting: Setting) -> Callable[..., Any]:
    return nnx.jit(body)


def _remat(body: Body, setting: Setting) -> Callable[..., Any]:
    return nnx.remat(body)


def _loss(body: Body) -> Body:
    @functools.wraps(body)
    def loss(*arguments: Any) -> Any:
        return body(*arguments).sum()

    return loss


def _grad(body: Body, setting: Setting) -> Callable[..., Any]:
    return nnx.grad(_loss(body))


def _value_and_grad(body: Body, setting: Setting) -> Callable[..., Any]:
    return nnx.value_and_grad(_loss(body))


def with_rule(body: Body, setting: Setting) -> Callable[..., Any]:
    """`body` as a custom_vjp, with a rule that no derivative agrees with."""
    custom = nnx.custom_vjp(body)
    still: list[Any] = []

    def forward(*arguments: Any) -> tuple[Any, None]:
        still[:] = _zero_states(arguments[:-1])
        return body(*arguments), None

    def backward(_: None, cotangents: tuple[Any, Any]) -> tuple[Any, ...]:
        return (*still, RULE * cotangents[1])

    custom.defvjp(forward, backward)
    return custom


def _custom_vjp(body: Body, setting: Setting) -> Callable[..., Any]:
    custom = with_rule(body, setting)
    differentiated = nnx.value_and_grad(
        lambda *arguments: custom(*arguments).sum(), argnums=setting.objects
    )
    return lambda *arguments: differentiated(*arguments)


def _vjp(body: Body, setting: Setting) -> Callable[..., Any]:
    def apply(*arguments: Any) -> Any:
        y, pull_back = nnx.vjp(body, *arguments, **_options(setting))  # type: ignore[call-overload]
        return {"y": y, "cotangent of x": pull_back(jnp.ones_like(y))[-1]}

    return apply


def _jvp(body: Body, setting: Setting) -> Callable[..., Any]:
    def apply(*arguments: Any) -> Any:
        *objects, x = arguments
        graph, state = nnx.split(tuple(objects))  # the tangents share what the objects share
        still = nnx.merge(graph, jax.tree.map(_zero_tangent, state))
        y, tangent = nnx.jvp(body, arguments, (*still, jnp.ones_like(x)), **_options(setting))
        return {"y": y, "tangent": tangent}

    return apply


def _options(setting: Setting) -> Mapping[str, bool]:
    return spelling.KEEPS_STRUCTURE if setting.edit is Edit.VALUE else {}


def _zero_states(objects: tuple[Any, ...]) -> tuple[Any, ...]:
    """Zeros for a pytree of objects: what these share is in the state of the first of them."""
    states = jax.tree.map(_zero_tangent, nnx.state(objects))

    def state_at(path: tuple[Any, ...], _: Any) -> Any:
        found = states
        for key in map(_key, path):
            if key not in found:
                return nnx.State({})
            found = found[key]
        return found

    zeros: tuple[Any, ...] = jax.tree_util.tree_map_with_path(state_at, objects, is_leaf=_is_node)
    return zeros


def _key(entry: Any) -> Any:
    return entry.idx if isinstance(entry, jax.tree_util.SequenceKey) else entry.key


def _is_node(node: Any) -> bool:
    return spelling.is_object(node) or isinstance(node, nnx.Variable)


def _zero_tangent(array: jax.Array) -> Any:
    if jnp.issubdtype(array.dtype, jnp.inexact):
        return jnp.zeros_like(array)
    return np.zeros(array.shape, jax.dtypes.float0)


def _other_branch(body: Body) -> Body:
    """A branch that makes the same edits and gives another output: its input, as it came."""

    def other(*arguments: Any) -> Any:
        body(*arguments)
        return arguments[-1]

    return other


def _cond(body: Body, setting: Setting) -> Callable[..., Any]:
    def apply(*arguments: Any) -> Any:
        return nnx.cond(arguments[-1].sum() > 0, body, _other_branch(body), *arguments)

    return apply


def _switch(body: Body, setting: Setting) -> Callable[..., Any]:
    def apply(*arguments: Any) -> Any:
        index = (arguments[-1].sum() > 0).astype(int)
        return nnx.switch(index, (_other_branch(body), body), *arguments)

    return apply


def _while_loop(body: Body, setting: Setting) -> Callable[..., Any]:
    def step(value: tuple[Any, ...]) -> tuple[Any, ...]:
        *objects, x, steps = value
        return (*objects, body(*objects, x), steps + 1)

    def apply(*arguments: Any) -> Any:
        start = (*arguments, jnp.array(0))
        return nnx.while_loop(lambda value: value[-1] < setting.steps, step, start)[-2]

    return apply


def _fori_loop(body: Body, setting: Setting) -> Callable[..., Any]:
    def step(_: Any, value: tuple[Any, ...]) -> tuple[Any, ...]:
        *objects, x = value
        return (*objects, body(*objects, x))

    return lambda *arguments: nnx.fori_loop(0, setting.steps, step, arguments)[-1]


def _checkify(body: Body, setting: Setting) -> Callable[..., Any]:
    return nnx.checkify(body)


def _checked(outputs: tuple[Any, Any]) -> Any:
    error, y = outputs
    error.throw()
    return y


def _gradients(outputs: Any) -> dict[str, Any]:
    return {"gradients": spelling.state_arrays(outputs)}


def _value_and_gradients(outputs: tuple[Any, Any]) -> dict[str, Any]:
    value, gradients = outputs
    return {"value": value} | _gradients(gradients)


def _value_and_rule(outputs: tuple[Any, Any]) -> dict[str, Any]:
    value, gradient = outputs
    return {"value": value, "cotangent of x": gradient}


TRANSFORMS: Mapping[str, Transform] = {
    transform.name: transform
    for transform in (
        Transform("vmap", "0.10.0", Form.MAPPED, _vmap, _ALL_EDITS),
        Transform("scan", "0.10.0", Form.THREADED, _scan, _ALL_EDITS),
        Transform("jit", "0.10.0", Form.ONCE, _jit, _ALL_EDITS),
        Transform("remat", "0.10.0", Form.ONCE, _remat, _ALL_EDITS),
        Transform("grad", "0.10.0", Form.DIFFERENTIATED, _grad, _ALL_EDITS, _gradients),
        Transform(
            "value_and_grad",
            "0.10.0",
            Form.DIFFERENTIATED,
            _value_and_grad,
            _ALL_EDITS,
            _value_and_gradients,
        ),
        Transform(
            "custom_vjp", "0.10.0", Form.DIFFERENTIATED, _custom_vjp, _ALL_EDITS, _value_and_rule
        ),
        Transform("vjp", "0.12.5", Form.DIFFERENTIATED, _vjp, _VALUE_ONLY),
        Transform("jvp", "0.12.5", Form.DIFFERENTIATED, _jvp, _VALUE_ONLY),
        Transform("cond", "0.10.0", Form.ONCE, _cond, _ALL_EDITS),
        Transform("switch", "0.10.1", Form.ONCE, _switch, _ALL_EDITS),
        Transform("while_loop", "0.10.1", Form.REPEATED, _while_loop, _LOOP_EDITS),
        Transform("fori_loop", "0.10.2", Form.REPEATED, _fori_loop, _LOOP_EDITS),
        Transform("pmap", "0.10.0", Form.MAPPED, _pmap, _ALL_EDITS),
        Transform("shard_map", "0.10.4", Form.SHARDED, _shard_map, _ALL_EDITS),
        Transform("checkify", "0.10.2", Form.ONCE, _checkify, _ALL_EDITS, _checked),
    )
}

ALL = tuple(TRANSFORMS)
