"""mutants.results: a line for each mutant, and a file that was cut short."""

from dataclasses import replace
from pathlib import Path

import pytest

from tools.mutants.results import ResultsError, Tried, append, read, write
from tools.mutants.suites import End, Outcome

KILLED = Outcome(End.TEST, "test_file.py::test_one", 7.5, 1, 9)
SURVIVED = Outcome(End.SURVIVED, "", 30.0, 4, 4)
TRIED = Tried(
    *("flax 1, jax 2", "digest", "nnx/a.py", 3, 4, "A.f", "comparison", "`is` to `==`"),
    *(True, KILLED, SURVIVED),
)


def test_read(tmp_path: Path) -> None:
    """What was added to a file is read from it."""
    path = tmp_path / "results.jsonl"
    assert read(path) == []
    other = replace(TRIED, line=5, ours=SURVIVED)
    append(path, TRIED)
    append(path, other)
    assert read(path) == [TRIED, other]
    assert TRIED.key == "nnx/a.py:3:4 comparison `is` to `==`"


@pytest.mark.parametrize("cut", [1, 20])
def test_read_cut_short(tmp_path: Path, cut: int) -> None:
    """A last line that is not whole is left out; once written anew, lines can be added."""
    path = tmp_path / "results.jsonl"
    append(path, TRIED)
    append(path, TRIED)
    path.write_bytes(path.read_bytes()[:-cut])
    assert read(path) == [TRIED]
    write(path, read(path))
    append(path, TRIED)
    assert read(path) == [TRIED, TRIED]


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"ours": {"end": "eaten"}, "theirs": {}}'])
def test_read_malformed(tmp_path: Path, line: str) -> None:
    """Any other line that is no result is an error that says where."""
    path = tmp_path / "results.jsonl"
    append(path, TRIED)
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(ResultsError, match=r"results\.jsonl, line 2: no result"):
        read(path)
