"""The command `gate` of `nnx-conformance`."""

import argparse
import sys
import traceback
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from conformance.gate import github, summary
from conformance.gate.asked import Subject, subject
from conformance.gate.ending import (
    FINDINGS,
    Ending,
    NoVerdict,
    Problem,
    beside,
    ending,
    problems,
    whole,
)
from conformance.gate.making import python_of
from conformance.gate.running import Files, command, run
from conformance.gate.settings import BadInput, add_options, settle
from conformance.guide.promises import SUITE, promises
from conformance.harness import deviations
from conformance.harness.deviations import Deviation, DeviationsError
from conformance.harness.records import Record, RecordError
from conformance.matrix.environments import Unbuildable, copy_suite
from conformance.matrix.subjects import MatrixError
from conformance.report import files as writing
from conformance.report.chosen import one
from conformance.report.comparing import Comparison
from conformance.report.files import Unwritable
from conformance.report.outcomes import Outcome, outcomes
from conformance.report.page.making import page

_UNUSABLE = (BadInput, DeviationsError, MatrixError, RecordError, Unwritable)


@dataclass(frozen=True)
class Plan:
    """What a gate does, checked before anything is run.

    `options` are those of pytest; where some of them are the user's own, the run is `narrowed` in
    a way that nobody foresees.
    """

    subject: Subject
    known: tuple[Deviation, ...]
    baseline: Record | None
    files: Files
    folder: Path
    sections: tuple[str, ...]
    options: tuple[str, ...]
    narrowed: bool
    on_some: bool
    new_only: bool
    report_only: bool

    @property
    def targets(self) -> tuple[str, ...]:
        """What pytest is to run, by the names of packages."""
        return tuple(f"{SUITE.name}.{section}" for section in self.sections) or (SUITE.name,)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser of `nnx-conformance`."""
    parser = commands.add_parser(
        "gate",
        help="run the suite on a Flax and a JAX, and exit with a code that says what fails",
        description="Runs the suite on a Flax and a JAX, in an environment of its own unless they "
        "are those that are installed here, holds the run against a baseline if there is one, and "
        "leaves a record, JUnit's file, a summary and a page. docs/GATING.md says what fails it, "
        "which exit code means what, and how options are given by the environment. What follows "
        "-- goes to pytest.",
    )
    add_options(parser)
    parser.set_defaults(run=_gate)


def _gate(options: argparse.Namespace) -> int:
    files = None
    try:
        settle(options)
        files = Files(Path(options.output or Path(options.folder) / "gate").resolve())
        try:
            plan = _plan(options, files)  # reads the baseline, which an earlier gate may have left
        finally:
            _clear(files)
        return _verdict(plan)
    except NoVerdict as error:
        return _no_verdict(error.ending, str(error), files)
    except Unbuildable as error:
        return _no_verdict(Ending.NO_SUBJECT, str(error), files)
    except _UNUSABLE as error:
        return _no_verdict(Ending.BAD_INPUT, str(error), files)
    except KeyboardInterrupt:
        return _no_verdict(Ending.INCOMPLETE, "interrupted", files)
    except Exception as error:  # noqa: BLE001 - Python's own code for it is 1, which is a verdict
        traceback.print_exc()
        return _no_verdict(Ending.INCOMPLETE, f"the gate itself failed: {error!r}", files)


def _clear(files: Files) -> None:
    try:
        files.clear()
    except OSError as error:
        raise Unwritable(f"{files.folder}: {error.strerror}") from None


def _plan(options: argparse.Namespace, files: Files) -> Plan:
    if find_spec("jinja2") is None:
        raise BadInput("`gate` needs jinja2: pip install 'nnx-conformance[gate]'")
    if options.new_only and not options.baseline:
        raise BadInput("--new-only: needs a --baseline to tell what is new")
    if options.jobs != "auto" and not options.jobs.isdecimal():
        raise BadInput(f"--jobs {options.jobs!r}: neither a number nor 'auto'")
    there = sorted({file.parent.name for file in SUITE.glob("*/test_*.py")})
    for section in options.section:
        if section not in there:
            raise BadInput(f"--section {section!r}: none of {', '.join(there)}")
    words = ["-n", options.jobs]
    for name in ("backend", "require_backend"):
        for value in getattr(options, name):
            words += [f"--{name.replace('_', '-')}", value]
    for file in options.deviations:
        words += ["--deviations", str(file.resolve())]
    words += ["--no-known-deviations"] if options.no_known_deviations else []
    words += ["--mode", options.mode] if options.mode else []
    return Plan(
        subject=subject(options.flax, options.jax, options.python),
        known=deviations.load_all(options.deviations, shipped=not options.no_known_deviations),
        baseline=one(options.baseline) if options.baseline else None,
        files=files,
        folder=Path(options.folder).resolve(),
        sections=tuple(dict.fromkeys(options.section)),
        options=(*words, *options.pytest),
        narrowed=bool(options.pytest),
        on_some=bool(options.backend),
        new_only=options.new_only,
        report_only=options.report_only,
    )


def _verdict(plan: Plan) -> int:
    """Makes the subject, runs the suite, and says what came of it.

    Raises:
      NoVerdict: nothing can be said of the subject.
    """
    suite = copy_suite(plan.folder)
    python = python_of(plan.subject, plan.folder)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        _print(line)

    with github.nothing_is_a_command():
        words = command(python, suite, plan.files, plan.targets, plan.options)
        code = run(words, suite, plan.files, say)
    outcome = Outcome.of(whole(plan.files, code, said), plan.known)
    if not (outcome.record.footer.full or plan.sections or plan.narrowed or plan.on_some):
        raise NoVerdict(Ending.INCOMPLETE, f"the run was cut short: see {plan.files.log}")
    comparison = None
    if plan.baseline:
        part = None if plan.narrowed else plan.sections
        comparison = beside(plan.baseline, outcome, plan.known, part)
        if not comparison.compared:
            raise NoVerdict(Ending.BAD_INPUT, "--baseline: it has none of the cases that were run")
    found = problems(outcome, plan.known, comparison, new_only=plan.new_only)
    if code and not problems(outcome, plan.known):
        says = f"pytest ended with {code}, and no case says why: see {plan.files.log}"
        found.append(Problem(Ending.SUITE_ERROR, "", 0, 0, says))
    return _tell(plan, outcome, comparison, found)


def _tell(plan: Plan, outcome: Outcome, comparison: Comparison | None, found: list[Problem]) -> int:
    kind = ending(found)
    promised = promises()
    text = summary.of_run(
        outcome,
        found,
        kind,
        promised,
        plan.subject,
        comparison,
        report_only=plan.report_only,
    )
    records = [outcome.record, *([plan.baseline] if plan.baseline else [])]
    told = outcomes(records, plan.known)
    writing.write({plan.files.summary: text, plan.files.page: page(told, promised)})
    github.summarize(text)
    github.put_out(
        {
            **ended(kind, plan.files),
            **summary.counts(outcome, comparison),
            "flax": outcome.record.header.subject["flax"],
            "jax": outcome.record.header.subject["jax"],
            "failed-claims": "\n".join(dict.fromkeys(one.claim for one in found if one.claim)),
        }
    )
    with github.nothing_is_a_command():
        for problem in found:
            _print(summary.line(problem))
    if github.is_here():
        for line in github.annotations(found, report_only=plan.report_only):
            _print(line)
    code = Ending.PASSED if plan.report_only else kind
    _print(f"gate: {summary.head(kind, report_only=plan.report_only)}; see {plan.files.folder}")
    return int(code)


def _no_verdict(kind: Ending, says: str, files: Files | None) -> int:
    """Says why there is no verdict, wherever it is looked for; gives the exit code."""
    text = summary.of_no_verdict(kind, says)
    github.summarize(text)
    if files:
        github.put_out(ended(kind, files))
        if files.folder.is_dir():
            files.summary.write_text(text, encoding="utf-8", errors="replace")
    if github.is_here():
        _print(github.refusal(kind, says))
    else:
        print(f"nnx-conformance: {says}", file=sys.stderr)  # noqa: T201
    return int(kind)


def ended(kind: Ending, files: Files) -> dict[str, str]:
    """How a gate ends, by the names that the outputs of the action have."""
    verdict = "passed" if kind is Ending.PASSED else "failed" if kind in FINDINGS else "none"
    return {
        "verdict": verdict,
        "code": f"{kind:d}",
        "reason": kind.says,
        "record": str(files.record),
        "output": str(files.folder),
    }


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201
