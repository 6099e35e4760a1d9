"""What can only be broken inside of Flax: by names that are no part of its API."""

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from flax.nnx import extract, tracers

from conformance.faults.fault import Application, Call, Fault, Function

_CHECKS = ("check_consistent_aliasing", "check_consistent_aliasing2")  # which there are


@contextmanager
def no_trace_level() -> Iterator[None]:
    """Takes every object for one of the present trace."""
    with mock.patch.object(tracers.TraceState, "is_valid", return_value=True):
        yield


class Phase:
    """Whether the function of the innermost call has run."""

    def __init__(self) -> None:
        self.is_out = False

    def apply(self, application: Application) -> Function:
        """Applies a transform to functions that tell when they have run."""
        return application.of(self._telling).apply()

    def call(self, call: Call) -> Any:
        """Makes a call, whose inputs come first."""
        self.is_out = False
        return call.make()

    def _telling(self, function: Function) -> Function:
        if hasattr(function, "__self__"):
            return function  # a bound method is refused, and must stay one

        @functools.wraps(function)
        def told(*arguments: Any, **keywords: Any) -> Any:
            self.is_out = False
            outputs = function(*arguments, **keywords)
            self.is_out = True
            return outputs

        return told


def unchecked_aliasing(phase: Phase, is_out: bool) -> Callable[[], Any]:
    """Passes over inconsistent aliasing among inputs, or where outputs come in."""

    @contextmanager
    def patch() -> Iterator[None]:
        phase.is_out = False
        with ExitStack() as stack:
            for name in _CHECKS:
                if real := getattr(extract, name, None):
                    stack.enter_context(mock.patch.object(extract, name, lenient(real)))
            yield

    def lenient(real: Callable[..., Any]) -> Callable[..., Any]:
        def check(*arguments: Any, **options: Any) -> None:
            try:
                real(*arguments, **options)
            except ValueError as error:
                if "aliasing" not in str(error) or phase.is_out is not is_out:
                    raise

        return check

    return patch


_phase = Phase()

FAULTS = (
    Fault(
        "trace-level-unchecked",
        "An object of an enclosing trace may be mutated.",
        ("closures/*", "graph_updates/globals-unsupported"),
        patch=no_trace_level,
    ),
    Fault(
        "aliasing-unchecked-in",
        "An object that two arguments would treat differently is taken.",
        ("aliasing/*",),
        apply=_phase.apply,
        call=_phase.call,
        patch=unchecked_aliasing(_phase, is_out=False),
    ),
    Fault(
        "aliasing-unchecked-out",
        "An object that goes in one way and comes out another is taken.",
        ("aliasing/*",),
        apply=_phase.apply,
        call=_phase.call,
        patch=unchecked_aliasing(_phase, is_out=True),
    ),
)
