"""A run against a baseline: whether what held there holds here, asked by `pytest --baseline`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation
from conformance.harness.records import Footer, Header, Record, Seen
from conformance.report.baselines import NoBaseline
from conformance.report.chosen import one
from conformance.report.comparing import WORSE, Comparison, compare
from conformance.report.differences import text
from conformance.report.outcomes import Outcome


class Gate:
    """A baseline, and what a run is beside it."""

    def __init__(self, word: str, known: tuple[Deviation, ...]) -> None:
        """Takes the record that `word` names: a file or a release. Raises RecordError."""
        self._baseline = one(word)
        if fault := self._baseline.header.subject.get("fault"):
            raise NoBaseline(f"{word}: its subject was broken on purpose, by the fault {fault}")
        self._known = known
        self._found: Comparison | None = None

    def passes(self, header: Header, cases: Mapping[str, Seen], *, full: bool) -> bool:
        """Whether nothing is worse in a run that saw these cases.

        Of a run that is not `full` only the cases that it ran are compared.
        """
        baseline = self._baseline if full else part(self._baseline, cases)
        run = Record(header, cases, Footer(0, len(cases), full))
        self._found = compare(*(Outcome.of(each, self._known) for each in (baseline, run)))
        return not self._found.worse

    def lines(self) -> Iterator[str]:
        """What to say at the end of the run: all that is worse, and the rest in a number."""
        if self._found is None:
            return
        worse = tuple(change for change in self._found.changes if change.kind in WORSE)
        shown = replace(self._found, changes=worse, details=())
        head, *lines = text(shown, full=True)
        yield f"against the baseline: {head}"
        yield from lines


def part(baseline: Record, cases: Iterable[str]) -> Record:
    """What a baseline has of these cases, on whatever backend."""
    ran = {_apart_from_backend(case) for case in cases}
    kept = {c: seen for c, seen in baseline.cases.items() if _apart_from_backend(c) in ran}
    return replace(baseline, cases=kept)


def _apart_from_backend(case: str) -> str:
    return str(replace(CaseKey.parse(case), backend="-"))
