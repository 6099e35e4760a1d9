"""All faults, by name."""

from collections.abc import Mapping
from pathlib import Path

from conformance.faults import (
    identity,
    internals,
    lift_types,
    metadata,
    outputs,
    random_state,
    refusals,
    tracing,
    updates,
)
from conformance.faults.fault import Fault, FaultError
from conformance.harness.subject import at_least, version_of

_THEMES = (
    *(updates, identity, outputs, refusals, internals),
    *(lift_types, metadata, random_state, tracing),
)

FAULTS: Mapping[str, Fault] = {fault.name: fault for theme in _THEMES for fault in theme.FAULTS}


def file_of(name: str) -> Path:
    """The file that a fault is written in."""
    [theme] = [theme for theme in _THEMES if FAULTS[name] in theme.FAULTS]
    return Path(str(theme.__file__))


def named(name: str) -> Fault:
    """The fault of this name; raises FaultError where there is none, or not in this Flax."""
    if name not in FAULTS:
        raise FaultError(f"there is no fault {name!r}; `--fault list` names those that there are")
    fault = FAULTS[name]
    if not at_least(fault.since):
        raise FaultError(
            f"flax {version_of('flax')} cannot have the fault {name!r}, "
            f"which breaks what came with flax {fault.since}"
        )
    return fault
