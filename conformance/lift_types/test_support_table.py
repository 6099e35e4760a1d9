"""Which transform takes which lift type."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import NamedSharding, PartitionSpec

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL, AXIS, Body, Edit, Form, Setting
from conformance.harness.twins import WIDTH, Scene
from conformance.models import Layer

GUIDE = "Transforming sub-states (lift types)"
SUPPORT = {
    "StateAxes": ("vmap", "pmap", "scan"),
    "StateSharding": ("jit", "shard_map"),
    "DiffState": ("grad", "value_and_grad", "custom_vjp"),
}
# How a user would spell a lift type for a transform that has no option for any.
KEYWORDS = {"StateAxes": "in_axes", "StateSharding": "in_shardings", "DiffState": "argnums"}


def made(kind: str, transform: str, setting: Setting) -> Any:
    """A lift type that says of all sub-states what the transform does to arrays anyway."""
    if kind == "StateAxes":
        return nnx.StateAxes({...: 0})
    if kind == "DiffState":
        return nnx.DiffState(0, nnx.Param)
    if transform == "shard_map":
        return nnx.StateSharding({...: PartitionSpec(AXIS)})
    return nnx.StateSharding({...: NamedSharding(setting.mesh, PartitionSpec())})


def by_rule(custom: Any) -> Body:
    # The rule is never run: the function is called, not differentiated.
    custom.defvjp(lambda *arguments: (custom.fun(*arguments), None), lambda *_: ())
    return lambda *arguments: custom(*arguments)


def summed(body: Body) -> Body:
    return lambda *arguments: body(*arguments).sum()


# The transforms with an option for lift types: a body lifted with one for its first argument.
Lift = Callable[[Body, Any, Setting], Body]
LIFTS: dict[str, Lift] = {
    "vmap": lambda body, given, _: nnx.vmap(body, in_axes=(given, 0)),
    "pmap": lambda body, given, setting: nnx.pmap(
        body, in_axes=(given, 0), devices=setting.mapped_devices
    ),
    "scan": lambda body, given, _: nnx.scan(body, in_axes=(given, nnx.Carry), out_axes=nnx.Carry),
    "jit": lambda body, given, setting: nnx.jit(
        body, in_shardings=(given, NamedSharding(setting.mesh, PartitionSpec()))
    ),
    "shard_map": lambda body, given, setting: nnx.shard_map(
        body,
        mesh=setting.mesh,
        in_specs=(given, PartitionSpec(AXIS)),
        out_specs=PartitionSpec(AXIS),
    ),
    "grad": lambda body, given, _: nnx.grad(summed(body), argnums=given),
    "value_and_grad": lambda body, given, _: nnx.value_and_grad(summed(body), argnums=given),
    "custom_vjp": lambda body, given, _: by_rule(nnx.custom_vjp(body, nondiff_argnums=(given,))),
}

# The others: a call of them on arguments, with options.
CALLS: dict[str, Callable[..., Any]] = {
    "remat": lambda body, arguments, options: nnx.remat(body, **options)(*arguments),
    "checkify": lambda body, arguments, options: nnx.checkify(body, **options)(*arguments),
    "vjp": lambda body, arguments, options: nnx.vjp(
        body, *arguments, **options, **spelling.KEEPS_STRUCTURE
    ),
    "jvp": lambda body, arguments, options: nnx.jvp(
        body, arguments, arguments, **options, **spelling.KEEPS_STRUCTURE
    ),
    "cond": lambda body, arguments, options: nnx.cond(
        jnp.asarray(True), body, body, *arguments, **options
    ),
    "switch": lambda body, arguments, options: nnx.switch(
        jnp.asarray(1), (body, body), *arguments, **options
    ),
    "while_loop": lambda body, arguments, options: nnx.while_loop(
        lambda value: value[-1].sum() < 10, lambda value: stepped(body, value), arguments, **options
    ),
    "fori_loop": lambda body, arguments, options: nnx.fori_loop(
        0, 2, lambda _, value: stepped(body, value), arguments, **options
    ),
}


def stepped(body: Body, value: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*value[:-1], body(*value))


class Affine(nnx.Module):
    """A layer of floats only, which may stand for its own tangent."""

    def __init__(self) -> None:
        self.kernel = nnx.Param(jnp.asarray(np.ones(WIDTH, np.float32)))


def use(layer: Layer, x: jax.Array) -> jax.Array:
    return layer(x)


def double(layer: Affine, *rest: Any) -> jax.Array:
    """Doubles the kernel of a layer, and the input."""
    spelling.write(layer.kernel, spelling.read(layer.kernel) * 2)
    return rest[-1] * 2


@claim(
    "lift_types/support-table",
    guide=GUIDE,
    across=ALL,
    styles=("function",),
    variants=tuple(SUPPORT),
)
def test_support_table(case: Case) -> None:
    """Each lift type is taken by the transforms that the guide's table names, and no other.

    A transform without an option for lift types refuses one as the option of another transform,
    and as one of the arguments that it passes to the body.
    """
    kind, name = case.variant, case.transform.name
    if name in CALLS:
        no_option_for(case, kind)
        return

    def lift(body, setting):
        if name in SUPPORT[kind]:
            return LIFTS[name](body, made(kind, name, setting), setting)
        # Whether it is refused at decoration or at the call is all the same.
        return lambda *rest: LIFTS[name](body, made(kind, name, setting), setting)(*rest)

    transform = dataclasses.replace(case.transform, lift=lift)
    if name == "custom_vjp":  # called here, not differentiated: plain Python runs it once
        transform = dataclasses.replace(transform, form=Form.ONCE, read=lambda outputs: outputs)
    lifted = dataclasses.replace(case, transform=transform)
    if name in SUPPORT[kind]:
        lifted.holds(use, Layer)
    else:
        applied = lifted.apply(use, Layer)
        case.refuses(applied.call, applied.scene, f"{kind}|interpreted as an integer")


def no_option_for(case: Case, kind: str) -> None:
    name = case.transform.name
    given = made(kind, name, Setting(1, Edit.VALUE, case.backend.devices))
    x = jnp.asarray(np.ones(WIDTH, np.float32))

    def call(layer, *rest, **options):
        return case.call(lambda *arguments: CALLS[name](double, arguments, options), layer, *rest)

    call(Affine(), x)  # without a lift type all is well
    layer = Affine()
    scene = Scene.of([layer])
    case.refuses(lambda: call(layer, x, **{KEYWORDS[kind]: given}), scene, KEYWORDS[kind])
    if name != "vjp":  # what JAX raises for a primal that is no array is no TypeError in every JAX
        case.refuses(lambda: call(layer, given, x), scene, f"{kind}|JAX type")
