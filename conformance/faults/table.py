"""The fault table: which claim, crossed with which transform, was seen red by which fault.

A text to be reviewed, one fault after the other, under the subject on which that was seen:

    flax 0.12.12, jax 0.12.0.1

    values-lost
        state_propagation/per-element: pmap scan vmap
        state_propagation/repeat: all 16

What is red without any fault has the heading `no fault`. It needs neither Flax nor JAX.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "table.txt"
NO_FAULT = "no fault"
_INDENT = " " * 4

Pair = tuple[str, str]  # a claim, and a transform that it is crossed with; `-` for none
Pairs = frozenset[Pair]


class MalformedTable(Exception):
    """The table cannot be read; the message is one line that says what and where."""


@dataclass(frozen=True)
class Table:
    """Where it was seen, what is red by itself, and the pairs that each fault turns red."""

    subject: str
    by_itself: Pairs
    kills: Mapping[str, Pairs]

    @property
    def red(self) -> Pairs:
        """All that was seen red, by a fault or by itself."""
        return self.by_itself.union(*self.kills.values())

    def assigned(self) -> dict[Pair, str]:
        """For each pair the fault that shows it: of all that do, the one with the fewest pairs.

        Before that each fault gets a pair of its own, where there is one.
        """
        narrowest = sorted(self.kills, key=lambda fault: (len(self.kills[fault]), fault))
        shown: dict[Pair, str] = {}
        for fault in narrowest:
            for pair in sorted(self.kills[fault] - shown.keys())[:1]:
                shown[pair] = fault
        for fault in narrowest:
            for pair in self.kills[fault]:
                shown.setdefault(pair, fault)
        return shown


def text_of(table: Table, pairs: Pairs) -> str:
    """The table as its file has it; `pairs` are those of the whole suite."""
    lines = [table.subject]
    for name, kills in ((NO_FAULT, table.by_itself), *table.kills.items()):
        lines += ["", name]
        lines += [f"{_INDENT}{line}" for line in _claims(kills, _by_claim(pairs))]
    return "\n".join(lines) + "\n"


def _claims(kills: Pairs, suite: Mapping[str, list[str]]) -> Iterator[str]:
    for claim, transforms in _by_claim(kills).items():
        everything = transforms == suite[claim] and len(transforms) > 1
        yield f"{claim}: {f'all {len(transforms)}' if everything else ' '.join(transforms)}"


def _by_claim(pairs: Pairs) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for claim, transform in sorted(pairs):
        found.setdefault(claim, []).append(transform)
    return found


def read(pairs: Pairs, path: Path = FILE) -> Table:
    """The table in a file; raises MalformedTable.

    Where it says `all` of a claim, that is what `pairs`, those of the suite, have of it, if they
    are still as many.
    """
    suite = _by_claim(pairs)
    lines = path.read_text("utf-8").splitlines()
    found: dict[str, set[Pair]] = {}
    name = ""
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        if not line.startswith(_INDENT):
            name = line
            found[name] = set()
            continue
        claim, _, words = line.strip().partition(": ")
        if not name or not words:
            raise MalformedTable(f"{path}:{number}: not a line of the fault table")
        transforms = words.split()
        if transforms[0] == "all":
            transforms = suite.get(claim, [])
            if words != f"all {len(transforms)}":
                transforms = []  # of another suite: which they were, nobody knows
        found[name] |= {(claim, transform) for transform in transforms}
    kills = {fault: frozenset(of_fault) for fault, of_fault in found.items()}
    return Table(lines[0], kills.pop(NO_FAULT, frozenset()), kills)
