"""Results: a line of JSON for each mutant that was tried."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.mutants.sampling import Mutant
from tools.mutants.suites import End, Outcome


class ResultsError(Exception):
    """A file of results cannot be used; the message is one line that says where and why."""


@dataclass(frozen=True)
class Tried:
    """A mutant, and what both suites made of it.

    Args:
      subject: the Flax and the JAX.
      suite: the digest of our suite.
      file: the mutated file, relative to the package; so `line` and `column`.
      function: where that is.
      operator: what was done there, with `change`.
      guide: whether the guide's own examples run through it.
      ours: what our suite made of it.
      theirs: what Flax's own tests made of it.
    """

    subject: str
    suite: str
    file: str
    line: int
    column: int
    function: str
    operator: str
    change: str
    guide: bool
    ours: Outcome
    theirs: Outcome

    @classmethod
    def of(
        cls,
        mutant: Mutant,
        subject: str,
        suite: str,
        guide: bool,
        ours: Outcome,
        theirs: Outcome,
    ) -> "Tried":
        """The result of a mutant."""
        does = mutant.mutation
        place = (mutant.file, does.line, does.column, does.function)
        return cls(subject, suite, *place, does.operator, does.change, guide, ours, theirs)

    @property
    def key(self) -> str:
        """That of the mutant."""
        return f"{self.file}:{self.line}:{self.column} {self.operator} {self.change}"


def read(path: Path) -> list[Tried]:
    """The results in a file, none where there is no file.

    A last line that is not whole is of a run that was cut short: it is left out. Raises
    ResultsError for any other.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    *lines, _ = text.split("\n")
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(_parse(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            raise ResultsError(f"{path}, line {number}: no result ({error})") from None
    return found


def _parse(fields: dict[str, Any]) -> Tried:
    for name in ("ours", "theirs"):
        fields[name] = Outcome(**fields[name] | {"end": End(fields[name]["end"])})
    return Tried(**fields)


def write(path: Path, results: Sequence[Tried]) -> None:
    """Writes a file of these results alone."""
    path.write_text("".join(map(_line, results)), "utf-8")


def append(path: Path, result: Tried) -> None:
    """Adds one result to a file whose lines are whole."""
    with path.open("a", encoding="utf-8") as lines:
        lines.write(_line(result))


def _line(result: Tried) -> str:
    return json.dumps(asdict(result)) + "\n"
