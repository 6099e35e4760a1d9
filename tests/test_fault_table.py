"""The fault table: every claim, with every transform, is turned red, and each fault by its theory.

The table itself is what was seen; `python -m tools.fault_table` makes it, and with `--check` it
turns every claim red anew.
"""

from pathlib import Path
from typing import Any

import pytest

from conformance.faults import table
from conformance.faults.catalogue import FAULTS
from conformance.faults.fault import matches
from conformance.faults.table import MalformedTable, Pair, Pairs, Table
from tools import fault_table

RUN = "python -m tools.fault_table"


@pytest.fixture(scope="module")
def pairs(sections: dict[str, list[Any]]) -> Pairs:
    """Every claim of the suite, with each transform that it is crossed with."""
    return frozenset(
        (function.claim.id, transform)
        for functions in sections.values()
        for function in functions
        for transform in function.claim.across or ("-",)
    )


@pytest.fixture(scope="module")
def stored(pairs: Pairs) -> Table:
    """The table that the suite ships."""
    return table.read(pairs)


def test_every_claim_can_fail(stored: Table, pairs: Pairs) -> None:
    """Each claim, with each transform, was seen red."""
    missing = sorted(pairs - stored.red)
    assert not missing, (
        f"no fault is known to turn these red: {missing}\n"
        f"Run `{RUN} FAULT`, for a fault of conformance/faults that should, or write one."
    )


def test_nothing_else(stored: Table, pairs: Pairs) -> None:
    """The table speaks of claims that there are, and of faults that there are."""
    assert sorted(stored.red - pairs) == [], f"no such claims any more: run `{RUN}`"
    assert list(stored.kills) == list(FAULTS), f"run `{RUN}`"


def test_no_idle_fault(stored: Table) -> None:
    """Each fault turns something red."""
    assert [name for name, kills in stored.kills.items() if not kills] == []


def test_by_its_theory(stored: Table) -> None:
    """A fault turns nothing red but what it says that it may hit."""
    beyond = [
        (name, pair)
        for name, kills in stored.kills.items()
        for pair in sorted(kills)
        if not FAULTS[name].may_hit(*pair)
    ]
    assert beyond == []


def test_every_hit_is_of_use(stored: Table) -> None:
    """What a fault says it may hit, it does hit: each of its globs somewhere."""
    idle = [
        (name, hit)
        for name, fault in FAULTS.items()
        for hit in fault.hits
        if not any(matches(hit, *pair) for pair in stored.kills.get(name, frozenset()))
    ]
    assert idle == []


def test_assigned(stored: Table) -> None:
    """Every pair has a fault that shows it, and every fault shows one."""
    assigned = stored.assigned()

    assert assigned.keys() == stored.red - stored.by_itself
    assert set(assigned.values()) == set(stored.kills)
    assert all(pair in stored.kills[fault] for pair, fault in assigned.items())


def test_page(stored: Table) -> None:
    """docs/FAULTS.md says what the table says."""
    assert fault_table.PAGE.read_text("utf-8") == fault_table.page(stored), f"run: {RUN}"


# The file

A, B, C, ALONE = ("s/a", "jit"), ("s/a", "vmap"), ("s/b", "jit"), ("s/c", "-")
SUITE: Pairs = frozenset({A, B, C, ALONE})
TEXT = """\
flax 1, jax 2

no fault
    s/b: jit

one
    s/a: all 2

two
    s/a: vmap
    s/c: -
"""
TABLE = Table(
    "flax 1, jax 2",
    frozenset({C}),
    {"one": frozenset({A, B}), "two": frozenset({B, ALONE})},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with that text."""
    path = tmp_path / "table.txt"
    path.write_text(TEXT)
    return path


def test_text(file: Path) -> None:
    """A table is written as it is read."""
    assert table.text_of(TABLE, SUITE) == TEXT
    assert table.read(SUITE, file) == TABLE


def test_all_of_another_number(file: Path) -> None:
    """A claim that was seen with all of its transforms was not seen with one that came later."""
    new: Pair = ("s/a", "scan")

    found = table.read(SUITE | {new}, file)

    assert found.kills["one"] == frozenset()
    assert found.kills["two"] == TABLE.kills["two"]


@pytest.mark.parametrize("line", ["    s/a", "    s/a: "])
def test_malformed(file: Path, line: str) -> None:
    """A line that names no transform is refused by its number."""
    file.write_text(f"{TEXT}{line}\n")

    with pytest.raises(MalformedTable, match=r"table.txt:12: not a line of the fault table"):
        table.read(SUITE, file)


def test_narrowest_is_assigned() -> None:
    """A pair is shown by the fault with the fewest pairs, and each fault shows one if it can."""
    kills = {
        "broad": frozenset({A, B, C, ALONE}),
        "narrow": frozenset({B}),
        "as-narrow": frozenset({A}),
        "wider": frozenset({A, B, C}),
    }
    assigned = Table("", frozenset(), kills).assigned()

    assert assigned == {B: "narrow", A: "as-narrow", C: "wider", ALONE: "broad"}
