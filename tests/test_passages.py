"""passages: a guide's text taken apart."""

import json
import re
from pathlib import Path

import pytest

from conformance.guide.passages import GuideError, read
from tests.guide import GUIDE, passages, written

PLACES = [
    ("Shapes: sentence 1", "A shape has sides."),
    ("Shapes: sentence 2", "It is closed, i.e. it has an inside!"),
    ("Shapes: sentence 3", "`area` is positive:"),
    ("Shapes: sentence 4", "Sides are straight."),
    ("Shapes: sentence 5", "Corners are sharp."),
    ("Shapes: sentence 6", "So is wit."),
    ("Shapes: cell 1", "import shapes"),
    ("Squares: row 1", "Name | Sides"),
    ("Squares: row 2", "Square | 4"),
    ("Squares: sentence 1", "A square is a square."),
    ("Squares: cell 1", "square = shapes.Square()\n\nsquare.area"),
    ("Rotated: sentence 1", "It is still a square."),
]


def test_parse() -> None:
    """Sentences, rows and cells are counted by section, and their spaces are evened."""
    assert [(passage.place, passage.words) for passage in passages()] == PLACES


def test_digests() -> None:
    """A digest is that of the words: a line broken elsewhere keeps it, a letter more does not."""
    before = [passage.digest for passage in passages()]
    reflowed = [
        p.digest for p in passages(GUIDE.replace("it has\nan inside", "it\nhas an   inside"))
    ]
    edited = [p.digest for p in passages(GUIDE.replace("wit.", "wits."))]

    assert reflowed == before
    assert [place for place, a, b in zip(PLACES, before, edited, strict=True) if a != b] == [
        PLACES[5]
    ]
    assert len(set(before)) == len(before)


def test_notebook(tmp_path: Path) -> None:
    """The same guide as a notebook has the same passages."""
    import jupytext

    notebook = jupytext.reads(GUIDE, fmt="md:myst")
    path = written(tmp_path / "guide.ipynb", jupytext.writes(notebook, fmt="ipynb"))

    assert read(path) == passages()


def test_listing(tmp_path: Path) -> None:
    """Code that is shown and not run is a listing."""
    path = written(tmp_path / "guide.md", GUIDE + "\n```python\nsquare  = 1\n```\n")

    assert (read(path)[-1].kind, read(path)[-1].words) == ("listing", "square  = 1")


EMPTY_NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}

UNREADABLE = {
    "absent": ("guide.md", None, "guide.md: No such file or directory"),
    "suffix": ("guide.rst", GUIDE, "guide.rst: a guide is a file of .md or .ipynb"),
    "no-notebook": ("guide.ipynb", "{", "guide.ipynb: cannot be read as ipynb: "),
    "not-text": ("guide.md", b"\xff\xfe", "guide.md: not text"),
    "no-cell": ("guide.md", "# Prose\n\nOnly.", "guide.md: holds no code cell"),
    "empty": ("guide.md", "", "guide.md: holds no code cell"),
    "empty-notebook": ("guide.ipynb", json.dumps(EMPTY_NOTEBOOK), "guide.ipynb: holds no"),
}


@pytest.mark.parametrize(("name", "content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable(tmp_path: Path, name: str, content: str | bytes | None, message: str) -> None:
    """What is no guide is refused in one line that names it."""
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        written(path, content)

    with pytest.raises(GuideError, match=re.escape(message)) as refused:
        read(path)

    assert "\n" not in str(refused.value)


def test_without_jupytext(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library that reads guides, one line says how to get it."""
    monkeypatch.setitem(__import__("sys").modules, "jupytext", None)

    with pytest.raises(GuideError, match=r"pip install jupytext$"):
        read(written(tmp_path / "guide.md"))
