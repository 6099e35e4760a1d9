"""guide.cells: a guide's code cells, found and understood without being run."""

import json
import re
from pathlib import Path

import jupytext
import pytest

from conformance.guide.cells import Cell, NotPython, guide_named, python_of
from conformance.guide.passages import GuideError
from tests.guide import GUIDE, SDIST, archive, serve, written

IN_CHECKOUT = "docs_nnx/guides/transforms.md"
TAGGED = """\
# One

```{code-cell}
```

```{code-cell}
:tags: [raises-exception, other]

1 / 0
```
"""


def test_guide(tmp_path: Path) -> None:
    """A cell has its section, the line where it begins, its code, and the digest of its words."""
    path = written(tmp_path / "guide.md")
    first, second = guide_named(str(path)).cells

    assert (first.number, first.place, first.source) == (1, "Shapes, line 17", "import shapes")
    assert (second.number, second.place) == (2, "Squares, line 29")
    assert path.read_text().splitlines()[28] == second.source.splitlines()[0]
    assert len({first.digest, second.digest}) == 2


def test_notebook(tmp_path: Path) -> None:
    """In a notebook a cell is known by its number; its words have the same digest."""
    notebook = jupytext.reads(GUIDE, fmt="md:myst")
    path = written(tmp_path / "guide.ipynb", jupytext.writes(notebook, fmt="ipynb"))
    cells = guide_named(str(path)).cells
    same = guide_named(str(written(tmp_path / "guide.md"))).cells

    assert [cell.file for cell in cells] == [f"{path}[cell 1]", f"{path}[cell 2]"]
    assert [(cell.line, cell.place) for cell in cells] == [(1, "Shapes"), (1, "Squares")]
    assert [cell.digest for cell in cells] == [cell.digest for cell in same]


def test_tags(tmp_path: Path) -> None:
    """A cell has the tags that the guide gives it; one without code is no cell."""
    [cell] = guide_named(str(written(tmp_path / "guide.md", TAGGED))).cells

    assert (cell.number, cell.line) == (1, 9)
    assert cell.tags == {"raises-exception", "other"}


def test_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guide is a release's, out of its source distribution, a checkout's, or a file."""
    serve(monkeypatch)
    path = tmp_path / "flax" / IN_CHECKOUT
    path.parent.mkdir(parents=True)
    written(path)

    guides = [guide_named(word) for word in ("1.0", str(tmp_path / "flax"), str(path))]
    assert [guide.whose for guide in guides] == ["flax 1.0", str(path), str(path)]
    assert [guide.file for guide in guides] == [f"flax-1.0/{IN_CHECKOUT}", str(path), str(path)]
    assert len({tuple(cell.source for cell in guide.cells) for guide in guides}) == 1


def test_another_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release and a checkout have other guides too."""
    web = serve(monkeypatch)
    web[SDIST.replace("1.0", "2.0")] = archive("flax-2.0/docs/other.md", TAGGED)
    (tmp_path / "docs").mkdir()
    written(tmp_path / "docs" / "other.md", TAGGED)

    for word in ("2.0", str(tmp_path)):
        [cell] = guide_named(word, "docs/other.md").cells
        assert cell.source == "1 / 0"


def test_a_file_named_like_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is here goes before what the index has."""
    written(tmp_path / "1.0")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(GuideError, match=r"^1\.0: a guide is a file of"):
        guide_named("1.0")


WHOLE = jupytext.writes(jupytext.reads(GUIDE, fmt="md:myst"), fmt="ipynb")

NO_GUIDE = {
    "absent": ("guide.md", None, "guide.md: No such file or directory"),
    "suffix": ("guide.txt", GUIDE, "guide.txt: a guide is a file of .md or .ipynb"),
    "truncated": ("guide.ipynb", WHOLE[:300], "guide.ipynb: cannot be read as ipynb: "),
    "list": ("guide.ipynb", "[]", "guide.ipynb: cannot be read as ipynb: "),
    "cells": ("guide.ipynb", json.dumps({"cells": 3}), "guide.ipynb: cannot be read as ipynb: "),
    "prose": ("guide.md", "# Prose\n\nOnly.", "guide.md: holds no code cell"),
    "listing": ("guide.md", "```python\n1\n```\n", "guide.md: holds no code cell"),
    "empty-cell": ("guide.md", "```{code-cell}\n```\n", "guide.md: its code cells are empty"),
}


@pytest.mark.filterwarnings("ignore:Notebooks in nbformat version")
@pytest.mark.parametrize(("name", "text", "message"), NO_GUIDE.values(), ids=NO_GUIDE)
def test_no_guide(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    """What is no guide is refused in one line that names it."""
    path = tmp_path / name
    if text is not None:
        written(path, text)

    with pytest.raises(GuideError, match=re.escape(f"{tmp_path}/{message}")) as refused:
        guide_named(str(path))

    assert "\n" not in str(refused.value)


def test_a_checkout_without_the_guide(tmp_path: Path) -> None:
    """A folder that has no such guide is refused by the name of what it lacks."""
    with pytest.raises(GuideError, match=re.escape(f"{tmp_path}/{IN_CHECKOUT}: No such file")):
        guide_named(str(tmp_path))


# A cell, and what is run of it.
MAGICS = {
    "none": ("x = 1\nprint(x)", "x = 1\nprint(x)"),
    "line": ("%matplotlib inline\nx = 1", "pass\nx = 1"),
    "shell": ("!pip install flax\nx = 1", "pass\nx = 1"),
    "inside": ("if True:\n    %time f()\nx = 1", "if True:\n    pass\nx = 1"),
    "assigned": ("files = !ls\nx = 1", "pass\nx = 1"),
    "timed": ("%%time\nx = 1", "pass\nx = 1"),
    "modulo": ("x = (5\n  %y)", "x = (5\n  %y)"),
    "in-a-string": ('x = """\n%time\n"""\n!ls', 'x = """\n%time\n"""\npass'),
    "wrong": ("x = = 1", "x = = 1"),
}


@pytest.mark.parametrize(("source", "run"), MAGICS.values(), ids=MAGICS)
def test_python_of(source: str, run: str) -> None:
    """A line that only IPython understands gives way to one that does nothing; no other does."""
    assert python_of(source) == run


def test_not_python() -> None:
    """A cell for a shell is no Python."""
    with pytest.raises(NotPython, match=r"^`%%bash` is IPython's"):
        python_of("\n%%bash --login\nls")


def test_names() -> None:
    """The names that a cell defines, from a line on; those that it borrows from other cells."""
    source = "\n".join(
        (
            "import os.path as path, math",  # line 11
            "x = [y for y in range(z)]",
            "def f(a):",
            "  b = a + c",
            "  return b",
            "for i in x:",
            "  f(i)",
        )
    )
    cell = Cell(1, "One", "guide.md", 11, source, "")

    assert cell.names() >= {"path", "math", "x", "f", "i"}
    assert not cell.names() & {"a", "b"}
    assert cell.names(after=13) == {"f", "i"}
    assert cell.names(after=17) == {"i"}
    assert cell.borrowed() == {"range", "z", "c"}


@pytest.mark.parametrize("source", ["x = = 1", "%%bash\nx=1", "x = '\0'"])
def test_names_of_what_does_not_parse(source: str) -> None:
    """What is no Python defines and borrows nothing."""
    cell = Cell(1, "One", "guide.md", 1, source, "")

    assert (cell.names(), cell.borrowed()) == (frozenset(), frozenset())
