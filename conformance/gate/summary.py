"""The verdict of a gate in Markdown, for the summary of a run or a comment on a pull request."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.gate.asked import Subject
from conformance.gate.ending import Ending, Problem
from conformance.guide.promises import Promise
from conformance.harness.verdicts import Verdict
from conformance.report.comparing import WORSE, Comparison, Kind
from conformance.report.differences import verdict
from conformance.report.escaping import counted, in_a_line, markdown_code, markdown_prose
from conformance.report.markdown import LIMIT, explained, table
from conformance.report.outcomes import Outcome, claims_held, known_deviations

_TITLE = "## NNX conformance"
_SHOWN = 25  # problems that are told in full
_LINE = 300  # characters


def head(kind: Ending, *, report_only: bool = False) -> str:
    """How the gate ends, in words and with its code."""
    if kind is Ending.PASSED:
        return kind.says
    would = "would fail with " if report_only else ""
    return f"{kind.says} ({would}exit code {kind:d})"


def of_no_verdict(kind: Ending, says: str) -> str:
    """The summary of a gate that has none."""
    return f"{_TITLE}: {head(kind)}\n\n{markdown_prose(says)}\n"


def line(one: Problem) -> str:
    """A problem in a line for a terminal."""
    claim = f"{one.claim} ({one.cases} of {counted(one.of, 'case')})" if one.claim else ""
    return ": ".join(filter(None, (one.ending.says, claim, in_a_line(one.says, _LINE))))


def of_run(
    outcome: Outcome,
    found: Sequence[Problem],
    kind: Ending,
    promises: Mapping[str, Promise],
    subject: Subject,
    comparison: Comparison | None = None,
    *,
    report_only: bool = False,
) -> str:
    """The summary of a run: the subject, what fails the gate and why, sections, what is known."""
    header = outcome.record.header
    held, of = claims_held([outcome])
    tested = f"{outcome.name}, Python {header.subject.get('python', '?')}"
    on = "; ".join(header.backends.values())
    lines = [f"{_TITLE}: {head(kind, report_only=report_only)}", ""]
    lines += [f"{markdown_prose(tested)}, on {markdown_prose(on)}. **{held} of {of} claims held.**"]
    if comparison:
        before = markdown_prose(comparison.names[0])
        lines += ["", f"Against {before}: {markdown_prose(verdict(comparison))}."]
    if found:
        lines += ["", f"### What fails the gate: {counted(len(found), 'finding')}", ""]
        lines += [line for one in found[:_SHOWN] for line in _told(one, promises, subject)]
        if len(found) > _SHOWN:
            lines.append(f"- … and {len(found) - _SHOWN} more")
    lines += ["", *table([outcome], LIMIT // 2)]
    lines += explained(known_deviations([outcome]), LIMIT // 4)
    return "\n".join([*lines, ""])


def rerun(claim: str, subject: Subject) -> str:
    """A line for a shell that runs the cases of a claim again, elsewhere too."""
    section, _, name = claim.partition("/")
    words = ["nnx-conformance", "gate"]
    if not subject.is_installed:
        jax = _portable(subject.jax.version or subject.jax.word) + subject.jax.extras
        words += ["--flax", _portable(subject.flax.word), "--jax", jax]
    words += ["--section", section, "--", "-k", f"test_{name.replace('-', '_')}"]
    return shlex.join(words)


def _portable(word: str) -> str:
    return Path(word).name if Path(word).is_absolute() else word


def _told(one: Problem, promises: Mapping[str, Promise], subject: Subject) -> list[str]:
    numbers = f" ({one.cases} of {counted(one.of, 'case')})" if one.claim else ""
    named = f" {markdown_code(one.claim)}{numbers}" if one.claim else ""
    lines = [f"- **{one.ending.says}**{named}: {markdown_code(one.says)}"]
    if promise := promises.get(one.claim):
        lines.append(f"  - {markdown_prose(promise.sentence)} *{markdown_prose(promise.guide)}*")
        lines.append(f"  - {markdown_code(rerun(one.claim, subject))}")
    return lines


def counts(outcome: Outcome, comparison: Comparison | None = None) -> dict[str, str]:
    """The numbers of a run, by the names that the outputs of the action have."""
    held, of = claims_held([outcome])
    numbers = {
        "cases": len(outcome.judged.verdicts),
        "claims": of,
        "claims-held": held,
        "held": outcome.verdicts[Verdict.HELD],
        "broken": outcome.verdicts[Verdict.BROKEN],
        "known-deviations": outcome.verdicts[Verdict.KNOWN_DEVIATION],
        "stale": outcome.verdicts[Verdict.STALE_DEVIATION],
        "suite-errors": outcome.verdicts[Verdict.SUITE_ERROR],
        "not-applicable": outcome.verdicts[Verdict.NOT_APPLICABLE],
    }
    if comparison:
        numbers |= {kind.replace(" ", "-"): comparison.counts[kind] for kind in (*WORSE, Kind.HELD)}
    return {name: str(number) for name, number in numbers.items()}
