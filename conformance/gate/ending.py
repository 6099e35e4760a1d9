"""How a gate ends: what somebody must look at, and the exit code that says which of it is worst.

docs/GATING.md promises these codes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from conformance.gate.running import Files
from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation
from conformance.harness.records import Record, RecordError, read
from conformance.harness.verdicts import Verdict
from conformance.report.comparing import Change, Comparison, Kind, compare
from conformance.report.escaping import in_a_line
from conformance.report.gate import part
from conformance.report.judging import concerning_record
from conformance.report.outcomes import Outcome


class Ending(IntEnum):
    """How a gate ends, by exit code."""

    PASSED = 0
    BROKEN = 1
    BAD_INPUT = 2
    STALE = 3
    NO_SUBJECT = 4
    NOTHING_RUN = 5
    NO_BACKEND = 6
    INCOMPLETE = 7
    NO_LONGER_RUN = 8
    SUITE_ERROR = 9

    @property
    def says(self) -> str:
        """The same in words."""
        return _WORDS[self]


_WORDS = {
    Ending.PASSED: "passed",
    Ending.BROKEN: "broken",
    Ending.BAD_INPUT: "bad input",
    Ending.STALE: "stale deviation",
    Ending.NO_SUBJECT: "no subject",
    Ending.NOTHING_RUN: "nothing run",
    Ending.NO_BACKEND: "a required backend is absent",
    Ending.INCOMPLETE: "the run is incomplete",
    Ending.NO_LONGER_RUN: "no longer run",
    Ending.SUITE_ERROR: "suite error",
}
_SAYS = 400  # characters of what a case says that are passed on
# What a run finds, the worst first: its verdict stands. All else means that there is none.
FINDINGS = (Ending.BROKEN, Ending.SUITE_ERROR, Ending.NO_LONGER_RUN, Ending.STALE)


class NoVerdict(Exception):
    """There is no verdict; the message is one line that says why."""

    def __init__(self, ending: Ending, says: str) -> None:
        """Takes the ending, and why it came to that."""
        super().__init__(says)
        self.ending = ending


@dataclass(frozen=True)
class Problem:
    """What fails a gate: a claim in some of its cases or, where `claim` is empty, the whole run.

    `says` is what the first case says, `where` the file of a user's that is at fault, if one is.
    """

    ending: Ending
    claim: str
    cases: int
    of: int
    says: str
    where: str = ""


def whole(files: Files, code: int, said: Sequence[str]) -> Record:
    """The record of a run that ended with this exit code, having said these lines.

    Raises:
      NoVerdict: the run says that there is nothing to test, or did not come to its end.
    """
    if code == 4:  # pytest's word for what it cannot begin with
        raise _refused(said)
    if code not in (0, 1, 5):
        raise NoVerdict(Ending.INCOMPLETE, f"pytest ended with {code}: see {files.log}")
    try:
        record = read(files.record)
    except RecordError as error:
        raise NoVerdict(Ending.INCOMPLETE, str(error)) from None
    if code == 5:
        raise NoVerdict(Ending.NOTHING_RUN, "no case was executed")
    return record


def _refused(said: Sequence[str]) -> NoVerdict:
    errors = [line for line in said if line.startswith("ERROR: ")]
    line = errors[0].removeprefix("ERROR: ") if errors else "pytest did not begin"
    if line.startswith("backend ") and " is not here: " in line:
        return NoVerdict(Ending.NO_BACKEND, line)
    if line.startswith("usage: "):  # its own words for an argument that it does not know
        words = (text.partition(": error: ")[2] for text in said if ": error: " in text)
        return NoVerdict(Ending.BAD_INPUT, next(words, line))
    if line.startswith("file or directory not found: "):
        return NoVerdict(Ending.BAD_INPUT, line)
    return NoVerdict(Ending.NO_SUBJECT, line)


def beside(
    baseline: Record, outcome: Outcome, known: Sequence[Deviation], part_of: Sequence[str] | None
) -> Comparison:
    """What a run is beside a baseline.

    Args:
      baseline: what is compared with.
      outcome: what the run saw.
      known: the known deviations.
      part_of: the sections that the run was of, none for all of them; None where it was narrowed
        in another way, so that only what ran can be compared.
    """
    if part_of is None:
        baseline = part(baseline, outcome.record.cases)
    elif part_of:
        cases = {c: seen for c, seen in baseline.cases.items() if seen.section in part_of}
        baseline = replace(baseline, cases=cases)
    return compare(Outcome.of(baseline, known), outcome)


def problems(
    outcome: Outcome,
    known: Sequence[Deviation],
    comparison: Comparison | None = None,
    *,
    new_only: bool = False,
) -> list[Problem]:
    """What fails the gate, the worst first.

    With `new_only` it is what the comparison calls worse, and errors of the suite, alone.
    """
    changes = comparison.changes if comparison else ()
    worse = {kind: [c for c in changes if c.kind is kind] for kind in (Kind.BROKEN, Kind.STOPPED)}
    wrong = _of_verdict(outcome, Verdict.SUITE_ERROR)
    broken = {change.case for change in worse[Kind.BROKEN]}
    found = []
    if not new_only:
        broken |= set(_of_verdict(outcome, Verdict.BROKEN))
        found += _stale(outcome, known)
    found += _of_cases(Ending.BROKEN, outcome, broken)
    found += _of_cases(Ending.SUITE_ERROR, outcome, wrong)
    found += _stopped(
        outcome, [change for change in worse[Kind.STOPPED] if change.case not in wrong]
    )
    return sorted(found, key=lambda one: (FINDINGS.index(one.ending), one.claim, one.says))


def ending(found: Sequence[Problem]) -> Ending:
    """The worst of what was found."""
    return min((one.ending for one in found), key=FINDINGS.index, default=Ending.PASSED)


def _of_verdict(outcome: Outcome, wanted: Verdict) -> list[str]:
    return [case for case, verdict in outcome.judged.verdicts.items() if verdict is wanted]


def _by_claim(cases: Iterable[str]) -> dict[str, list[str]]:
    claims: dict[str, list[str]] = {}
    for case in sorted(cases):
        claims.setdefault(case.partition("[")[0], []).append(case)
    return claims


def _of_cases(kind: Ending, outcome: Outcome, cases: Iterable[str]) -> Iterator[Problem]:
    for claim, its in _by_claim(cases).items():
        seen = outcome.record.cases[its[0]]
        says = ": ".join(filter(None, (seen.error, in_a_line(seen.message, _SAYS))))
        yield Problem(kind, claim, len(its), outcome.of_claims[claim].total(), says)


def _stopped(outcome: Outcome, changes: Sequence[Change]) -> Iterator[Problem]:
    first = {change.case: change for change in changes}
    for claim, its in _by_claim(first).items():
        says = f"it ran in the baseline, and is {first[its[0]].after} now: {its[0]}"
        of = max(len(its), outcome.of_claims.get(claim, Counter()).total())
        yield Problem(Ending.NO_LONGER_RUN, claim, len(its), of, says)


def _stale(outcome: Outcome, known: Sequence[Deviation]) -> Iterator[Problem]:
    of_record = concerning_record(known, outcome.record)
    for claim, its in _by_claim(_of_verdict(outcome, Verdict.STALE_DEVIATION)).items():
        key = CaseKey.parse(its[0])
        source = next(one.source for one in of_record if one.matches(key))
        says = f"it holds, but {source} says that it does not"
        of = outcome.of_claims[claim].total()
        yield Problem(Ending.STALE, claim, len(its), of, says, _file(source))
    for source in outcome.idle:
        yield Problem(Ending.STALE, "", 0, 0, f"{source} explains no case", _file(source))


def _file(source: str) -> str:
    return source.rpartition(": deviation ")[0]
