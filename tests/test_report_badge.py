"""badge: how many claims a subject holds."""

import json

import pytest

from conformance.harness.records import Record
from conformance.report.badge import SeveralSubjects, badge
from tests.reports import BROKEN, ERROR, HELD, MISSING, STALE, case, known, record, told

A, A2 = case("a/a", HELD), case("a/a", HELD, style="method")
A2_LOST = case("a/a", BROKEN, style="method")
B, B_LOST, B_MISSING = case("a/b", HELD), case("a/b", BROKEN), case("a/b", MISSING)
A_GPU = case("a/a", HELD, backend="gpu")
A_GPU_LOST = case("a/a", BROKEN, backend="gpu")


@pytest.mark.parametrize(
    ("records", "explained", "message", "color"),
    [
        ([record(A, A2, B)], "", "2/2 claims held on cpu", "brightgreen"),
        ([record(A, A2_LOST, B)], "", "1/2 claims held on cpu", "red"),
        ([record(A2_LOST, B)], "a/a", "1/2 claims held on cpu", "yellow"),
        ([record(A2_LOST, B_LOST)], "a/a", "0/2 claims held on cpu", "red"),
        ([record(A, B_MISSING)], "", "1/1 claims held on cpu", "brightgreen"),
        ([record(A, case("a/b", STALE))], "a/b", "1/2 claims held on cpu", "red"),
        ([record(A, case("a/b", ERROR))], "", "1/2 claims held on cpu", "red"),
        ([record(B_MISSING)], "", "no claim was run", "lightgrey"),
        (
            [record(A, A_GPU_LOST, B, backends=("gpu", "cpu"))],
            "",
            "1/2 claims held on gpu, cpu",
            "red",
        ),
        (
            [record(A, B), record(A_GPU, backends=("gpu",))],
            "",
            "2/2 claims held on cpu, gpu",
            "brightgreen",
        ),
        (
            [record(A, B), record(A_GPU_LOST, backends=("gpu",))],
            "",
            "1/2 claims held on cpu, gpu",
            "red",
        ),
    ],
)
def test_badge(records: list[Record], explained: str, message: str, color: str) -> None:
    """A claim is held where every case that ran has; the worst verdict gives the colour."""
    outcomes = told(*records, by=known(explained) if explained else ())

    assert json.loads(badge(outcomes)) == {
        "schemaVersion": 1,
        "label": "NNX claims",
        "message": message,
        "color": color,
    }


@pytest.mark.parametrize(
    "other", [record(A, flax="0.12.10"), record(A, jax="0.11.0"), record(A, mode="x=true")]
)
def test_several_subjects(other: Record) -> None:
    """Several subjects have no badge."""
    with pytest.raises(SeveralSubjects, match=r"^a badge is of one subject, .* of 2: flax 0\.12"):
        badge(told(record(A), other))
