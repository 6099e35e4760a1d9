"""The filters of the page, and what they leave."""

from collections.abc import Callable

import pytest

from tests.browser import Visit

pytestmark = pytest.mark.browser

ALL = ["kept", "lost", "known", "none", "wrong"]
NEWEST = 'td:nth-child(2) button[aria-label*=". {} on flax 0.12.12, jax 0.12.0, cpu"]'


def test_unfiltered(visit: Callable[..., Visit]) -> None:
    """All claims, and all subjects by backend where one has several, the newest first."""
    seen = visit()

    assert seen.rows() == ALL
    assert seen.columns() == ["0.12.12", "0.12.12", "0.12.10", "0.11.2"]
    assert seen.text("thead th:nth-child(3)").split() == ["0.12.12", "0.12.0", "gpu", "1/1"]
    assert seen.text("#shown").startswith("5 claims, 4 subjects.")
    assert seen.page.locator("#clear").is_hidden()


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("KEPT", ["kept"]),
        ("rngs/", ["known", "none", "wrong"]),
        ("name kept", ["kept"]),
        ("keyed by identity", ["known"]),
        ("no such word", []),
    ],
)
def test_words(words: str, rows: list[str], visit: Callable[..., Visit]) -> None:
    """Words are looked for in ids, sentences and causes; all of them must be there."""
    seen = visit()

    seen.page.fill("#words", words)
    seen.until("location.hash.includes('show-words')")

    assert seen.rows() == rows
    assert seen.page.locator("#nothing").is_visible() is not bool(rows)


@pytest.mark.parametrize(
    ("name", "value", "rows", "columns"),
    [
        ("section", "axes", ["kept", "lost"], 4),
        ("transform", "scan", ["lost"], 4),
        ("transform", "vmap-of-jit", ["known"], 4),
        ("backend", "gpu", ALL, 1),
        ("subject", "0.11.2-jax-0.7.1-cpu", ALL, 1),
    ],
)
def test_choices(
    name: str, value: str, rows: list[str], columns: int, visit: Callable[..., Visit]
) -> None:
    """A choice leaves the rows, or the columns, that it names."""
    seen = visit()

    seen.page.select_option(f"#{name}", value)

    assert seen.rows() == rows
    assert len(seen.columns()) == columns


def test_transform_counts(visit: Callable[..., Visit]) -> None:
    """Of one transform, the cases of that transform are counted."""
    seen = visit()
    cell = NEWEST.format("kept")

    assert seen.text(cell) == "8/8"
    seen.page.select_option("#transform", "vmap")
    assert seen.text(cell) == "4/4"


@pytest.mark.parametrize(
    ("verdict", "rows"),
    [
        ("broken", ["lost"]),
        ("known deviation", ["known"]),
        ("suite error", ["wrong"]),
        ("not applicable", ["none"]),
        ("held", ["kept", "lost", "known", "wrong"]),
    ],
)
def test_verdict(verdict: str, rows: list[str], visit: Callable[..., Visit]) -> None:
    """A verdict leaves the claims that have it on some subject; once more and all are back."""
    seen = visit()
    chip = f'[data-verdict="{verdict}"]'

    seen.page.click(chip)
    assert seen.rows() == rows
    assert seen.page.get_attribute(chip, "aria-pressed") == "true"
    seen.page.click(chip)
    assert seen.rows() == ALL


def test_together_and_cleared(visit: Callable[..., Visit]) -> None:
    """Filters go together, and are cleared together."""
    seen = visit()

    seen.page.select_option("#subject", "0.12.12-jax-0.12.0-cpu")
    seen.page.click('[data-verdict="held"]')
    assert seen.rows() == ["kept", "lost", "known"]
    seen.page.click("#clear")

    assert (seen.rows(), len(seen.columns()), seen.fragment()) == (ALL, 4, "")
    assert seen.page.input_value("#subject") == ""


def test_filters_in_the_address(visit: Callable[..., Visit]) -> None:
    """The address has the filters: whoever follows it sees the same."""
    first = visit()
    first.page.select_option("#section", "rngs")
    first.page.click('[data-verdict="held"]')
    first.page.fill("#words", "count")
    first.until("location.hash.includes('count')")

    again = visit(fragment=first.fragment())

    assert again.rows() == first.rows() == ["wrong"]
    assert again.page.input_value("#section") == "rngs"
    assert again.page.input_value("#words") == "count"


@pytest.mark.parametrize("mark", ["✓", "✗", "~", "?", "\u2013"])
def test_not_by_colour_alone(mark: str, visit: Callable[..., Visit]) -> None:
    """Each verdict has a mark of its own, in cells and in the legend."""
    seen = visit()
    drawn = "e => getComputedStyle(e, '::before').content"
    cells = [one.evaluate(drawn) for one in seen.page.locator("td button").all()]

    assert any(mark in content for content in cells)
    assert mark in seen.text("#verdicts")


def test_folding(visit: Callable[..., Visit]) -> None:
    """A section folds; a claim unfolds to its transforms, and one of those to its cases."""
    seen = visit()

    seen.page.click("text=kept")
    assert seen.rows()[:4] == ["kept", "jit", "vmap", "lost"]
    seen.page.click("tbody .depth-1 >> text=vmap")
    cases = ["function · first", "function · last", "method · first", "method · last"]
    assert seen.rows()[:8] == ["kept", "jit", "vmap", *cases, "lost"]
    seen.page.click("tbody .depth-0 >> text=kept")
    assert seen.rows() == ALL
    seen.page.click(".section >> text=axes")
    assert seen.rows() == ALL[2:]
    assert seen.page.get_attribute(".section button >> nth=0", "aria-expanded") == "false"
