"""Puts a fault between callers and the public transforms of NNX.

The transforms are replaced by functions that ask for the active fault at every call. Where none is
active they give what Flax's own give, untouched.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flax import nnx

from conformance.faults.fault import Application, Call, Fault, Function
from conformance.harness.transforms import ALL

_active: Fault | None = None


def _now() -> Fault | None:
    return _active


@contextmanager
def active(fault: Fault) -> Iterator[None]:
    """Breaks NNX by `fault` until the context is left."""
    global _active
    _stand_between()
    with fault.patch():
        before, _active = _active, fault
        try:
            yield
        finally:
            _active = before


def _stand_between() -> None:
    for name in ALL:
        if found := getattr(nnx, name, None):
            setattr(nnx, name, _between(name, getattr(found, "stands_for", found)))


def _between(name: str, real: Function) -> Function:
    takes = _OPERANDS.get(name, _decorates)

    @functools.wraps(real)
    def transform(*given: Any, **options: Any) -> Any:
        if _active is None:
            return real(*given, **options)
        return takes(name, real, given, options)

    transform.stands_for = real  # type: ignore[attr-defined]
    return transform


def _decorates(name: str, real: Function, given: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A transform that makes a function of one, at once or as a decorator that has options."""
    if not given:
        return lambda function: _decorates(name, real, (function,), options)
    return _lift(Application(name, given, options, real))


def _lift(application: Application) -> Any:
    fault = _now()
    applied = fault.apply(application) if fault else application.apply()
    memory: dict[str, Any] = {}

    @functools.wraps(applied)
    def lifted(*arguments: Any, **keywords: Any) -> Any:
        def make() -> Any:
            return applied(*arguments, **keywords)

        fault = _now()
        if fault is None:
            return make()
        return fault.call(Call(application, (*arguments, *keywords.values()), make, memory))

    if hasattr(applied, "defvjp"):  # of a custom_vjp, which is an object
        lifted.defvjp = applied.defvjp  # type: ignore[attr-defined]
    return lifted


Take = Callable[[str, Function, tuple[Any, ...], dict[str, Any]], Any]


def _with_operands(first: int, number: int = 1, *, in_one: bool = False) -> Take:
    """A transform that takes functions and their arguments in one call.

    Before the `number` functions stand `first` others; where they are `in_one` sequence, that is
    what counts.
    """

    def take(name: str, real: Function, given: tuple[Any, ...], options: dict[str, Any]) -> Any:
        head, functions = given[:first], given[first : first + number]
        arguments = given[first + number :]

        def apply(*functions: Function, **options: Any) -> Function:
            taken = (functions,) if in_one else functions
            return lambda *arguments: real(*head, *taken, *arguments, **options)

        parts = tuple(functions[0]) if in_one else functions
        return _lift(Application(name, parts, options, apply))(*arguments)

    return take


_OPERANDS = {
    "cond": _with_operands(1, 2),
    "switch": _with_operands(1, in_one=True),
    "while_loop": _with_operands(1),
    "fori_loop": _with_operands(2),
    "vjp": _with_operands(0),
    "jvp": _with_operands(0),
}
