"""The page by day and by night, on a phone, and for those who do not see it."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import DESKTOP, PHONE, Visit

pytestmark = pytest.mark.browser

LOST = "#at=0.12.12-jax-0.12.0-cpu&claim=axes/lost"
KNOWN = "#at=0.12.12-jax-0.12.0-cpu&claim=rngs/known"
UNFOLDED = "#at=0.12.12-jax-0.12.0-cpu&claim=axes/kept&transform=vmap&case=method,last"
SUBJECT = "#at=0.12.12-jax-0.12.0-cpu"
FILTERED = "#show-verdict=broken"
NOTHING = "#show-words=nothing-is-called-so"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
WHITE, NIGHT = "rgb(255, 255, 255)", "rgb(13, 17, 23)"


@pytest.mark.parametrize(("scheme", "colour"), [("light", WHITE), ("dark", NIGHT)])
def test_follows_the_system(scheme: str, colour: str, visit: Callable[..., Visit]) -> None:
    """Unless told otherwise the page is as light as the system."""
    seen = visit(color_scheme=scheme)

    assert seen.page.evaluate(BACKGROUND) == colour


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme(scheme: str, visit: Callable[..., Visit]) -> None:
    """The button goes through the themes, and the page stays so after a reload."""
    seen = visit(color_scheme=scheme)
    shown = []
    for _ in range(3):
        seen.page.click("#theme")
        shown.append((seen.text("#theme"), seen.page.evaluate(BACKGROUND)))
        seen.page.reload()
        seen.wait()
        assert seen.page.evaluate(BACKGROUND) == shown[-1][1]

    system = WHITE if scheme == "light" else NIGHT
    assert shown == [
        ("Theme: light", WHITE),
        ("Theme: dark", NIGHT),
        ("Theme: system", system),
    ]


@pytest.mark.parametrize("fragment", ["", LOST, UNFOLDED, FILTERED, NOTHING])
def test_phone(fragment: str, visit: Callable[..., Visit]) -> None:
    """On a phone nothing but the matrix scrolls sideways, and the claims stay where they are."""
    seen = visit(fragment=fragment, size=PHONE, is_mobile=True, has_touch=True)

    assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    assert seen.page.evaluate("document.getElementById('panel').scrollWidth") <= PHONE[0]
    if not fragment:
        seen.page.evaluate("document.getElementById('scroller').scrollLeft = 99")
        assert seen.box("tbody th")["x"] == 0
        seen.page.tap(seen.cell("kept", "flax 0.12.12, jax 0.12.0, gpu"))
        box = seen.box("#panel")
        assert (box["x"], box["width"]) == (0, PHONE[0])
        seen.page.tap("#panel .close")
        assert seen.page.locator("#panel").is_hidden()


def test_turned(visit: Callable[..., Visit]) -> None:
    """A panel that is open stays so when the window becomes narrow, or wide."""
    seen = visit(fragment=LOST)
    for width in (PHONE[0], DESKTOP[0]):
        seen.page.set_viewport_size({"width": width, "height": 800})
        assert "axes/lost" in seen.text()
        assert seen.page.locator("#panel").is_visible()


def test_heads_stay(visit: Callable[..., Visit]) -> None:
    """Subjects and claims are in sight however far the matrix is scrolled."""
    seen = visit(size=(600, 420))
    before = seen.box("thead th")["y"]

    seen.page.evaluate("document.getElementById('scroller').scrollTop = 200")

    assert seen.box("thead th")["y"] == before


@pytest.mark.parametrize("fragment", ["", LOST, KNOWN, UNFOLDED, SUBJECT, FILTERED, NOTHING])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(
    scheme: str, size: tuple[int, int], fragment: str, visit: Callable[..., Visit]
) -> None:
    """axe finds nothing wrong, by day and by night, with the panel open and closed."""
    seen = visit(fragment=fragment, size=size, color_scheme=scheme, bypass_csp=True)
    for fold in seen.page.locator("#panel details:not([open]) > summary").all():
        fold.click()

    found = Axe().run(seen.page).response["violations"]

    assert [described(one) for one in found] == []


def described(violation: dict[str, Any]) -> str:
    where = [node["html"][:160] for node in violation["nodes"][:3]]
    return f"{violation['impact']}: {violation['id']}: {violation['help']}: {where}"
