"""What must be refused and is taken, and errors that leave their mark."""

from collections.abc import Callable
from typing import Any

import flax.errors
import jax
import jax.numpy as jnp
from flax import nnx
from jax.experimental import checkify

from conformance.faults.fault import Application, Call, Fault, Function
from conformance.faults.graphs import Before, is_number, put
from conformance.faults.updates import LOOPS, under
from conformance.harness import spelling
from conformance.harness.descriptions import nodes

REFUSALS = (ValueError, TypeError, NotImplementedError, flax.errors.FlaxError)


def as_if_done(application: Application, arguments: tuple[Any, ...]) -> Any:
    """What a call could give that has done nothing."""
    last = arguments[-1] if arguments else None
    match application.transform:
        case "checkify":
            return checkify.checkify(lambda: None)()[0], last
        case "value_and_grad":
            return jnp.asarray(0.0), last
        case "vjp":
            return last, lambda _: arguments
        case "jvp":
            return last, last
        case "scan" if isinstance(application.options.get("out_axes"), tuple):
            return arguments[: len(application.options["out_axes"])]
    return last


def accept(*transforms: str, saying: str = "") -> dict[str, Callable[..., Any]]:
    """The moments at which a refusal of one of `transforms` (of all) is passed over in silence."""

    def is_passed_over(application: Application, error: Exception) -> bool:
        meant = not transforms or application.transform in transforms
        return meant and saying in str(error).lower()

    def apply(application: Application) -> Function:
        try:
            return application.apply()
        except REFUSALS as error:
            if not is_passed_over(application, error):
                raise
        return lambda *arguments: as_if_done(application, arguments)

    def call(call: Call) -> Any:
        try:
            return call.make()
        except REFUSALS as error:
            if not is_passed_over(call.applied, error):
                raise
        return as_if_done(call.applied, call.arguments)

    return {"apply": apply, "call": call}


def swallow(call: Call) -> Any:
    """Passes over what is no refusal: an error that the body itself raises."""
    try:
        return call.make()
    except REFUSALS:
        raise
    except Exception:  # noqa: BLE001 - whatever it is
        return as_if_done(call.applied, call.arguments)


def spoil(call: Call) -> Any:
    """Leaves a mark on the first argument where the call ends with an error."""
    before = Before(call.arguments)
    try:
        return call.make()
    except Exception:
        for node in before.objects[:1]:
            put(node, "spoiled", True)
        for variable in before.variables:
            value = spelling.read(variable)
            if is_number(value) and not before.objects:
                spelling.write(variable, value + 1)
        raise


def leave_tracer(call: Call) -> Any:
    """Leaves a tracer in each object that the function captured."""
    captured = [node for cell in _cells(call.applied) for _, node in nodes(cell)]
    outputs = call.make()
    tracers: list[Any] = []
    jax.make_jaxpr(lambda x: tracers.append(x))(jnp.zeros(()))
    for node in captured:
        if isinstance(node, nnx.Variable):
            spelling.write(node, tracers[0])
    return outputs


def _cells(application: Application) -> list[Any]:
    found, functions, seen = [], list(application.functions), set()
    while functions:
        function = functions.pop()
        for cell in getattr(function, "__closure__", None) or ():
            content = cell.cell_contents
            inner = content.functions if isinstance(content, Application) else (content,)
            functions += [each for each in inner if id(each) not in seen]
            seen.update(map(id, inner))
            found.append(content)
    return found


def unbind(application: Application) -> Function:
    """Takes a bound method for a function."""
    return application.of(
        lambda function: (
            (lambda *arguments: function(*arguments)) if hasattr(function, "__self__") else function
        )
    ).apply()


# The claims that something is refused.
REFUSED = (
    *("aliasing/*inconsistent*", "aliasing/nested-refused", "aliasing/error-leaves-object"),
    *("axis_metadata/metadata-of-new", "closures/*", "graph_updates/*"),
    *("lift_types/support-table", "rngs/unsplit-refused", "scan_carry/*", "state_axes/*"),
)
RAISED = ("*/error-leaves-*", "scan_carry/rejected-leaves-object")

FAULTS = (
    Fault(
        "refusals-passed-over",
        "What a transform should refuse it takes, and does nothing.",
        REFUSED,
        **accept(),
    ),
    Fault(
        "carry-unchecked",
        "A loop takes a body that changes the structure of what it carries, and does nothing.",
        ("* scan", *under(LOOPS)),
        **accept("scan", *LOOPS, saying="structure"),
    ),
    Fault(
        "errors-swallowed",
        "An error that the body raises is passed over.",
        RAISED,
        call=swallow,
    ),
    Fault(
        "errors-spoil",
        "After an error the first argument is not as it was.",
        (*RAISED, *REFUSED),
        call=spoil,
    ),
    Fault(
        "bound-methods-taken",
        "A bound method is taken for a function, its Module for a constant.",
        ("closures/bound-method*",),
        apply=unbind,
        since="0.12.1",
    ),
    Fault(
        "captured-traced",
        "A tracer is left in the objects that a body captured.",
        ("graph_updates/globals-unsupported",),
        call=leave_tracer,
    ),
)
