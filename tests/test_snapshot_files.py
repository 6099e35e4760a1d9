"""snapshot_files: text to review, written and read alike, and refused where it is odd."""

from pathlib import Path

import pytest

from conformance.harness.claims import CaseKey
from conformance.harness.snapshot_files import MalformedSnapshots, base_of, name_of, read, write

SNAPSHOTS = {
    "section/one jit/a": "output: array float32[] 1.0\nobject0: Layer",
    "section/one vmap/a": "output: array float32[] 1.0\nobject0: Layer",
    "section/one scan/a:refused": "refused: in any words",
    "section/two jit": "object0.notes: static '    deep'",
}
TEXT = """\
section/one
    jit/a vmap/a
        output: array float32[] 1.0
        object0: Layer
    scan/a:refused
        refused: in any words

section/two
    jit
        object0.notes: static '    deep'
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A place for a file of snapshots, in a folder that is not there yet."""
    return tmp_path / "__snapshots__" / "test_topic.txt"


def test_write(path: Path) -> None:
    """What is the same is written once, with the names of all whose it is."""
    write(path, SNAPSHOTS)

    assert path.read_text() == TEXT


def test_read(path: Path) -> None:
    """What was written is read as it was."""
    write(path, SNAPSHOTS)

    assert read(path) == SNAPSHOTS


def test_many_names(path: Path) -> None:
    """Names that fill more than a line are all read."""
    many = {f"section/one transform-{number}/variant": "output: none" for number in range(40)}
    write(path, many)

    assert max(map(len, path.read_text().splitlines())) <= 100
    assert read(path) == many


def test_order(path: Path) -> None:
    """The order in which snapshots are made does not show."""
    write(path, dict(reversed(SNAPSHOTS.items())))

    assert path.read_text() == TEXT


def test_none(path: Path) -> None:
    """Where there are no snapshots there is no file, and where there is no file none is read."""
    write(path, SNAPSHOTS)
    write(path, {})

    assert not path.exists()
    assert read(path) == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("    jit\n        output: none\n", ":1: not a line of a snapshot"),
        ("one\n        output: none\n", ":2: not a line of a snapshot"),
        ("one\n    jit\n        output\n", ":3: not a line of a snapshot"),
        ("one\n    jit\n      output: none\n", ":3: not a line of a snapshot"),
        ("one\n    jit\n", ": the snapshot of one jit is empty"),
        ("one\n    jit\ntwo\n", ": the snapshot of one jit is empty"),
        ("one\n    jit jit\n        a: b\n", ":2: a second snapshot of one jit"),
        ("one\n    jit\n        a: b\n    jit\n        a: c\n", ":4: a second snapshot of one jit"),
    ],
)
def test_malformed(path: Path, text: str, complaint: str) -> None:
    """A file that holds something else is refused with one line, which says where."""
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(MalformedSnapshots) as refused:
        read(path)

    assert str(refused.value) == f"{path}{complaint}"


def test_not_text(path: Path) -> None:
    """A file that is no text is refused with one line."""
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(MalformedSnapshots, match=r"test_topic\.txt: .*can't decode"):
        read(path)


def test_names() -> None:
    """Cases that differ in style, backend or mode share a snapshot, whatever was chosen there."""
    keys = [
        CaseKey("section/one", "jit", style, "a", backend, mode)
        for style, backend, mode in (("function", "cpu", "default"), ("method", "gpu", "tree"))
    ]

    assert {name_of(key) for key in keys} == {"section/one jit/a"}
    assert {base_of(name_of(key, "refused")) for key in keys} == {"section/one jit/a"}
    assert name_of(CaseKey("section/two", "-", "-", "-", "cpu", "default")) == "section/two -"
