"""summary: the table at the end of a run."""

from collections.abc import Sequence

import pytest

from conformance.harness.summary import Tally
from conformance.harness.verdicts import Verdict


def tally(*cases: tuple[str, Verdict]) -> Tally:
    made = Tally()
    for case, verdict in cases:
        made.add(case, verdict)
    return made


def key(claim: str, backend: str = "cpu", transform: str = "jit") -> str:
    return f"{claim}[{transform},function,-,{backend},default]"


def test_table() -> None:
    """A row per section and backend, and one for all: claims, and cases by verdict."""
    table = tally(
        (key("rngs/a"), Verdict.HELD),
        (key("rngs/a", transform="vmap"), Verdict.BROKEN),
        (key("rngs/a", "gpu"), Verdict.HELD),
        (key("rngs/b"), Verdict.KNOWN_DEVIATION),
        (key("basics/a"), Verdict.NOT_APPLICABLE),
    ).table()

    assert [line.split() for line in table] == [
        "section backend claims held broken known deviations not applicable".split(),
        "basics cpu 1 0 0 0 1".split(),
        "rngs cpu 2 1 1 1 0".split(),
        "rngs gpu 1 1 0 0 0".split(),
        "all 3 2 1 1 1".split(),
    ]


def test_table_is_aligned() -> None:
    """Each number stands under the name of its column."""
    header, row, _ = tally((key("rngs/a"), Verdict.NOT_APPLICABLE)).table()

    assert row.index("1", row.index("0")) == header.index("not applicable")


@pytest.mark.parametrize(
    ("verdict", "column"),
    [(Verdict.STALE_DEVIATION, "stale"), (Verdict.SUITE_ERROR, "suite errors")],
)
def test_columns_that_are_seldom(verdict: Verdict, column: str) -> None:
    """What no good run has takes a column only where it was seen."""
    assert column in tally((key("rngs/a"), verdict)).table()[0]
    assert column not in tally((key("rngs/a"), Verdict.HELD)).table()[0]


def test_variants_do_not_confuse_the_table() -> None:
    """A variant's label may hold what elsewhere separates parameters."""
    (_, row, _) = tally(("rngs/a[jit,method,a,b [c],cpu,x=1+y=0]", Verdict.HELD)).table()

    assert row.split() == ["rngs", "cpu", "1", "1", "0", "0", "0"]


def test_a_later_phase_counts() -> None:
    """A case that ends in another way than it seemed to counts once, by its end."""
    table = tally((key("rngs/a"), Verdict.HELD), (key("rngs/a"), Verdict.SUITE_ERROR)).table()

    assert table[-1].split() == ["all", "1", "0", "0", "0", "0", "1"]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], False),
        ([Verdict.NOT_APPLICABLE], True),
        ([Verdict.NOT_APPLICABLE, Verdict.HELD], False),
        ([Verdict.NOT_APPLICABLE, Verdict.SUITE_ERROR], False),
    ],
)
def test_only_not_applicable(verdicts: Sequence[Verdict], expected: bool) -> None:
    """A run in which nothing could be executed is told from one in which nothing was selected."""
    cases = [(key(f"rngs/{index}"), verdict) for index, verdict in enumerate(verdicts)]

    assert tally(*cases).only_not_applicable() == expected


def test_findings() -> None:
    """Each claim that is broken is named with its number of cases, each cause with its claims."""
    found = tally(
        (key("rngs/a"), Verdict.HELD),
        (key("rngs/a", transform="vmap"), Verdict.BROKEN),
        (key("rngs/b"), Verdict.STALE_DEVIATION),
        (key("rngs/c"), Verdict.SUITE_ERROR),
    )
    for claim, transform in (("basics/a", "jit"), ("basics/a", "vmap"), ("rngs/d", "jit")):
        case = key(claim, transform=transform)
        found.add(case, Verdict.KNOWN_DEVIATION, cause="It is so.")

    assert found.findings() == [
        "broken: rngs/a (1 of 2 cases)",
        "stale deviation: rngs/b (1 of 1 cases)",
        "suite error: rngs/c (1 of 1 cases)",
        "known deviation: basics/a, rngs/d (3 cases): It is so.",
    ]


def test_nothing_found() -> None:
    """Where all is held, or is not there to be held, there is nothing to name."""
    found = tally((key("rngs/a"), Verdict.HELD), (key("rngs/b"), Verdict.NOT_APPLICABLE))

    assert found.findings() == []
