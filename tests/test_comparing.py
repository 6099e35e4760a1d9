"""comparing: what became of each case between two records."""

from dataclasses import replace

import pytest

from conformance.harness.claims import CaseKey
from conformance.harness.records import Record, Seen
from conformance.harness.verdicts import Verdict
from conformance.report.comparing import WORSE, Comparison, Kind, LeafChange, compare
from tests.reports import BROKEN, ERROR, HELD, MISSING, STALE, case, known, record, told

CLAIM = "section/name"
OTHER = replace(case(CLAIM, BROKEN), error="TypeError", observed="error")
KNOWN = replace(case(CLAIM, BROKEN), verdict=Verdict.KNOWN_DEVIATION)


def of(before: Seen | None, after: Seen | None) -> Comparison:
    """The comparison of two records with at most this case."""
    first, second = (record(*filter(None, (seen,))) for seen in (before, after))
    return compare(*told(first), *told(second))


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (case(CLAIM, HELD), case(CLAIM, BROKEN), Kind.BROKEN),
        (case(CLAIM, HELD), KNOWN, Kind.BROKEN),
        (case(CLAIM, HELD), case(CLAIM, MISSING), Kind.STOPPED),
        (case(CLAIM, HELD), case(CLAIM, ERROR), Kind.STOPPED),
        (case(CLAIM, HELD), None, Kind.STOPPED),
        (case(CLAIM, BROKEN), None, Kind.STOPPED),
        (case(CLAIM, BROKEN), case(CLAIM, HELD), Kind.HELD),
        (KNOWN, case(CLAIM, STALE), Kind.HELD),
        (case(CLAIM, BROKEN), OTHER, Kind.OTHERWISE),
        (None, case(CLAIM, BROKEN), Kind.NEW_BROKEN),
        (case(CLAIM, MISSING), case(CLAIM, BROKEN), Kind.NEW_BROKEN),
        (case(CLAIM, ERROR), case(CLAIM, HELD), Kind.NEW),
        (None, case(CLAIM, HELD), Kind.NEW),
    ],
)
def test_kinds(before: Seen | None, after: Seen | None, kind: Kind) -> None:
    """What was held and is not, or is not run, is worse; that it is known makes no difference."""
    found = of(before, after)

    assert [change.kind for change in found.changes] == [kind]
    assert found.worse == (kind in WORSE)
    assert not found.identical


@pytest.mark.parametrize(
    "seen", [case(CLAIM, HELD), case(CLAIM, BROKEN), case(CLAIM, MISSING), case(CLAIM, ERROR), None]
)
def test_identical(seen: Seen | None) -> None:
    """A record and itself are identical, whatever is in it."""
    found = of(seen, seen)

    assert found.identical
    assert not found.worse
    assert found.compared == (seen is not None)


def test_messages_alone() -> None:
    """That a failure says it in other words is no change of the claim."""
    assert of(case(CLAIM, BROKEN, "lost"), case(CLAIM, BROKEN, "gone")).identical


def test_outputs() -> None:
    """Outputs are compared leaf by leaf, floats within their tolerance."""
    before = {"a": "array float32[2] [1.0,2.0]", "b": "array int32[] 1", "c": "static 'x'"}
    after = {"a": "array float32[2] [1.0000001,2.0]", "b": "array int32[] 2", "d": "Layer"}
    held = case(CLAIM, HELD)
    found = of(replace(held, outputs=before), replace(held, outputs=after))

    [change] = found.changes
    assert change.kind is Kind.OUTPUT
    assert change.leaves == (
        LeafChange("b", "array int32[] 1", "array int32[] 2"),
        LeafChange("c", "static 'x'", ""),
        LeafChange("d", "", "Layer"),
    )
    assert not found.worse


def test_choice() -> None:
    """What a subject chose to do, where a claim leaves it two ways, is compared too."""
    held = case(CLAIM, HELD)
    found = of(replace(held, notes={"answer": "done"}), replace(held, notes={"answer": "refused"}))

    assert found.changes[0].leaves == (LeafChange("answer", "done", "refused"),)


def test_details() -> None:
    """Details are kept apart, counted by name, and make nothing worse."""
    sides = []
    for word in ("before", "after"):
        cases = [case(f"section/{name}", HELD) for name in ("a", "b")]
        sides.append(record(*(replace(seen, details={"repr": word}) for seen in cases)))
    found = compare(*told(sides[0]), *told(sides[1]))

    [detail] = found.details
    assert (detail.name, detail.cases, detail.before, detail.after) == (
        "repr",
        2,
        "before",
        "after",
    )
    assert not found.changes
    assert not found.worse
    assert not found.identical


def test_details_of_one_side() -> None:
    """A record without details differs from none in them."""
    held = case(CLAIM, HELD)

    assert of(held, replace(held, details={"repr": "x"})).identical


def test_subjects() -> None:
    """What the two are of is told where it differs."""
    found = compare(*told(record(flax="0.12.1")), *told(record(flax="0.12.2", backends=("gpu",))))

    assert found.subject["flax"] == ("0.12.1", "0.12.2")
    assert found.subject["backends"] == ("cpu", "gpu")
    assert set(found.subject) == {"flax", "backends"}


CPU, GPU = (record(case(CLAIM, HELD, backend=name), backends=(name,)) for name in ("cpu", "gpu"))
LOST = record(case(CLAIM, BROKEN, backend="gpu"), backends=("gpu",))
BOTH = record(case(CLAIM, HELD), case(CLAIM, BROKEN, backend="gpu"), backends=("cpu", "gpu"))
NONE = record(backends=("gpu",))


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (CPU, GPU, []),
        (CPU, LOST, [(Kind.BROKEN, "gpu")]),
        (CPU, BOTH, [(Kind.BROKEN, "gpu")]),
        (BOTH, CPU, []),
        (BOTH, LOST, []),
        (BOTH, GPU, [(Kind.HELD, "gpu")]),
        (CPU, NONE, [(Kind.STOPPED, "cpu")]),
    ],
)
def test_backends(before: Record, after: Record, changes: list[tuple[Kind, str]]) -> None:
    """A new backend is compared with the only one that there was; one that is gone is left out."""
    found = compare(*told(before), *told(after)).changes

    assert [(change.kind, CaseKey.parse(change.case).backend) for change in found] == changes


@pytest.mark.parametrize("known_side", ["before", "after"])
def test_cause(known_side: str) -> None:
    """The cause of a known deviation is told on whichever side it is."""
    sides = [record(case(CLAIM, HELD)), record(case(CLAIM, BROKEN))]
    if known_side == "before":
        sides.reverse()
    first, second = (told(side, by=known(CLAIM, "Why.")) for side in sides)

    assert compare(*first, *second).changes[0].cause == "Why."
