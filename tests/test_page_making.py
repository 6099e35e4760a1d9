"""The page as a file: whole, closed to everything outside, and not to be broken out of."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from conformance.guide.promises import Promise
from conformance.harness.records import Record
from conformance.report.page.making import HERE, SCRIPTS, STYLES, page
from tests.reports import BROKEN, EVIL, HELD, case, known, record, told

ADDRESSES = {"src", "href", "action", "formaction", "data", "poster", "srcset", "background"}
LINES = 300  # of a file, as everywhere


class Elements(HTMLParser):
    """The elements of a page: their names and attributes, and what scripts and styles hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.contents: list[str] = []
        self._inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag in ("script", "style")
        if self._inside:
            self.contents.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.contents[-1] += data


def evil() -> Record:
    """A record in which everything that can be is evil."""
    return record(
        case(f"evil/{EVIL}", BROKEN, EVIL, style=EVIL),
        case(f"{EVIL}/x", HELD, transform="jit" + EVIL.replace(",", "")),
        mode=EVIL,
        backends=(EVIL,),
    )


@pytest.fixture(scope="module")
def plain() -> Elements:
    return Elements(page(told(record(case("a/x", HELD))), {}))


def test_nothing_outside(plain: Elements) -> None:
    """No element leads anywhere else: what is drawn is in the file."""
    addresses = [
        value
        for _, attributes in plain.found
        for name, value in attributes.items()
        if name in ADDRESSES
    ]
    assert [address for address in addresses if not (address or "").startswith("data:")] == []
    assert not re.search(r"url\(|@import|image-set", plain.contents[0])


def test_policy(plain: Elements) -> None:
    """The policy comes before all that it is for, and knows the script and the looks."""
    names = [name for name, _ in plain.found]
    (policy,) = (
        attributes["content"] or ""
        for _, attributes in plain.found
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    style, _, script = plain.contents
    rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))

    assert rules == {
        "default-src": "'none'",
        "style-src": f"'{digest(style)}'",
        "script-src": f"'{digest(script)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert names.index("style") > names.index("meta") + 1
    assert not [
        name for _, attributes in plain.found for name in attributes if name.startswith("on")
    ]
    assert not [attributes for _, attributes in plain.found if "style" in attributes]


def digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_evil(plain: Elements) -> None:
    """Whatever records, claims and deviations say, the page has the same elements."""
    one = evil()
    promises = {seen.claim: Promise(seen.claim, EVIL, EVIL) for seen in one.cases.values()}
    made = Elements(page(told(one, by=known("evil/*", EVIL, evidence=EVIL)), promises))

    assert made.found == plain.found
    assert EVIL in json.loads(made.contents[1])["texts"]


def test_the_script_makes_text_only(plain: Elements) -> None:
    """Nothing in the script reads a text as HTML or as a program."""
    script = plain.contents[2]

    for way in (
        r"(inner|outer)HTML|insertAdjacentHTML|document\.write|createContextualFragment",
        r"\beval\b|\bFunction\b|import\(|setTimeout\(['\"]|srcdoc|DOMParser",
        r"\bfetch\b|XMLHttpRequest|WebSocket|sendBeacon|EventSource|new Image",
    ):
        assert re.findall(way, script) == []


@pytest.mark.parametrize(("kind", "names"), [("js", SCRIPTS), ("css", STYLES)])
def test_each_part_is_used(kind: str, names: tuple[str, ...]) -> None:
    """The page is made of all of the files of its folder, none of them long."""
    files = list((HERE / kind).iterdir())

    assert {file.name for file in files} == {f"{name}.{kind}" for name in names}
    assert [file.name for file in files if len(file.read_text().splitlines()) > LINES] == []


def test_the_same_again() -> None:
    """Equal records make equal pages: a page names no time and no place."""
    assert page(told(evil()), {}) == page(told(evil()), {})
