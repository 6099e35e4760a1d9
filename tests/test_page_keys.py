"""The page without a mouse."""

from collections.abc import Callable

import pytest

from tests.browser import PHONE, Visit

pytestmark = pytest.mark.browser

FIRST = "8/8 hold, worst: held. kept on flax 0.12.12, jax 0.12.0, cpu"


def press(seen: Visit, *keys: str) -> str:
    """The name of what has the focus after these keys."""
    for key in keys:
        seen.page.keyboard.press(key)
    return seen.focused()


def into_the_matrix(seen: Visit) -> None:
    """Tabs from the top into the matrix."""
    for _ in range(20):
        if seen.page.evaluate("document.activeElement.closest('#matrix') !== null"):
            return
        seen.page.keyboard.press("Tab")
    pytest.fail("no way into the matrix")


def test_one_stop(visit: Callable[..., Visit]) -> None:
    """Tabs lead through the filters to one cell of the matrix, and on from there."""
    seen = visit()
    into_the_matrix(seen)

    assert seen.focused() == FIRST
    seen.page.keyboard.press("Tab")
    assert not seen.page.evaluate("document.activeElement.closest('#matrix') !== null")
    assert seen.page.locator("#matrix [tabindex='0']").count() == 1


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (["ArrowRight"], "kept on flax 0.12.12, jax 0.12.0, gpu"),
        (["ArrowDown"], "lost on flax 0.12.12, jax 0.12.0, cpu"),
        (["ArrowDown", "ArrowDown"], "known on flax 0.12.12, jax 0.12.0, cpu"),
        (["End"], "kept on flax 0.11.2, jax 0.7.1, cpu"),
        (["End", "ArrowRight"], "kept on flax 0.11.2, jax 0.7.1, cpu"),
        (["ArrowLeft"], "kept"),
        (["ArrowRight", "Home"], "kept"),
        (["ArrowUp"], "0.12.12"),
        (["ArrowUp", "ArrowUp"], "0.12.12"),
        (["PageDown"], "wrong on flax 0.12.12, jax 0.12.0, cpu"),
        (["PageDown", "PageUp"], "0.12.12"),
        (["ArrowLeft", "ArrowUp"], "axes"),
        (["Control+End"], "wrong on flax 0.12.10, jax 0.11.2, cpu"),
        (["Control+Home"], "0.12.12"),
    ],
)
def test_moves(keys: list[str], name: str, visit: Callable[..., Visit]) -> None:
    """Arrows and their like lead from cell to cell, over what has none, and not out."""
    seen = visit()
    into_the_matrix(seen)

    focused = press(seen, *keys)

    assert name.lower() in focused.lower()
    assert seen.page.evaluate("document.activeElement.tabIndex") == 0


@pytest.mark.parametrize("size", [None, PHONE])
def test_panel_and_back(size: tuple[int, int] | None, visit: Callable[..., Visit]) -> None:
    """Enter opens the panel and leads there; Escape closes it and leads back."""
    seen = visit(size=size) if size else visit()
    into_the_matrix(seen)

    assert press(seen, "ArrowDown", "Enter") == "axes/lost"
    assert seen.page.locator("#panel").is_visible()
    assert "lost on flax 0.12.12" in press(seen, "Escape")
    assert seen.page.locator("#panel").is_hidden()


def test_steps_in_the_panel(visit: Callable[..., Visit]) -> None:
    """After a step to another subject, Escape leads to the cell of that one."""
    seen = visit()
    into_the_matrix(seen)
    press(seen, "Enter")

    seen.page.locator("text=older").press("Enter")

    assert "kept on flax 0.12.12, jax 0.12.0, gpu" in press(seen, "Escape")


def test_unfolds(visit: Callable[..., Visit]) -> None:
    """Enter unfolds and folds a claim, and stays with it."""
    seen = visit()
    into_the_matrix(seen)

    assert press(seen, "ArrowLeft", "Enter").startswith("kept")
    assert "jit" in seen.rows()
    assert press(seen, "ArrowDown") == "jit"
    assert press(seen, "ArrowUp", "Space").startswith("kept")
    assert "jit" not in seen.rows()


def test_folds_a_section(visit: Callable[..., Visit]) -> None:
    """A section folds by Enter, and the focus stays on it."""
    seen = visit()
    into_the_matrix(seen)

    assert press(seen, "ArrowLeft", "ArrowUp", "Enter").lower() == "axes"
    assert "kept" not in seen.rows()


def test_search(visit: Callable[..., Visit]) -> None:
    """A slash leads to the search; in a field it is a slash."""
    seen = visit()
    into_the_matrix(seen)

    press(seen, "/", "a", "/")

    assert seen.page.input_value("#words") == "a/"


def test_focus_is_seen(visit: Callable[..., Visit]) -> None:
    """Whatever has the focus has an outline."""
    seen = visit()
    outline = "getComputedStyle(document.activeElement).outlineStyle"

    for _ in range(12):
        seen.page.keyboard.press("Tab")
        if seen.page.evaluate("document.activeElement !== document.body"):
            assert seen.page.evaluate(outline) != "none", seen.focused()


def test_focus_stays_when_the_rest_is_drawn(visit: Callable[..., Visit]) -> None:
    """A filter draws the matrix anew; its one stop is still a cell that is there."""
    seen = visit()
    seen.page.select_option("#section", "rngs")
    seen.page.focus("#clear")

    into_the_matrix(seen)

    assert "known on flax 0.12.12" in seen.focused()
