"""docs/GUIDE-CELLS.md: which cells of its guide each release runs."""

import pytest

from conformance.guide.cells import Cell
from conformance.guide.mapping import Known
from conformance.guide.notebooks import Outcome
from conformance.harness.subject import releases
from tools import guide_cells
from tools.guide_cells import Cause, Row

TRY = "try:\n  f()\nexcept ValueError as e:\n  print(e)"
CELLS = [
    Cell(number, f"Part {number}", "guide.md", number, source, f"d{number}")
    for number, source in enumerate((TRY, "f()", "g()"), 1)
]
RAN = Outcome()
SAID = Outcome(printed=(("stdout", "So it"), ("stdout", " is. Ask (not me).\nNo.")))
LOST = Outcome("ValueError", "it is lost")
BURNT = Outcome("ValueError", "it is burnt")
FOLLOWING = Outcome("NameError", "x", follows="follows from cell 2, which defines it")
CAUSES = [
    Cause("ValueError", "lost", "Loses it."),
    Cause("ValueError", "burnt|charred", "Burns it."),
]
KNOWN = {"d2": Known(("part/two", "part/more"), ""), "d3": Known((), "a reason")}


def row(flax: str, *outcomes: Outcome) -> Row:
    return Row(flax, f"0.{flax}", dict(zip(CELLS, outcomes, strict=True)))


def test_page() -> None:
    """Counts by release, then each cause with its cells and releases, then their claims."""
    rows = [
        row("1", SAID, LOST, FOLLOWING),
        row("2", SAID, LOST, FOLLOWING),
        row("3", SAID, BURNT, RAN),
        row("4", RAN, RAN, RAN),
    ]
    page = guide_cells.page(rows, CAUSES, KNOWN)

    assert page.removeprefix(guide_cells.HEAD).splitlines() == [
        "",
        "| Flax | JAX | cells that run | cells that raise |",
        "|---|---|---|---|",
        "| 1 | 0.1 | 1 of 3 | 2, 3 |",
        "| 2 | 0.2 | 1 of 3 | 2, 3 |",
        "| 3 | 0.3 | 2 of 3 | 2 |",
        "| 4 | 0.4 | 3 of 3 | none |",
        "",
        "## Why they raise",
        "",
        "- Loses it. (`ValueError`; 1 to 2: cells 2)",
        "- Burns it. (`ValueError`; 3: cells 2)",
        "- An earlier cell that raised was to define what they use. (`NameError`; 1 to 2: cells 3)",
        "",
        "## What checks them",
        "",
        "| cell | claims |",
        "|---|---|",
        "| 2, Part 2 | `part/two`, `part/more` |",
        "| 3, Part 3 | none |",
        "",
        "## What is caught",
        "",
        "| cell | releases | prints |",
        "|---|---|---|",
        "| 1, Part 1 | 1 to 3 | So it is. |",
        "| 1, Part 1 | 4 | nothing |",
    ]


def test_unexplained() -> None:
    """An error without a cause stops the page, and is told."""
    with pytest.raises(
        guide_cells.Unexplained, match=r"^flax 1, cell 1 .*: ValueError: it is lost$"
    ):
        guide_cells.page([row("1", LOST, RAN, RAN)], CAUSES[1:], KNOWN)


def test_current() -> None:
    """The page has every release that the suite can be run on, and every cause is of some use."""
    page = guide_cells.PAGE.read_text("utf-8")

    for release in releases():
        if release.jax_of_its_day:
            assert f"\n| {release.version} | {release.jax_of_its_day} |" in page
    for cause in guide_cells.load_causes():
        assert f"- {cause.words} (" in page
