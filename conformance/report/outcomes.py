"""Outcomes: records as the known deviations judge them, told apart and counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from packaging.version import Version

from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation
from conformance.harness.records import Record
from conformance.harness.subject import DEFAULT_MODE
from conformance.harness.verdicts import FINDINGS, Verdict
from conformance.report.judging import Judged, judge_again

# The worst comes first: one case of it makes a claim so.
WORST_FIRST = (
    *(Verdict.BROKEN, Verdict.STALE_DEVIATION, Verdict.SUITE_ERROR),
    *(Verdict.KNOWN_DEVIATION, Verdict.HELD, Verdict.NOT_APPLICABLE),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one subject."""

    record: Record
    judged: Judged

    @classmethod
    def of(cls, record: Record, known: Sequence[Deviation]) -> "Outcome":
        """What becomes of a record by these deviations."""
        return cls(record, judge_again(record, known))

    @property
    def subject(self) -> tuple[str, str, str]:
        """What is tested: Flax, JAX, and the NNX mode, or how NNX was broken on purpose."""
        subject = self.record.header.subject
        fault = subject.get("fault")
        mode = f"broken on purpose: {fault}" if fault else subject["mode"]
        return subject["flax"], subject["jax"], mode

    @property
    def name(self) -> str:
        """The subject in words."""
        flax, jax, mode = self.subject
        return f"flax {flax}, jax {jax}" + (f", {mode}" if mode != DEFAULT_MODE else "")

    @cached_property
    def backends(self) -> tuple[str, ...]:
        """The backends that its cases ran on, in the order of the record's header."""
        seen = dict.fromkeys(CaseKey.parse(case).backend for case in self.record.cases)
        named = [backend for backend in self.record.header.backends if backend in seen]
        return tuple(dict.fromkeys((*named, *sorted(seen))))

    @cached_property
    def of_sections(self) -> dict[str, Counter[Verdict]]:
        """How many cases of each section have which verdict."""
        return _counted((case.partition("/")[0], v) for case, v in self.judged.verdicts.items())

    @cached_property
    def of_claims(self) -> dict[str, Counter[Verdict]]:
        """How many cases of each claim have which verdict."""
        return _counted((case.partition("[")[0], v) for case, v in self.judged.verdicts.items())

    @property
    def verdicts(self) -> Counter[Verdict]:
        """How many cases have which verdict."""
        return Counter(self.judged.verdicts.values())

    @property
    def idle(self) -> list[str]:
        """Where the known deviations are written that explain no case of a run of every claim."""
        full = self.record.footer.full
        return [deviation.source for deviation in self.judged.idle] if full else []


@dataclass(frozen=True)
class Finding:
    """A claim that some cases of a subject break: how, in how many, and what the first one says."""

    subject: str
    verdict: Verdict
    claim: str
    cases: int
    of: int
    says: str


@dataclass
class Known:
    """The cases that one cause explains, on all subjects."""

    deviation: Deviation
    claims: Counter[str]
    subjects: Counter[str]


def outcomes(records: Iterable[Record], known: Sequence[Deviation]) -> list[Outcome]:
    """What becomes of each record by these deviations; the newest subject comes first."""
    told = [Outcome.of(record, known) for record in records]
    return sorted(told, key=_age, reverse=True)


def findings(told: Iterable[Outcome]) -> list[Finding]:
    """What somebody must look at, by subject, and by verdict there."""
    found = []
    for outcome in told:
        for verdict in FINDINGS:
            for claim, counts in sorted(outcome.of_claims.items()):
                if counts[verdict]:
                    says = _first_words(outcome, claim, verdict)
                    numbers = counts[verdict], counts.total()
                    found.append(Finding(outcome.name, verdict, claim, *numbers, says))
    return found


def known_deviations(told: Iterable[Outcome]) -> list[Known]:
    """The causes that explain a case, those of the most cases first."""
    causes: dict[str, Known] = {}
    for outcome in told:
        for case, deviation in sorted(outcome.judged.explained.items()):
            new = Known(deviation, Counter(), Counter())
            one = causes.setdefault(deviation.entry, new)
            one.claims[case.partition("[")[0]] += 1
            one.subjects[outcome.name] += 1
    return sorted(causes.values(), key=lambda one: -one.claims.total())


def claims_held(told: Iterable[Outcome]) -> tuple[int, int]:
    """How many claims are held, and of how many: of those that have a case that could run.

    A claim is held where each of its cases that ran has held, in all of these outcomes.
    """
    claims = in_all(told).values()
    return sum(map(is_held, claims)), len(claims)


def in_all(told: Iterable[Outcome]) -> dict[str, Counter[Verdict]]:
    """How many cases that could run each claim has, by verdict, in all of these outcomes."""
    claims: dict[str, Counter[Verdict]] = {}
    for outcome in told:
        for claim, counts in outcome.of_claims.items():
            ran = Counter({v: n for v, n in counts.items() if v is not Verdict.NOT_APPLICABLE})
            if ran:
                claims.setdefault(claim, Counter()).update(ran)
    return claims


def is_held(ran: Counter[Verdict]) -> bool:
    """Whether a claim with these cases is."""
    return set(ran) == {Verdict.HELD}


def _counted(pairs: Iterable[tuple[str, Verdict]]) -> dict[str, Counter[Verdict]]:
    counted: dict[str, Counter[Verdict]] = {}
    for name, verdict in pairs:
        counted.setdefault(name, Counter())[verdict] += 1
    return counted


def _first_words(outcome: Outcome, claim: str, verdict: Verdict) -> str:
    """The error and the first line of what the first such case says, where it says something."""
    for case, seen in sorted(outcome.record.cases.items()):
        if seen.claim == claim and outcome.judged.verdicts[case] is verdict:
            line = seen.message.strip().partition("\n")[0]
            return ": ".join(filter(None, (seen.error, line)))
    return ""


def _age(outcome: Outcome) -> tuple[Version, Version]:
    flax, jax, _ = outcome.subject
    return Version(flax), Version(jax)
