"""A guide as a notebook: its code cells in order, and what each has to do with the others."""

import ast
import dis
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from packaging.version import Version

from conformance.guide.passages import GuideError, notebook_cells, passages_of, text_in
from conformance.guide.releases import GUIDE_FILE, text_of, version_named

# What a notebook's own conventions say of a cell, as Jupyter's tools read them.
SKIPPED, MAY_RAISE = "skip-execution", "raises-exception"
# Magics of a whole cell that change how it runs, and not what.
_AROUND_PYTHON = ("%%capture", "%%prun", "%%time", "%%timeit")


class NotPython(Exception):
    """A cell is for something that only IPython has; the message says for what."""


@dataclass(frozen=True)
class Cell:
    """A code cell: its number from 1, its section, where it begins, its code, digest and tags.

    `line` is that of its first line in a guide that is text, and 1 in a notebook, whose `file`
    then has the cell's number too: what a traceback says of it.
    """

    number: int
    section: str
    file: str
    line: int
    source: str
    digest: str
    tags: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """Where it is, as a person would say it."""
        return self.section if self.file.endswith("]") else f"{self.section}, line {self.line}"

    @property
    def catches(self) -> bool:
        """Whether it is meant to raise an error, and to catch it itself."""
        return any(isinstance(each, ast.Try) for each in self._statements())

    def names(self, *, after: int = 0) -> frozenset[str]:
        """The names that the statements define which end on a line of the file `after` this one."""
        statements = [each for each in self._statements() if _last_line(each) >= after]
        return frozenset(_names(_compiled(statements), "STORE_NAME"))

    def borrowed(self) -> frozenset[str]:
        """The names that its code reads and does not define itself."""
        read = _names(_compiled(self._statements()), "LOAD_NAME", "LOAD_GLOBAL", nested=True)
        return frozenset(read) - self.names()

    def _statements(self) -> list[ast.stmt]:
        try:
            return ast.parse("\n" * (self.line - 1) + python_of(self.source)).body
        except (SyntaxError, ValueError, NotPython):
            return []


@dataclass(frozen=True)
class Guide:
    """A guide: whose it is, what its file is called, and its cells."""

    whose: str
    file: str
    cells: tuple[Cell, ...]


def guide_named(word: str, file: str = GUIDE_FILE) -> Guide:
    """The guide of a release (`0.12.12`), of a checkout (a folder), or in a file.

    `file` is where a release or a checkout has it. Raises GuideError where there is none.
    """
    path = Path(word)
    version = version_named(word)
    if version is not None and not path.exists():
        return guide_of_release(version, file)
    path = path / file if path.is_dir() else path
    return _guide(str(path), str(path), text_in(path))


def guide_of_release(version: Version, file: str = GUIDE_FILE) -> Guide:
    """The guide in a release's source distribution, from the package index; raises GuideError."""
    name = f"flax {version}"
    return _guide(name, f"flax-{version}/{file}", text_of(version, file))


def _guide(whose: str, file: str, text: str) -> Guide:
    name = whose if whose == file else f"{whose}: {file.partition('/')[2]}"
    found = notebook_cells(text, Path(file).suffix, name)
    passages = [passage for passage in passages_of(found) if passage.kind == "cell"]
    code = [cell for cell in found if cell.cell_type == "code"]
    lines = text.splitlines()
    is_notebook = file.endswith(".ipynb")
    cells: list[Cell] = []
    line = 0
    for passage, cell in zip(passages, code, strict=True):
        number = len(cells) + 1
        if not cell.source.strip():
            continue
        line = 0 if is_notebook else _line_of(cell.source.splitlines(), lines, line)
        place = f"{file}[cell {number}]" if is_notebook else file
        tags = frozenset(cell.metadata.get("tags", ()))
        cells.append(
            Cell(number, passage.section, place, line + 1, cell.source, passage.digest, tags)
        )
    if not cells:
        raise GuideError(f"{name}: its code cells are empty")
    return Guide(whose, file, tuple(cells))


def _line_of(source: Sequence[str], lines: Sequence[str], start: int) -> int:
    """Where a cell stands in the text, from 0, not before `start`; `start` where it does not."""
    for at in range(start, len(lines)):
        if lines[at : at + len(source)] == source:
            return at
    return start


def python_of(source: str) -> str:
    """A cell as plain Python: for a line that only IPython understands there is a `pass`.

    Raises NotPython where the whole cell is for something else, such as a shell.
    """
    from jupytext.magics import comment_magic

    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        lines = source.splitlines()
    else:
        return source
    first = next(filter(str.strip, lines), "").strip()
    if first.startswith("%%") and first.split()[0] not in _AROUND_PYTHON:
        raise NotPython(f"`{first.split()[0]}` is IPython's, and what follows it no Python")
    commented = comment_magic(list(lines))
    return "\n".join(
        line if line == same else f"{line[: len(line) - len(line.lstrip())]}pass"
        for line, same in zip(lines, commented, strict=True)
    )


def _compiled(statements: list[ast.stmt]) -> CodeType:
    return compile(ast.Module(statements, type_ignores=[]), "", "exec", dont_inherit=True)


def _last_line(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _names(code: CodeType, *operations: str, nested: bool = False) -> Iterator[str]:
    yield from (each.argval for each in dis.get_instructions(code) if each.opname in operations)
    for inner in code.co_consts if nested else ():
        if isinstance(inner, CodeType):
            yield from _names(inner, *operations, nested=True)
