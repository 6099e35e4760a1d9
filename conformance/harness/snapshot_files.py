"""Snapshot files: what each case leaves outside, as text to review, one file per test file.

What the guide promises is the same everywhere, so that one snapshot serves every release, backend
and style. Those of a claim that are the same share their text:

    graph_updates/update-attribute
        cond jit remat
            object0: Layer
            object0.label: static 'used'

A snapshot is named by its claim, then the transform and the variant of its cases. What may rightly
differ between subjects follows: the choice that a claim leaves, and the number of devices where
there are fewer of them than a stack has elements.
"""

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance.harness.claims import CaseKey
from conformance.harness.verdicts import SuiteError

Snapshots = Mapping[str, str]  # the text of each snapshot by its name

_INDENT = " " * 4
_WIDTH = 100


class MalformedSnapshots(SuiteError):
    """A file of snapshots cannot be read; the message is one line that says what and where."""


def name_of(key: CaseKey, choice: str = "") -> str:
    """The name of the snapshot that all cases share which must leave the same."""
    parameters = f"{key.transform}/{key.variant}" if key.variant != "-" else key.transform
    return ":".join(filter(None, (f"{key.claim} {parameters}", choice)))


def base_of(name: str) -> str:
    """The name without what may differ between subjects: it is that of a case's key alone."""
    return name.partition(":")[0]


def read(path: Path) -> dict[str, str]:
    """The snapshots in a file; none where there is no such file.

    Raises MalformedSnapshots where it holds something else.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedSnapshots(f"{path}: {error}") from None
    snapshots: dict[str, str] = {}
    declared: list[str] = []
    claim, names, begun = "", list[str](), False
    for number, line in enumerate(lines, 1):
        depth, text = _depth(line), line.strip()
        if not text:
            continue
        if depth == 0:
            claim, names = text, []
        elif depth == 1 and claim:
            names = [*(() if begun else names), *(f"{claim} {word}" for word in text.split())]
            declared += names
            if twice := [name for name in names if name in snapshots or names.count(name) > 1]:
                raise MalformedSnapshots(f"{path}:{number}: a second snapshot of {twice[0]}")
        elif depth == 2 and names and ": " in text:
            for name in names:
                snapshots[name] = "\n".join(filter(None, (snapshots.get(name), line[8:])))
        else:
            raise MalformedSnapshots(f"{path}:{number}: not a line of a snapshot")
        begun = depth == 2
    if bare := [name for name in declared if name not in snapshots]:
        raise MalformedSnapshots(f"{path}: the snapshot of {bare[0]} is empty")
    return snapshots


def _depth(line: str) -> float:
    """How far a line is indented, in steps; what is further in than the third is its text."""
    return min((len(line) - len(line.lstrip(" "))) / len(_INDENT), 2)


def write(path: Path, snapshots: Snapshots) -> None:
    """Writes a file of snapshots; where there are none, there shall be no file."""
    if not snapshots:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((*_lines(snapshots), "")), "utf-8")


def _lines(snapshots: Snapshots) -> Iterator[str]:
    by_claim: dict[str, dict[str, list[str]]] = {}
    for name, text in sorted(snapshots.items()):
        claim, _, parameters = name.partition(" ")
        by_claim.setdefault(claim, {}).setdefault(text, []).append(parameters)
    for number, (claim, texts) in enumerate(by_claim.items()):
        if number:
            yield ""
        yield claim
        for text, names in texts.items():
            yield from textwrap.wrap(
                " ".join(names),
                width=_WIDTH,
                initial_indent=_INDENT,
                subsequent_indent=_INDENT,
                break_on_hyphens=False,
                break_long_words=False,
            )
            yield from (f"{_INDENT * 2}{line}" for line in text.splitlines())
