"""mutants.suites: what becomes of a run, told from its end and from what it said."""

import signal
from pathlib import Path

import pytest

from tools.mutants import suites
from tools.mutants.copies import Copy
from tools.mutants.processes import Ended, Run
from tools.mutants.suites import End, Outcome, Suite, Unclear, outcome

BEGAN = [["configured", ""], ["began", "a"], ["passed", "a"], ["began", "b"]]
PASSED = [*BEGAN, ["passed", "b"]]
FAILED = [*BEGAN, ["failed", "b"]]
IDLE = [["configured", ""]]


@pytest.mark.parametrize(
    ("ended", "events", "end", "by"),
    [
        (Ended(0, 2.0), PASSED, End.SURVIVED, ""),
        (Ended(1, 2.0), FAILED, End.TEST, "b"),
        (Ended(2, 2.0), FAILED, End.TEST, "b"),
        (Ended(4, 2.0), IDLE, End.IMPORT, ""),
        (Ended(1, 2.0), IDLE, End.IMPORT, ""),
        (Ended(-signal.SIGXCPU, 2.0), IDLE, End.TIME, ""),
        (Ended(-signal.SIGXCPU, 2.0), BEGAN, End.TIME, "b"),
        (Ended(-signal.SIGKILL, 2.0, too_long=True), BEGAN, End.TIME, "b"),
        (Ended(-signal.SIGSEGV, 2.0), BEGAN, End.PROCESS, "b"),
        (Ended(3, 2.0), BEGAN, End.PROCESS, "b"),
        (Ended(0, 2.0), BEGAN, End.PROCESS, "b"),
        (Ended(1, 2.0), PASSED, End.PROCESS, "b"),
    ],
)
def test_outcome(ended: Ended, events: list[list[str]], end: End, by: str) -> None:
    """What ends a run before its tests have passed kills; the test that was running is named."""
    begun = sum(word == "began" for word, _ in events)
    found = outcome(ended, events, 2)
    assert found == Outcome(end, by, 2.0, begun, 2)
    assert found.killed == (end is not End.SURVIVED)


@pytest.mark.parametrize(
    ("code", "events", "words"),
    [
        (4, [], "pytest ended with 4 before it began"),
        (4, [*IDLE, ["missing", "a"]], "there is no test a"),
        (0, BEGAN[:3], "1 of 2 tests passed, none failed"),
    ],
)
def test_unclear(code: int, events: list[list[str]], words: str) -> None:
    """A run that is at fault itself kills nothing."""
    with pytest.raises(Unclear, match=words):
        outcome(Ended(code, 1.0), events, 2)


def test_unreached() -> None:
    """A mutant that no test runs through survives, and costs nothing."""
    found = Suite("ours", Path("/nowhere"), ()).judge(Path("/nowhere"), Path("/nowhere"), {})
    assert found == Outcome(End.UNREACHED, "", 0.0, 0, 0)
    assert not found.killed


TESTS = """
from flax import double

def test_first():
    assert double(0) == 0

def test_second():
    assert double(2) == 4
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Two tests."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "test_double.py").write_text(TESTS)
    return Suite("ours", tmp_path / "root", ("test_double.py",))


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A copy of a package of that name with one function."""
    source = tmp_path / "installed" / "flax"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("def double(x):\n    return 2 * x\n")
    return Copy.make(source, tmp_path / "copy")


ORDER = {"test_double.py::test_second": 0.1, "test_double.py::test_first": 0.1}


@pytest.mark.parametrize(
    ("content", "end", "by", "begun"),
    [
        ("def double(x):\n    return 2 * x\n", End.SURVIVED, "", 2),
        ("def double(x):\n    return 3 * x\n", End.TEST, "test_double.py::test_second", 1),
        ("def triple(x):\n    return 3 * x\n", End.IMPORT, "", 0),
        ("import os\ndef double(x): os._exit(0)\n", End.PROCESS, "test_double.py::test_second", 1),
        ("def double(x):\n    while x: pass\n", End.TIME, "test_double.py::test_second", 1),
    ],
)
def test_judge(
    content: str,
    end: End,
    by: str,
    begun: int,
    suite: Suite,
    copy: Copy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tests of the plan run in its order on the copy, until one fails."""
    monkeypatch.setattr(suites, "MORE_SECONDS", 1)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    with copy.with_file("__init__.py", content.encode()):
        found = suite.judge(copy.package, tmp_path / "work", ORDER)
    assert (found.end, found.by, found.begun, found.through) == (end, by, begun, 2)
    assert found.cpu > 0


def test_judge_in_parts(suite: Suite, copy: Copy, tmp_path: Path) -> None:
    """A suite that has no time for all of its tests goes on, later, where it was."""
    content = b"def double(x):\n    return 2 * x or 1\n"  # test_first fails, which comes second
    with copy.with_file("__init__.py", content):
        first = suite.judge(copy.package, tmp_path / "work", ORDER, seconds=0.15)
        assert (first.end, first.begun, first.through) == (End.SURVIVED, 1, 2)
        assert not first.final
        second = suite.judge(copy.package, tmp_path / "work", ORDER, first)
    assert (second.end, second.begun, second.through) == (End.TEST, 2, 2)
    assert second.by == "test_double.py::test_first"
    assert second.cpu > first.cpu
    assert second.final
    assert suite.judge(copy.package, tmp_path / "work", ORDER, second) is second


def test_judge_another_subject(suite: Suite, tmp_path: Path) -> None:
    """A run that would test another Flax than the copy says nothing."""
    with pytest.raises(
        Unclear, match=r"ours: pytest ended with 4 before it began: see .*ours\.log"
    ):
        suite.judge(tmp_path / "flax", tmp_path / "work", ORDER)


def test_judge_no_such_test(suite: Suite, copy: Copy, tmp_path: Path) -> None:
    """Nor does one whose tests are others than those that were measured."""
    with pytest.raises(Unclear, match=r"there is no test test_double\.py::test_third"):
        suite.judge(copy.package, tmp_path / "work", {"test_double.py::test_third": 0.1})


def test_patience(tmp_path: Path) -> None:
    """A process that only waits is ended too."""
    (tmp_path / "test_waits.py").write_text("import time\ndef test(): time.sleep(60)\n")
    arguments = ["-p", "no:cacheprovider", "--rootdir", str(tmp_path), "test_waits.py"]
    ended = Run(arguments, tmp_path, [tmp_path], tmp_path / "log", 2).end()
    assert (ended.code, ended.too_long) == (-signal.SIGKILL, True)
    assert ended.cpu < 10
