"""records: what a run saw, written and read back."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.harness import records
from conformance.harness.records import Footer, Header, Record, Seen, Writer, read
from conformance.harness.verdicts import Verdict

HEADER = Header("0.1.0", {"flax": "0.12.12", "jax": "0.12.0.1"}, {"cpu": "cpu (8 x cpu)"})
HELD = Seen("section/name[jit,function,-,cpu,default]", Verdict.HELD, notes={"answer": "done"})
BROKEN = Seen(
    "section/name[jit,method,-,cpu,default]",
    Verdict.KNOWN_DEVIATION,
    "error",
    "TypeError",
    "no\nway: é",
    "It is so.",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A whole record of two cases."""
    path = tmp_path / "run.jsonl"
    writer = Writer(path, HEADER)
    writer.add(HELD)
    writer.add(BROKEN)
    writer.close(1, full=True)
    return path


def test_round_trip(path: Path) -> None:
    """What is written is what is read."""
    assert read(path) == Record(
        HEADER, {HELD.case: HELD, BROKEN.case: BROKEN}, Footer(1, cases=2, full=True)
    )


def test_compressed(path: Path) -> None:
    """A record may be compressed, which its name says."""
    compressed = path.with_suffix(".jsonl.gz")
    compressed.write_bytes(gzip.compress(path.read_bytes()))

    assert read(compressed) == read(path)


@pytest.mark.parametrize("content", [b"", b"<html>", gzip.compress(b"{}", mtime=0)[:-9]])
def test_badly_compressed(tmp_path: Path, content: bytes) -> None:
    """What cannot be unpacked is no record."""
    path = tmp_path / "run.jsonl.gz"
    path.write_bytes(content)

    with pytest.raises(records.NoRecord, match=f"^{re.escape(str(path))}: not a record$"):
        read(path)


def test_lines(path: Path) -> None:
    """A line is an object of JSON, and leaves out what is empty."""
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [
        {
            "record": 2,
            "suite": "0.1.0",
            "subject": {"flax": "0.12.12", "jax": "0.12.0.1"},
            "backends": {"cpu": "cpu (8 x cpu)"},
        },
        {"case": HELD.case, "verdict": "held", "notes": {"answer": "done"}},
        {
            "case": BROKEN.case,
            "verdict": "known deviation",
            "observed": "error",
            "error": "TypeError",
            "message": "no\nway: é",
            "cause": "It is so.",
        },
        {"exit_code": 1, "cases": 2, "full": True},
    ]


def test_grows(tmp_path: Path) -> None:
    """A case can be read as soon as it is added; until the footer, the record is truncated."""
    path = tmp_path / "run.jsonl"
    writer = Writer(path, HEADER)
    writer.add(HELD)

    assert len(path.read_text("utf-8").splitlines()) == 2
    with pytest.raises(records.Truncated, match="has no footer after 1 cases"):
        read(path)


def test_names(path: Path) -> None:
    """A case knows its claim and section."""
    assert (HELD.claim, HELD.section) == ("section/name", "section")


def _without(*numbers: int) -> Callable[[list[str]], list[str]]:
    return lambda lines: [line for at, line in enumerate(lines) if at not in numbers]


def _with(number: int, **fields: Any) -> Callable[[list[str]], list[str]]:
    def edit(lines: list[str]) -> list[str]:
        lines[number] = json.dumps(json.loads(lines[number]) | fields)
        return lines

    return edit


WRONG = {
    "empty": (lambda lines: [], records.NoRecord, ": not a record"),
    "no-json": (lambda lines: ["<html>"], records.NoRecord, ":1: not a line of a record"),
    "no-header": (_without(0), records.NoRecord, ": not a record"),
    "schema": (_with(0, record=3), records.UnknownSchema, ": a record of schema 3; this suite"),
    "header": (_with(0, subject=1), records.MalformedLine, ":1: not the header of a record"),
    "truncated": (_without(3), records.Truncated, ": has no footer after 2 cases"),
    "half-a-line": (
        lambda lines: [*lines[:2], lines[2][:20]],
        records.MalformedLine,
        ":3: not a line of a record",
    ),
    "case-lost": (_without(1), records.Truncated, ": has 1 cases, and its footer says 2"),
    "case-twice": (
        lambda lines: [*lines[:2], *lines[1:]],
        records.CaseTwice,
        f":3: case {HELD.case} is here for the second time",
    ),
    "verdict": (_with(1, verdict="fine"), records.MalformedLine, ":2: not a case of a record"),
    "observed": (_with(2, observed="odd"), records.MalformedLine, ":3: not a case of a record"),
    "field": (_with(1, more=1), records.MalformedLine, ":2: not a case of a record"),
    "number": (_with(2, message=1), records.MalformedLine, ":3: not a case of a record"),
    "footer": (_with(3, full="yes"), records.MalformedLine, ":4: not the footer of a record"),
    "after": (
        lambda lines: [*lines, lines[1]],
        records.MalformedLine,
        ":5: comes after the footer",
    ),
}


@pytest.mark.parametrize(("edit", "kind", "message"), WRONG.values(), ids=WRONG)
def test_wrong(
    path: Path,
    edit: Callable[[list[str]], list[str]],
    kind: type[records.RecordError],
    message: str,
) -> None:
    """Each way in which a record can be wrong has its own error, which says where."""
    path.write_text("\n".join(edit(path.read_text("utf-8").splitlines())), "utf-8")

    with pytest.raises(records.RecordError, match=f"^{re.escape(str(path) + message)}") as refused:
        read(path)

    assert type(refused.value) is kind
    assert "\n" not in str(refused.value)


def test_absent(tmp_path: Path) -> None:
    """A file that is not there, or is not text, is no record."""
    (tmp_path / "binary").write_bytes(b"\xff\x00")

    for name in ("absent", "binary"):
        with pytest.raises(records.NoRecord, match=name):
            read(tmp_path / name)
