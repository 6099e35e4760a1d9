"""What GitHub's runner understands: annotations, outputs and a summary, where it asks for them.

A laptop has none of its variables, and nothing is written there.
"""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from conformance.gate.ending import Ending, Problem
from conformance.report.escaping import counted, in_a_line

SHOWN = 10  # annotations of a step that GitHub shows
_TITLE = 120  # characters
_MESSAGE = 1000
_IN_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_DATA, ":": "%3A", ",": "%2C"}


def is_here() -> bool:
    """Whether a runner of GitHub reads what is printed."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotation(level: str, title: str, message: str, file: str = "") -> str:
    """The line that makes an annotation; neither text can end it or begin another one."""
    properties = {"file": file, "title": in_a_line(title, _TITLE)}
    words = ",".join(f"{k}={_spelt(v, _IN_PROPERTY)}" for k, v in properties.items() if v)
    return f"::{level} {words}::{_spelt(message, _IN_DATA)}"


def annotations(found: Sequence[Problem], *, report_only: bool = False) -> list[str]:
    """A line for each problem, as many as are shown; the last one counts those beyond."""
    level = "warning" if report_only else "error"
    shown = found if len(found) <= SHOWN else found[: SHOWN - 1]
    lines = [
        annotation(level, _title(one), in_a_line(one.says, _MESSAGE), _in_checkout(one.where))
        for one in shown
    ]
    if len(found) > len(shown):
        left = counted(len(found) - len(shown), "more finding")
        lines.append(annotation(level, "NNX conformance", f"… and {left}: see the summary"))
    return lines


def _title(one: Problem) -> str:
    kind = one.ending.says
    return f"{kind}: {one.claim} ({one.cases} of {one.of} cases)" if one.claim else kind


def refusal(kind: Ending, says: str) -> str:
    """The annotation of a gate that has no verdict."""
    return annotation("error", f"NNX conformance: {kind.says}", in_a_line(says, _MESSAGE))


@contextmanager
def nothing_is_a_command() -> Iterator[None]:
    """Has the runner obey nothing that is printed meanwhile: it is what the subject says."""
    token = secrets.token_hex(16)
    if is_here():
        print(f"::stop-commands::{token}", flush=True)  # noqa: T201
    try:
        yield
    finally:
        if is_here():
            print(f"::{token}::", flush=True)  # noqa: T201


def put_out(values: Mapping[str, str]) -> None:
    """Sets the outputs of the step; a value of several lines can set no other one."""
    lines = []
    for name, value in values.items():
        end = f"end-{secrets.token_hex(16)}"
        lines += [f"{name}<<{end}", value, end]
    _append("GITHUB_OUTPUT", "".join(f"{line}\n" for line in lines))


def summarize(markdown: str) -> None:
    """Adds to the summary of the run."""
    _append("GITHUB_STEP_SUMMARY", markdown)


def _append(variable: str, text: str) -> None:
    file = os.environ.get(variable)
    if file:
        with Path(file).open("a", encoding="utf-8", errors="replace") as out:
            out.write(text)


def _in_checkout(file: str) -> str:
    """A file as the checkout has it; empty where it lies elsewhere."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or ".").resolve()
    path = Path(file).resolve()
    return path.relative_to(root).as_posix() if file and path.is_relative_to(root) else ""


def _spelt(text: str, table: Mapping[str, str]) -> str:
    return "".join(table.get(c, c) for c in text)
