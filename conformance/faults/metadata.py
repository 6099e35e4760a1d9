"""Metadata that is lost, and axis names that are not kept in step."""

import functools
from typing import Any

from flax import nnx

from conformance.faults.fault import Application, Call, Fault, Function
from conformance.faults.graphs import Before, metadata
from conformance.harness import spelling
from conformance.harness.descriptions import variables

NAMES = "axis_metadata/*"


def ignore_request(application: Application) -> Function:
    """Applies a transform without the metadata that it is to keep in step."""
    return application.without("transform_metadata").apply()


def mapped_name(call: Call) -> Any:
    """The name of the axis that a call maps, if it has one."""
    return call.applied.options.get("transform_metadata", {}).get(nnx.PARTITION_NAME)


def _variables(call: Call, outputs: Any) -> list[Any]:
    found = {id(variable): variable for variable in Before(call.arguments).variables}
    for variable in variables(outputs).values():
        found[id(variable)] = variable
    return list(found.values())


def forget_names(call: Call) -> Any:
    """Leaves Variables with the names that they have inside."""
    outputs = call.make()
    name = mapped_name(call)
    for variable in _variables(call, outputs):
        names = spelling.axis_names(variable)
        if name and names and name in names:
            metadata(variable)[spelling.AXIS_NAMES] = tuple(n for n in names if n != name)
    return outputs


def turn_names(call: Call) -> Any:
    """Leaves the names in reverse."""
    outputs = call.make()
    name = mapped_name(call)
    for variable in _variables(call, outputs):
        names = spelling.axis_names(variable)
        if name and names:
            metadata(variable)[spelling.AXIS_NAMES] = names[::-1]
    return outputs


def name_without_request(call: Call) -> Any:
    """Names an axis that was given no name."""
    outputs = call.make()
    for variable in _variables(call, outputs):
        if "transform_metadata" in call.applied.options and not spelling.axis_names(variable):
            metadata(variable)[spelling.AXIS_NAMES] = (mapped_name(call),)
    return outputs


def lose_outside(call: Call) -> Any:
    """Takes what a user keeps on Variables away."""
    outputs = call.make()
    for variable in _variables(call, outputs):
        _clear(variable)
    return outputs


def lose_inside(application: Application) -> Function:
    """Shows a function Variables without what their user keeps on them."""

    def forgetful(function: Function) -> Function:
        if hasattr(function, "__self__"):
            return function

        @functools.wraps(function)
        def shown(*arguments: Any, **keywords: Any) -> Any:
            for variable in Before(arguments).variables:
                _clear(variable)
            return function(*arguments, **keywords)

        return shown

    return application.of(forgetful).apply()


def _clear(variable: Any) -> None:
    if isinstance(variable, nnx.RngState):
        return  # what is kept on that is Flax's own
    kept = metadata(variable)
    for name in spelling.metadata(variable):
        kept.pop(spelling.AXIS_NAMES if name == "axis_names" else name, None)


FAULTS = (
    Fault(
        "names-ignored",
        "No transform keeps axis names in step, though it is asked to.",
        (NAMES,),
        apply=ignore_request,
    ),
    Fault(
        "names-not-restored",
        "The name of the mapped axis does not come back outside.",
        (NAMES,),
        call=forget_names,
    ),
    Fault(
        "names-misplaced",
        "The names of axes come out in reverse.",
        (NAMES,),
        call=turn_names,
    ),
    Fault(
        "names-made-up",
        "A Variable without axis names comes out with one.",
        (NAMES,),
        call=name_without_request,
    ),
    Fault(
        "metadata-lost",
        "What a user keeps on a Variable is gone outside.",
        (NAMES, "jit_cache/*"),
        call=lose_outside,
    ),
    Fault(
        "metadata-lost-inside",
        "What a user keeps on a Variable is not there in the body.",
        (NAMES,),
        apply=lose_inside,
    ),
)
