"""escaping: what records hold is shown, and does nothing else."""

import html
import re

import pytest

from conformance.report.escaping import (
    in_a_line,
    is_link,
    markdown_code,
    markdown_prose,
    printable,
)
from tests.reports import EVIL


@pytest.mark.parametrize(
    ("address", "links"),
    [
        ("https://github.com/google/flax/pull/1#issue-2", True),
        ("http://example.org", True),
        ("HTTPS://example.org/a?b=c&d", True),
        ("javascript:alert(1)", False),
        ("data:text/html,<script>", False),
        ("//example.org", False),
        ("https://", False),
        ("https://a b", False),
        ("https://a\njavascript:b", False),
        ("https://a>b", False),
        ("https://[", False),
        ("see the source", False),
        ("", False),
    ],
)
def test_is_link(address: str, links: bool) -> None:
    """Only an address of the web is linked."""
    assert is_link(address) is links


def test_printable() -> None:
    """A terminal is told nothing, and each character can be encoded."""
    shown = printable(EVIL)

    assert shown.isprintable()
    assert r"\x1b[31m" in shown
    assert shown.encode()


@pytest.mark.parametrize(
    ("text", "length", "line"),
    [("a\n  b\tc", 9, "a b c"), ("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcde…"), ("", 3, "")],
)
def test_in_a_line(text: str, length: int, line: str) -> None:
    """A text becomes one line that is no longer than it may be."""
    assert in_a_line(text, length) == line


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a/b-c", "`a/b-c`"),
        ("<b>", "`<b>`"),
        ("a`b", "<code>a&#96;b</code>"),
        ("a|b é", "<code>a&#124;b é</code>"),
        ("", "`-`"),
    ],
)
def test_markdown_code(text: str, code: str) -> None:
    """Code says the text, in a table too."""
    assert markdown_code(text) == code


def test_evil_code() -> None:
    """Code of whatever text is one element of one line, which decodes to that text."""
    code = markdown_code(EVIL, 1000)

    inside = code.removeprefix("<code>").removesuffix("</code>")
    assert html.unescape(inside) == in_a_line(EVIL, 1000)
    assert not set(inside) & set("<>|`*[]@\n")


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("as it is", "as it is"),
        ("<b> & *c* | d_e", r"&lt;b&gt; &amp; \*c\* \| d\_e"),
        ("[a](b) ~c~ $d$", r"\[a\](b) \~c\~ \$d\$"),
        ("0.12.12 - as # is", "0\\.12.12 - as # is"),
        ("1) one", r"1\) one"),
        ("- one", r"\- one"),
        ("# one", r"\# one"),
        ("@nnx.jit of #12", "@\u200bnnx.jit of #\u200b12"),
        ("a@b.c &#64;d", "a@\u200bb.c &amp;#\u200b64;d"),
    ],
)
def test_markdown_prose(text: str, prose: str) -> None:
    """Words are words: no element, no mention, no reference."""
    assert markdown_prose(text) == prose


def test_evil_prose() -> None:
    """Nothing in a text is left that Markdown or GitHub would take for more."""
    prose = markdown_prose(EVIL, 1000)

    assert not set(prose) & set("<>\n")
    assert not re.search(r"(?<!\\)[|`*\[\]_]", prose)
    assert not re.search(r"[@#]\w", prose)
