"""Writes docs/GUIDE-CELLS.md: which cells of its own guide each release of Flax runs.

    python tools/guide_cells.py [FOLDER]

Run it after a row was added to conformance/releases.toml. It makes the environments of a matrix in
FOLDER (.conformance), or takes those that are there. An error that tools/guide_causes.toml has no
cause for is told, and nothing is written: read it, and add its cause there.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from packaging.version import Version

from conformance.guide.cells import Cell, guide_of_release
from conformance.guide.mapping import Known, load_mapping
from conformance.guide.notebooks import Notebook, Outcome, look
from conformance.matrix.commands import FOLDER
from conformance.matrix.environments import interpreter, make
from conformance.matrix.subjects import Wanted, wanted

PAGE = Path(__file__).parent.parent / "docs" / "GUIDE-CELLS.md"
CAUSES_FILE = Path(__file__).parent / "guide_causes.toml"
BACKEND = "cpu"
LIMIT = 300.0
NONE = "none"
_FIRST = re.compile(r"(?<=[.:])\s| \(http")  # of a message, the end of its first sentence

HEAD = """\
# The guide as written, release by release

Made by `tools/guide_cells.py`: the code cells of the transforms guide that each release of Flax
ships, run in order on that release with the JAX of its day, on CPU. `nnx-conformance guide` does
the same for one release, on every backend. A cell that is meant to print an error runs if its own
`try` catches one; what it then prints is told at the end.
"""


class Unexplained(Exception):
    """An error that has no cause; the message says which."""


@dataclass(frozen=True)
class Cause:
    """Why cells raise: what their error and message look like, and the reason in our words."""

    error: str
    message: str
    words: str

    def explains(self, outcome: Outcome) -> bool:
        """Whether it is the cause of this."""
        same = outcome.error == self.error
        return same and re.search(self.message, outcome.message) is not None


FOLLOWING = Cause("NameError", "", "An earlier cell that raised was to define what they use.")


@dataclass(frozen=True)
class Row:
    """What came of the cells of a release's own guide."""

    flax: str
    jax: str
    outcomes: Mapping[Cell, Outcome]

    @property
    def raised(self) -> dict[Cell, Outcome]:
        """The cells that raised an error."""
        return {cell: outcome for cell, outcome in self.outcomes.items() if outcome.error}


def run(subject: Wanted, folder: Path) -> Row:
    """Runs the cells of a release's guide; makes its environment where there is none."""
    place = folder.absolute() / "environments" / subject.name
    make(place, subject.requirements, subject.pythons)
    python = str(interpreter(place))
    found = look(python)
    cells = guide_of_release(Version(subject.flax)).cells
    with Notebook(cells, python, found.environ(BACKEND), LIMIT) as notebook:
        outcomes = {cell: notebook.outcome(cell) for cell in cells}
    return Row(subject.flax, subject.jax, outcomes)


def load_causes(path: Path = CAUSES_FILE) -> tuple[Cause, ...]:
    """The causes that are known."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["cause"]
    return tuple(Cause(**entry) for entry in entries)


def page(rows: Sequence[Row], causes: Sequence[Cause], known: Mapping[str, Known]) -> str:
    """The page's text, of rows from the oldest release on; raises Unexplained."""
    sections = [_table(rows), _causes(rows, causes), _claims(rows, known), _caught(rows)]
    return "\n".join([HEAD, *(line for section in sections for line in section), ""])


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| Flax | JAX | cells that run | cells that raise |"
    yield "|---|---|---|---|"
    for row in rows:
        ran = f"{len(row.outcomes) - len(row.raised)} of {len(row.outcomes)}"
        yield f"| {row.flax} | {row.jax} | {ran} | {_numbers(row.raised) or NONE} |"


def _causes(rows: Sequence[Row], causes: Sequence[Cause]) -> Iterator[str]:
    """Each cause, with the cells that it concerns in each stretch of releases."""
    yield from ("", "## Why they raise", "")
    explained = [{cell: _cause(row, cell, causes) for cell in row.raised} for row in rows]
    for cause in (*causes, FOLLOWING):
        concerned = (
            (row.flax, _numbers(cell for cell, why in found.items() if why == cause))
            for row, found in zip(rows, explained, strict=True)
        )
        stretches = [
            f"{names}: cells {numbers}" for names, numbers in _stretches(concerned) if numbers
        ]
        if stretches:
            yield f"- {cause.words} (`{cause.error}`; {'; '.join(stretches)})"


def _cause(row: Row, cell: Cell, causes: Sequence[Cause]) -> Cause:
    outcome = row.outcomes[cell]
    if outcome.follows.startswith("follows"):
        return FOLLOWING
    for cause in causes:
        if cause.explains(outcome):
            return cause
    raise Unexplained(
        f"flax {row.flax}, cell {cell.number} ({cell.place}): {outcome.error}: {outcome.message}"
    )


def _claims(rows: Sequence[Row], known: Mapping[str, Known]) -> Iterator[str]:
    yield from ("", "## What checks them", "", "| cell | claims |", "|---|---|")
    raising = {cell: (cell.number, cell.section) for row in rows for cell in row.raised}
    for number, section in sorted(set(raising.values())):
        claims = {
            claim: f"`{claim}`"
            for cell, place in raising.items()
            if place == (number, section) and cell.digest in known
            for claim in known[cell.digest].claims
        }
        yield f"| {number}, {section} | {', '.join(claims.values()) or NONE} |"


def _caught(rows: Sequence[Row]) -> Iterator[str]:
    """What those cells print that catch an error themselves: it may be another than is meant."""
    yield from ("", "## What is caught", "", "| cell | releases | prints |", "|---|---|---|")
    caught: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        for cell, outcome in row.outcomes.items():
            if cell.catches:
                said = "".join(text for _, text in outcome.printed).partition("\n")[0]
                place = f"{cell.number}, {cell.section}"
                caught.setdefault(place, []).append((row.flax, _FIRST.split(said)[0]))
    for place, printed in sorted(caught.items()):
        for names, said in _stretches(printed):
            yield f"| {place} | {names} | {said or 'nothing'} |"


def _stretches(found: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Releases in a row of which the same is true, by a name for them, and what it is."""
    for said, group in groupby(found, key=lambda each: each[1]):
        flax = [release for release, _ in group]
        yield flax[0] if flax[0] == flax[-1] else f"{flax[0]} to {flax[-1]}", said


def _numbers(cells: Iterable[Cell]) -> str:
    return ", ".join(str(cell.number) for cell in cells)


def current(folder: Path = FOLDER) -> str:
    """The page as it must be; raises Unexplained as soon as there is something without a cause."""
    causes, rows = load_causes(), []
    for subject in wanted([], []):
        row = run(subject, folder)
        sys.stdout.write(f"{row.flax}: {len(row.raised)} of {len(row.outcomes)} cells raise\n")
        rows.append(row)
        list(_causes([row], causes))
    return page(rows, causes, load_mapping())


if __name__ == "__main__":
    try:
        PAGE.write_text(current(*map(Path, sys.argv[1:])), "utf-8")
    except Unexplained as error:
        sys.exit(f"no cause in {CAUSES_FILE.name}: {error}")
