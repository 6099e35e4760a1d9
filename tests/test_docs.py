"""What the pages tell to type exists, and what they lead to is there."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from conformance import command
from tests.conftest import CHECKOUT

PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").glob("*.md")])


def blocks(language: str, text: str) -> list[str]:
    """The blocks of code in a language."""
    found: list[str] = re.findall(
        rf"^ *```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL
    )
    return found


def typed() -> list[str]:
    """Every command line of ours that a page tells to type."""
    lines = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for block in (*blocks("bash", text), *blocks("yaml", text)):
            lines += [line.strip().removeprefix("- ") for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("nnx-conformance ")})


@pytest.mark.parametrize("line", typed())
def test_commands_exist(line: str) -> None:
    """What is told to type has options that there are."""
    own, _ = command._parted(shlex.split(line, comments=True)[1:])
    parsed = command._parser().parse_args(own, argparse.Namespace(pytest=[]))
    assert callable(parsed.run)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A link to a file of the checkout leads to one."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_tools_exist() -> None:
    """A tool that a page tells to run is there."""
    told = {
        name
        for page in PAGES
        for name in re.findall(r"\bpython (tools/\w+\.py)", page.read_text("utf-8"))
    }
    assert told
    assert [name for name in sorted(told) if not (CHECKOUT / name).is_file()] == []
