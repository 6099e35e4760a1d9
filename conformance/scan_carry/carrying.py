"""The loops that carry Modules, as data: another lift of scan than the one that stacks them."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from flax import nnx

from conformance.harness.cases import Case
from conformance.harness.transforms import STEPS, TRANSFORMS, Body, Form, Setting, Transform
from conformance.harness.verdicts import WrongResult

CARRYING = ("scan", "while_loop", "fori_loop")


def whole(case: Case, steps: int = STEPS) -> Case:
    """The case with a lift that carries whole objects through `steps` steps."""
    return dataclasses.replace(
        case, transform=dataclasses.replace(_LOOPS[case.transform.name], steps=steps)
    )


def substates(case: Case, steps: int = STEPS) -> Case:
    """The case with a scan that carries every sub-state of its objects, declared by StateAxes."""
    return dataclasses.replace(case, transform=dataclasses.replace(_SUBSTATES, steps=steps))


def alone(case: Case, steps: int = STEPS) -> Case:
    """The case with a scan of nothing but its carry: the objects and one array."""
    return dataclasses.replace(case, transform=dataclasses.replace(_ALONE, steps=steps))


def _scan(body: Body, setting: Setting) -> Callable[..., Any]:
    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        return carry, body(*_objects(carry), x)

    scanned = nnx.scan(step, in_axes=(nnx.Carry, 0), out_axes=(nnx.Carry, 0))

    def apply(*arguments: Any) -> Any:
        *objects, xs = arguments
        carry, ys = scanned(objects[0] if len(objects) == 1 else tuple(objects), xs)
        _require_same(_objects(carry), objects)
        return ys

    return apply


def _objects(carry: Any) -> tuple[Any, ...]:
    return carry if isinstance(carry, tuple) else (carry,)


def _scan_substates(body: Body, setting: Setting) -> Callable[..., Any]:
    carried = (nnx.StateAxes({...: nnx.Carry}),) * setting.objects
    return nnx.scan(body, in_axes=(*carried, 0), out_axes=0)


def _scan_alone(body: Body, setting: Setting) -> Callable[..., Any]:
    def step(carry: tuple[Any, ...]) -> tuple[Any, ...]:
        *objects, x = carry
        return (*objects, body(*objects, x))

    scanned = nnx.scan(step, in_axes=nnx.Carry, out_axes=nnx.Carry, length=setting.steps)

    def apply(*arguments: Any) -> Any:
        *carry, y = scanned(arguments)
        _require_same(carry, arguments[:-1])
        return y

    return apply


def _while_loop(body: Body, setting: Setting) -> Callable[..., Any]:
    def step(value: tuple[Any, ...]) -> tuple[Any, ...]:
        *objects, x, steps = value
        return (*objects, body(*objects, x), steps + 1)

    def apply(*arguments: Any) -> Any:
        start = (*arguments, jnp.array(0))
        *carry, y, _ = nnx.while_loop(lambda value: value[-1] < setting.steps, step, start)
        _require_same(carry, arguments[:-1])
        return y

    return apply


def _fori_loop(body: Body, setting: Setting) -> Callable[..., Any]:
    def step(_: Any, value: tuple[Any, ...]) -> tuple[Any, ...]:
        *objects, x = value
        return (*objects, body(*objects, x))

    def apply(*arguments: Any) -> Any:
        *carry, y = nnx.fori_loop(0, setting.steps, step, arguments)
        _require_same(carry, arguments[:-1])
        return y

    return apply


def _require_same(carry: Sequence[Any], given: Sequence[Any]) -> None:
    for index, (returned, object_) in enumerate(zip(carry, given, strict=True)):
        if returned is not object_:
            raise WrongResult(f"the carry's object{index} came back as another object")


_ANSWERS = TRANSFORMS["while_loop"].answers
_LOOPS = {
    name: Transform(name, TRANSFORMS[name].since, form, lift, _ANSWERS)
    for name, form, lift in (
        ("scan", Form.STEPPED, _scan),
        ("while_loop", Form.REPEATED, _while_loop),
        ("fori_loop", Form.REPEATED, _fori_loop),
    )
}
_SUBSTATES = dataclasses.replace(_LOOPS["scan"], lift=_scan_substates)
_ALONE = dataclasses.replace(_LOOPS["scan"], form=Form.REPEATED, lift=_scan_alone)
