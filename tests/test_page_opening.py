"""The page opens: soon, alone, and whatever its records say."""

from collections.abc import Callable

import pytest

from conformance.guide.promises import Promise, promises
from conformance.harness import deviations
from conformance.report.chosen import chosen
from conformance.report.page.making import page
from tests.browser import Visit
from tests.reports import known, told
from tests.test_page_making import EVIL, evil

pytestmark = pytest.mark.browser

SOON = 1000  # ms from the start of the navigation until the matrix is painted


@pytest.fixture(scope="module")
def baselines_page() -> str:
    """The page of every release with the JAX of its day."""
    shipped = deviations.load(deviations.SHIPPED_FILE)
    return page(told(*chosen([]), by=shipped), promises())


def test_opens_soon(visit: Callable[..., Visit], baselines_page: str) -> None:
    """All releases are there before the reader has waited; of some tries the quickest counts."""
    waited = []
    for _ in range(3):
        seen = visit(baselines_page)
        seen.until(f"{times('first-contentful-paint')}.length > 0")
        marks = (times("matrix-drawn"), times("first-contentful-paint"))
        waited.append(max(seen.page.evaluate(f"{mark}[0].startTime") for mark in marks))

    assert min(waited) < SOON
    assert len(seen.columns()) == 23
    rows = "document.querySelectorAll('tbody tr:not(.section)').length"
    seen.until(f"{rows} === {len(promises())}")
    assert seen.errors == []


def times(name: str) -> str:
    return f"performance.getEntriesByName({name!r})"


def test_asks_for_nothing(visit: Callable[..., Visit]) -> None:
    """Nothing is asked for but the file, whatever is pressed."""
    seen = visit()
    for pressed in seen.page.locator(
        "td button, thead button, #theme, #panel button:enabled"
    ).all():
        pressed.click()

    assert {one for one in seen.requests if not one.startswith("data:")} == {seen.address}
    assert seen.errors == []


def test_evil(visit: Callable[..., Visit]) -> None:
    """What records, claims and causes say is shown in full, and neither run nor drawn."""
    one = evil()
    said = {seen.claim: Promise(seen.claim, EVIL, EVIL) for seen in one.cases.values()}
    seen = visit(page(told(one, by=known("evil/*", EVIL, evidence=EVIL)), said))
    elements = "document.querySelectorAll('img, script, iframe, object, [onerror]').length"
    before = seen.page.evaluate(elements)

    for pressed in seen.page.locator("td button").all():
        pressed.click()
        assert seen.page.evaluate(elements) == before == 2
        assert seen.page.evaluate("window.evil") is None
    shown = str(seen.page.locator("#panel").text_content())
    assert EVIL.replace("\ud800", "?") in shown
    assert [a for a in hrefs(seen) if not a.startswith(("http", "#"))] == []
    assert seen.errors == []


def hrefs(seen: Visit) -> list[str]:
    links = seen.page.locator("a").all()
    return [str(one.get_attribute("href")) for one in links]


def test_without_a_record_of_anything(visit: Callable[..., Visit]) -> None:
    """A page of no subject says so, rather than fail."""
    seen = visit(page([], {}))

    assert "No claim" in seen.text("#main")
    assert seen.errors == []
