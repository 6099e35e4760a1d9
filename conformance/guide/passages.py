"""A guide's text as passages: its sentences, the rows of its tables, and its code cells."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A stop, then a new beginning; `i.e.` and its like are followed by no capital.
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z`*“\"])")
_FORMATS = {".md": "md:myst", ".ipynb": "ipynb"}


class GuideError(Exception):
    """A guide or a mapping cannot be had or read; the message is one line that says what."""


@dataclass(frozen=True)
class Passage:
    """One sentence, row or cell: the section it is in, its number there, its digest, its words.

    `ordinal` counts from 1 the passages of this kind in this section.
    """

    section: str
    kind: str
    ordinal: int
    digest: str
    words: str

    @property
    def place(self) -> str:
        """Where it is, as a person would say it."""
        return f"{self.section}: {self.kind} {self.ordinal}"


def read(path: Path) -> tuple[Passage, ...]:
    """The passages of a MyST or notebook file, in order; raises GuideError."""
    return parse(text_in(path), path.suffix, str(path))


def text_in(path: Path) -> str:
    """The text of a file; raises GuideError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise GuideError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GuideError(f"{path}: not text") from None


def parse(text: str, suffix: str, name: str) -> tuple[Passage, ...]:
    """The passages of a text in the format that files of this suffix have; raises GuideError."""
    return passages_of(notebook_cells(text, suffix, name))


def notebook_cells(text: str, suffix: str, name: str) -> list[Any]:
    """The cells, of prose and of code, of the notebook that a text makes.

    Raises GuideError, with the text's `name`, where the format is unknown, the text is not in it,
    or holds no code cell.
    """
    try:
        import jupytext
    except ImportError:
        raise GuideError("reading a guide takes jupytext: python -m pip install jupytext") from None
    if suffix not in _FORMATS:
        raise GuideError(f"{name}: a guide is a file of {' or '.join(_FORMATS)}")
    try:
        cells = list(jupytext.reads(text, fmt=_FORMATS[suffix]).cells)
    except Exception as error:  # noqa: BLE001  # whatever a parser raises on what it cannot read
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise GuideError(f"{name}: cannot be read as {_FORMATS[suffix]}: {reason}") from None
    if not any(cell.cell_type == "code" for cell in cells):
        raise GuideError(f"{name}: holds no code cell: this is no guide that a notebook is made of")
    return cells


def passages_of(cells: Sequence[Any]) -> tuple[Passage, ...]:
    """The passages of a notebook's cells, in order; one of kind `cell` for each of code."""
    return tuple(_passages(cells))


def _passages(cells: Sequence[Any]) -> Iterator[Passage]:
    section = "(before the first heading)"
    counts: Counter[tuple[str, str]] = Counter()
    for kind, words in (block for cell in cells for block in _blocks(cell)):
        if kind == "heading":
            section = words
            continue
        counts[section, kind] += 1
        digest = hashlib.sha256(f"{kind}\n{words}".encode()).hexdigest()[:10]
        yield Passage(section, kind, counts[section, kind], digest, words)


def _blocks(cell: Any) -> Iterator[tuple[str, str]]:
    """The headings, sentences, rows and cells of one cell of a notebook, their spaces evened."""
    from markdown_it import MarkdownIt

    if cell.cell_type == "code":
        yield "cell", "\n".join(line.rstrip() for line in cell.source.strip().splitlines())
        return
    heading = False
    row: list[str] | None = None
    for token in MarkdownIt("commonmark").enable("table").parse(cell.source):
        if token.type == "heading_open":
            heading = True
        elif token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield "row", " | ".join(row or [])
            row = None
        elif token.type == "fence":
            yield "listing", "\n".join(line.rstrip() for line in token.content.strip().splitlines())
        elif token.type == "inline":
            words = " ".join(token.content.split())
            if heading:
                yield "heading", words
            elif row is not None:
                row.append(words)
            else:
                yield from (("sentence", part) for part in _BETWEEN_SENTENCES.split(words) if part)
            heading = False
