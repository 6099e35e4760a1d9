"""The panel of the page, and the links that lead to it."""

from collections.abc import Callable
from urllib.parse import parse_qs

import pytest

from conformance.report.page.making import page
from tests.browser import Visit
from tests.reports import BROKEN, case, known, record, told
from tests.sample import CAUSE, EVIDENCE

pytestmark = pytest.mark.browser

NEWEST = "flax 0.12.12, jax 0.12.0, cpu"
OLDEST = "flax 0.11.2, jax 0.7.1, cpu"
KEY = "axes/lost[scan,function,-,cpu,default]"


def parts(fragment: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(fragment.removeprefix("#")).items()}


def test_claim(visit: Callable[..., Visit]) -> None:
    """A cell opens on its claim: the sentence, the guide, and what was found in which case."""
    seen = visit()

    seen.open("lost", NEWEST)

    said = seen.text()
    for words in (
        *("axes/lost", NEWEST, "1 of 2 cases holds", "A name is found again."),
        *("broken: 1 case", KEY, "scan · function", "wrong result: WrongResult"),
        *("y: expected 1,\nfound <b>2</b>", "answer\ndone", "object0.kernel\nParam float32[3]"),
        *("y\n2", "traces\n3", "held: 1 case", "transform\nscan", "backend\ncpu"),
    ):
        assert words in said
    guide = seen.page.get_attribute("#panel .guide a", "href")
    assert str(guide).endswith("/guides/transforms.html#axis-metadata")


def test_known_deviation(visit: Callable[..., Visit]) -> None:
    """A known deviation has its cause, and a link to its evidence that tells no referrer."""
    seen = visit()

    seen.open("known", NEWEST)

    assert CAUSE in seen.text()
    link = seen.page.locator(f'#panel a[href="{EVIDENCE}"]')
    assert link.get_attribute("rel") == "noopener noreferrer"


@pytest.mark.parametrize(
    "address",
    ["javascript:window.evil=1", "data:text/html,x", "//example.org", "file:///etc/passwd", "x y"],
)
def test_no_link(address: str, visit: Callable[..., Visit]) -> None:
    """Evidence that is no address of the web is words."""
    one = record(case("rngs/known", BROKEN))
    seen = visit(page(told(one, by=known("rngs/known", evidence=address)), {}))

    for cell in ("td button", "thead button"):
        seen.page.click(cell)
        assert "It is so." in seen.text()
        assert seen.page.locator("#panel a:not([href^='#'])").count() == 0


def test_unfolds_on_demand(visit: Callable[..., Visit]) -> None:
    """Cases that hold are counted, and listed when they are asked for."""
    seen = visit()
    seen.open("kept", NEWEST)
    assert "jit · function · first" not in seen.text()

    seen.page.click("text=held: 8 cases")
    seen.page.click("text=jit · function · first")

    seen.page.get_by_text("axes/kept[jit,function,first,cpu,default]").wait_for()


def test_transform_and_case(visit: Callable[..., Visit]) -> None:
    """The cells of a transform and of a case open on just those."""
    seen = visit()
    seen.page.click("text=kept")
    seen.page.click("tbody .depth-1 >> text=vmap")

    seen.open("vmap", OLDEST)
    assert "4 of 4 cases hold" in seen.text()
    seen.open("method · last", OLDEST)
    assert "axes/kept[vmap,method,last,cpu,default]" in seen.text()


def test_subject(visit: Callable[..., Visit]) -> None:
    """The head of a column tells of the subject."""
    seen = visit()

    seen.page.click("thead th:nth-child(2) button")

    said = seen.text()
    assert "1 of 4 claims held; the run was of a part of the claims." in said
    assert "jaxlib\n0.12.0" in said
    assert CAUSE in said


def test_older_and_newer(visit: Callable[..., Visit]) -> None:
    """From a cell one goes on to the same one of another subject."""
    seen = visit()
    seen.open("lost", NEWEST)

    seen.page.click("text=older")
    seen.page.click("text=older")
    assert "flax 0.12.10" in seen.text("#panel .of")
    seen.page.click("text=newer")
    assert "gpu" in seen.text("#panel .of")


def test_no_such_case(visit: Callable[..., Visit]) -> None:
    """Where a record does not have the case, that is said."""
    seen = visit(fragment="#at=0.11.2-jax-0.7.1-cpu&claim=rngs%2Fwrong")

    assert "The record has no such case." in seen.text()


def test_closes(visit: Callable[..., Visit]) -> None:
    """It closes by its button, and the address forgets it."""
    seen = visit()
    seen.open("lost", NEWEST)
    assert parts(seen.fragment()) == {"at": "0.12.12-jax-0.12.0-cpu", "claim": "axes/lost"}

    seen.page.click("#panel .close")

    assert seen.page.locator("#panel").is_hidden()
    assert seen.fragment() == ""


def test_link_restores(visit: Callable[..., Visit]) -> None:
    """A link to a cell brings back the panel and the filters, also after a reload."""
    first = visit()
    first.page.select_option("#section", "axes")
    first.page.click("text=kept")
    first.page.click("tbody .depth-1 >> text=jit")
    first.open("function · last", OLDEST)
    link = str(first.page.get_attribute(".toolbar a", "href"))
    assert link == first.fragment()

    again = visit(fragment=link)
    for _ in range(2):
        assert again.text() == first.text()
        assert again.rows() == first.rows()
        assert again.page.locator("[aria-current]").count() == 1
        assert again.fragment() == first.fragment()
        again.page.reload()
        again.wait()


@pytest.mark.parametrize(
    "fragment",
    [
        "#at=0.9.9-jax-1-cpu&claim=axes/lost",
        "#at=0.11.2-jax-0.7.1-cpu&claim=axes/none",
        "#claim=axes/lost",
        "#show-section=nowhere&show-verdict=%3Cscript%3E&show-subject=x",
        "#%E0%A4%A",
    ],
)
def test_link_to_nothing(fragment: str, visit: Callable[..., Visit]) -> None:
    """What a link says that means nothing here is passed over."""
    seen = visit(fragment=fragment)

    assert len(seen.rows()) == 5
    assert seen.page.locator("#panel").is_hidden()
    assert seen.errors == []


def test_back(visit: Callable[..., Visit]) -> None:
    """The way back leads out of the panel, and forward into it."""
    seen = visit()
    seen.open("lost", NEWEST)

    seen.page.go_back()
    assert seen.page.locator("#panel").is_hidden()
    seen.page.go_forward()
    assert "axes/lost" in seen.text()


def test_another_link_in_the_same_window(visit: Callable[..., Visit]) -> None:
    """An address that is typed over the old one is followed."""
    seen = visit()

    seen.page.evaluate("location.hash = 'at=0.11.2-jax-0.7.1-cpu&claim=axes/lost'")

    seen.page.locator("#panel").wait_for()
    assert OLDEST in seen.text()
