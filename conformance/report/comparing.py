"""Comparing two records: what became of each case, leaf by leaf, and what nobody promised."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation
from conformance.harness.leaf_texts import alike
from conformance.harness.records import Record, Seen
from conformance.harness.verdicts import Verdict
from conformance.report.outcomes import Outcome


class Kind(StrEnum):
    """What became of a case; what matters most comes first."""

    BROKEN = "newly broken"
    STOPPED = "no longer run"
    HELD = "newly held"
    OTHERWISE = "broken in another way"
    NEW_BROKEN = "new, and broken"
    NEW = "new"
    OUTPUT = "another output"


WORSE = (Kind.BROKEN, Kind.STOPPED)


@dataclass(frozen=True)
class LeafChange:
    """What stands at a path before and after; empty where nothing does."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One case that is not what it was: what it shows before and after, and why if that is known.

    `before` and `after` are in words; of a case that failed they are what it said. `cause` and
    `evidence` are those of the known deviation that explains the failure on either side.
    """

    case: str
    kind: Kind
    before: str
    after: str
    cause: str
    evidence: str
    leaves: tuple[LeafChange, ...]

    @property
    def claim(self) -> str:
        """The id of its claim."""
        return self.case.partition("[")[0]


@dataclass(frozen=True)
class Detail:
    """What nobody promises, and differs in some cases; the first of them shows how."""

    name: str
    cases: int
    case: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """All that differs between two records; `subject` has what they are of, by name."""

    names: tuple[str, str]
    subject: Mapping[str, tuple[str, str]]
    changes: tuple[Change, ...]
    details: tuple[Detail, ...]
    compared: int

    @property
    def identical(self) -> bool:
        """Whether nothing at all differs."""
        return not (self.changes or self.details or self.subject)

    @property
    def worse(self) -> bool:
        """Whether something held before that is broken now, or is not run any more."""
        return any(change.kind in WORSE for change in self.changes)

    @property
    def counts(self) -> Counter[Kind]:
        """How many cases changed, by kind."""
        return Counter(change.kind for change in self.changes)


def compare(before: Outcome, after: Outcome) -> Comparison:
    """Compares two outcomes case by case.

    What is known to be broken counts as broken: that it is known is what `cause` is for.
    """
    pairs = list(_pairs(before.record, after.record))
    changes = [
        change
        for case, old, new in pairs
        if (change := _change(case, old, new, _why(after, new) or _why(before, old)))
    ]
    order = list(Kind)
    changes.sort(key=lambda change: (order.index(change.kind), change.case))
    return Comparison(
        (before.name, after.name),
        dict(_subjects(before.record, after.record)),
        tuple(changes),
        tuple(_details([(case, old, new) for case, old, new in pairs if old and new])),
        sum(bool(old and new) for _, old, new in pairs),
    )


def _pairs(before: Record, after: Record) -> Iterator[tuple[str, Seen | None, Seen | None]]:
    """Each case with what the records saw of it.

    A backend that is new is compared with the only one that there was; of one that is not there any
    more nothing is said, unless it was the only one.
    """
    olds, news = before.header.backends, after.header.backends
    [only, *others] = olds or [""]
    paired = set()
    for case, new in after.cases.items():
        key = CaseKey.parse(case)
        of_only = key.backend not in olds and not others
        old = str(replace(key, backend=only)) if of_only else case
        paired.add(old)
        if key.backend in olds or of_only:
            yield case, before.cases.get(old), new
    for case, old in before.cases.items():
        there = CaseKey.parse(case).backend in news or not set(olds) & set(news)
        if case not in paired and there:
            yield case, old, None


def _why(outcome: Outcome, seen: Seen | None) -> Deviation | None:
    return outcome.judged.explained.get(seen.case) if seen else None


def _change(case: str, old: Seen | None, new: Seen | None, why: Deviation | None) -> Change | None:
    kind = _kind(old, new)
    leaves = tuple(_leaves(old, new)) if old and new else ()
    if kind is None and _ran(old) and _ran(new) and leaves:
        kind = Kind.OUTPUT
    if kind is None:
        return None
    known = (why.cause, why.evidence) if why else ("", "")
    return Change(case, kind, _words(old), _words(new), *known, leaves)


def _kind(old: Seen | None, new: Seen | None) -> Kind | None:
    if not _ran(new):
        return Kind.STOPPED if _ran(old) else None
    assert new is not None
    if old is None or not _ran(old):
        return Kind.NEW_BROKEN if new.observed else Kind.NEW
    if bool(old.observed) != bool(new.observed):
        return Kind.BROKEN if new.observed else Kind.HELD
    return Kind.OTHERWISE if _failure(old) != _failure(new) else None


def _ran(seen: Seen | None) -> bool:
    return seen is not None and seen.verdict not in (Verdict.NOT_APPLICABLE, Verdict.SUITE_ERROR)


def _failure(seen: Seen) -> tuple[str, str]:
    return seen.observed, seen.error


def _words(seen: Seen | None) -> str:
    if seen is None:
        return "absent"
    if not seen.observed or seen.verdict is Verdict.SUITE_ERROR:
        return str(Verdict.HELD if _ran(seen) else seen.verdict)
    return f"{seen.error}: {seen.message}"


def _leaves(old: Seen, new: Seen) -> Iterator[LeafChange]:
    """What the two left otherwise; of a failed case it is what it had looked at by then."""
    before, after = ({**seen.notes, **seen.outputs} for seen in (old, new))
    for path in dict.fromkeys((*before, *after)):
        one, other = before.get(path, ""), after.get(path, "")
        if not alike(one, other):
            yield LeafChange(path, one, other)


def _subjects(before: Record, after: Record) -> Iterator[tuple[str, tuple[str, str]]]:
    sides = [
        {"suite": record.header.suite, **record.header.subject}
        | {"backends": ", ".join(record.header.backends)}
        for record in (before, after)
    ]
    for name in dict.fromkeys((*sides[0], *sides[1])):
        pair = sides[0].get(name, ""), sides[1].get(name, "")
        if pair[0] != pair[1]:
            yield name, pair


def _details(pairs: list[tuple[str, Seen, Seen]]) -> Iterator[Detail]:
    found: dict[str, Detail] = {}
    for case, old, new in sorted(pairs, key=lambda pair: pair[0]):
        if not (old.details and new.details):  # one of them did not look
            continue
        for name in dict.fromkeys((*old.details, *new.details)):
            one, other = old.details.get(name, ""), new.details.get(name, "")
            if one != other:
                first = found.get(name, Detail(name, 0, case, one, other))
                found[name] = Detail(name, first.cases + 1, first.case, first.before, first.after)
    yield from sorted(found.values(), key=lambda detail: (-detail.cases, detail.name))
