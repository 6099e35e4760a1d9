"""The command `repro` of `nnx-conformance`. It imports JAX and Flax only once it is run."""

import argparse
import os
import sys

from conformance.asked import Asked
from conformance.harness import environment, subject

PRINTED, NOTHING = 0, 1


class Unrepeatable(Exception):
    """What was asked for cannot be tried here; the message is one line that says why."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser of `nnx-conformance`."""
    parser = commands.add_parser(
        "repro",
        help="a failing case as a script of its own, for an issue",
        description="Runs a case with the Flax and JAX of this environment and, where it fails, "
        "prints a script that fails in the same way without the suite. The script is run before "
        "it is printed. Exits with 0 where it is printed, with 1 where there is nothing to show: "
        "the case holds, or no script shows what it found.",
    )
    parser.add_argument(
        "case",
        metavar="CASE",
        help="the key of a case (graph_updates/cycle[jit,function,itself,cpu,default]), or a part "
        "of it with wildcards, of whose cases the first that fails is shown",
    )
    parser.set_defaults(run=_repro)


def _repro(options: argparse.Namespace) -> int:
    asked = Asked.parse(options.case)
    environ = dict(os.environ)  # the script is to fail without any setting of the suite's
    environment.prepare(os.environ)
    try:
        subject.load()
    except subject.SubjectError as error:
        raise Unrepeatable(str(error)) from None

    from conformance.repro.finding import first_failing
    from conformance.repro.script import run, scripts

    found = first_failing(asked)
    if found.case is None:
        for line in found.said:
            _say(line)
        return NOTHING
    failure = found.case.log.failure
    assert failure is not None
    for script in scripts(found.case, found.module, asked.test):
        outcome = run(script, environ)
        if outcome.shows(failure):
            print(script, end="")  # noqa: T201
            return PRINTED
    said = failure.message.partition("\n")[0]
    _say(
        f"{found.case.key} fails with {failure.error}: {said}, but no script of its own does: the "
        f"last one ended with {outcome.code}: {outcome.last_line}"
    )
    return NOTHING


def _say(line: str) -> None:
    print(f"nnx-conformance: {line}", file=sys.stderr)  # noqa: T201
