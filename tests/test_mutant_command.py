"""python -m tools.mutants: from a made-up package to its results, in pieces."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.mutants import __main__ as command
from tools.mutants import processes, results
from tools.mutants.reach import Reach
from tools.mutants.suites import End, Suite

SOURCE = """
def double(x):
    if x == 0:
        return 0
    return 2 * x


def ours_alone(x):
    return x == 1
"""
OURS = """
from flax.nnx.extract import double, ours_alone

def test_double():
    assert [double(x) for x in (0, 1, 2)] == [0, 2, 4]

def test_alone():
    assert ours_alone(1)
"""
THEIRS = """
from flax.nnx.extract import double

def test_zero():
    assert double(0) == 0

def test_wrong():
    assert double(1) == 3
"""

GUIDE = """
from flax.nnx.extract import double

def test_guide():
    double(1)
"""


@dataclass(frozen=True)
class MadeUp(command.Workplace):
    """A package called flax, and two suites."""

    def ours(self) -> Suite:
        return Suite("ours", self.folder / "ours", ("test_ours.py",))

    def theirs(self) -> Suite:
        return Suite("theirs", self.folder / "theirs", ("test_theirs.py",))

    def guide(self) -> Suite:
        return Suite("guide", self.folder / "guide", ("test_guide.py",))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    """That workplace, for the command too."""
    for name, text in {
        "site/flax/__init__.py": "",
        "site/flax/nnx/__init__.py": "",
        "site/flax/nnx/extract.py": SOURCE,
        "ours/test_ours.py": OURS,
        "theirs/test_theirs.py": THEIRS,
        "guide/test_guide.py": GUIDE,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    made_up = MadeUp(tmp_path, tmp_path / "site" / "flax", "flax 1, jax 2")
    monkeypatch.setattr(processes, "PRELOADED", ())
    monkeypatch.setattr(command.Workplace, "here", lambda: made_up)
    return made_up


def test_run(place: MadeUp, capsys: pytest.CaptureFixture[str]) -> None:
    """Both suites look at each mutant, but for tests that fail anyway; a run goes on where it was.

    A mutant is in a line that both run, or the guide.
    """
    assert command.main(["measure"]) == 0
    said = capsys.readouterr().out
    assert "theirs: 1 tests" in said
    assert "fails without any mutant: test_theirs.py::test_wrong" in said

    assert command.main(["run", "--count", "2"]) == 0
    first = results.read(place.results)
    assert len(first) == 2
    with place.results.open("a") as lines:
        lines.write('{"subject": "fl')  # as a run that was cut short leaves it
    capsys.readouterr()
    assert command.main(["run", "--count", "4"]) == 0
    found = results.read(place.results)
    assert found[:2] == first
    assert len(found) == len({tried.key for tried in found}) == 4
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert {tried.function for tried in found} == {"double"}
    for tried in found:
        changed = (tried.operator, tried.line)
        expected = {
            ("comparison", 3): (End.TEST, End.SURVIVED),
            ("constant", 3): (End.TEST, End.SURVIVED),
            ("constant", 4): (End.TEST, End.TEST),
            ("constant", 5): (End.TEST, End.UNREACHED),
            ("return", 4): (End.TEST, End.TEST),
            ("return", 5): (End.TEST, End.UNREACHED),
            ("arithmetic", 5): (End.TEST, End.UNREACHED),
        }.get(changed)
        if expected:
            assert tried.guide == (tried.line != 4)
            assert (tried.ours.end, tried.theirs.end) == expected, tried.key
    assert (place.flax / "nnx" / "extract.py").read_text() == SOURCE


def test_candidates(place: MadeUp) -> None:
    """Where no suite is asked, a mutant is in a line that the guide's own examples run."""

    def reach(*lines: int) -> Reach:
        return Reach({}, {"nnx/extract.py": {line: frozenset({"test"}) for line in lines}})

    def lines(suites: list[Reach] | None) -> set[int]:
        return {found.mutation.line for found in command.candidates(place.flax, suites, reach(3))}

    assert lines(None) == {3}
    assert lines([reach(4, 5), reach(4)]) == {3, 4}


def test_bad_input(place: MadeUp, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of results that cannot be used is one line, and is left as it is."""
    place.results.write_text("no result\n")
    assert command.main(["run"]) == 2
    assert "results.jsonl, line 1: no result" in capsys.readouterr().err
    assert place.results.read_text() == "no result\n"
