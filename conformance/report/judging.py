"""Judging a record again, by other known deviations than those of its run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.version import Version

from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation, concerning, judge
from conformance.harness.records import Record, Seen
from conformance.harness.verdicts import Failure, Observed, Verdict

NOT_EXECUTED = (Verdict.NOT_APPLICABLE, Verdict.SUITE_ERROR)  # no deviation changes these


@dataclass(frozen=True)
class Judged:
    """What a run by these deviations would have said.

    By case, the verdict, and of one that is known the deviation that explains it; and those that
    explain no case.
    """

    verdicts: Mapping[str, Verdict]
    explained: Mapping[str, Deviation]
    idle: tuple[Deviation, ...]


def judge_again(record: Record, known: Iterable[Deviation]) -> Judged:
    """Judges the cases of a record as a run of the same subject would, were these known."""
    of_record = concerning_record(known, record)
    verdicts, explained = {}, {}
    for case, seen in record.cases.items():
        verdicts[case] = seen.verdict
        if seen.verdict not in NOT_EXECUTED:
            verdicts[case], deviation = judge(of_record, CaseKey.parse(case), failure_of(seen))
            if deviation and verdicts[case] is Verdict.KNOWN_DEVIATION:
                explained[case] = deviation
    busy = {deviation.source for deviation in explained.values()}
    idle = tuple(deviation for deviation in of_record if deviation.source not in busy)
    return Judged(verdicts, explained, idle)


def concerning_record(known: Iterable[Deviation], record: Record) -> tuple[Deviation, ...]:
    """Those that are said of the record's subject."""
    subject = record.header.subject
    flax, jax = Version(subject["flax"]), Version(subject["jax"])
    return concerning(known, flax, jax, subject["mode"], record.header.backends)


def failure_of(seen: Seen) -> Failure | None:
    """The failure that a record tells of a case, if it failed."""
    return Failure(Observed(seen.observed), seen.error, seen.message) if seen.observed else None
