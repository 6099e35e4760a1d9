"""repro: a script that fails as its case does where Flax is broken, and ends well where it is not.

The subject is broken on purpose, in this process for the case and in the script's for the script.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from flax import nnx

from conformance import command
from conformance.harness.verdicts import Failure, Observed
from conformance.repro import script
from conformance.repro.script import Outcome

# What is done to the Flax under test, as text, since the script's process does it too.
LOSES_UPDATES = """
def jit(function=None, **options):
    def lifted(*arguments):
        return function(*map(copy, arguments))
    def copy(argument):
        return nnx.clone(argument) if isinstance(argument, nnx.Module) else argument
    return lifted
"""
COPIES_MODULES = """
real = nnx.jit
def jit(function=None, **options):
    def lifted(block, x):
        y = real(function, **options)(block, x)
        block.first, block.second = nnx.clone(block.first), nnx.clone(block.second)
        return y
    return lifted
"""
REFUSES_NOTHING = """
def jit(function=None, **options):
    return lambda *arguments: function(*arguments)
"""
RAISES = """
def jit(function=None, **options):
    def lifted(*arguments):
        raise RuntimeError("out of order")
    return lifted
"""
TRACES_ALWAYS = """
real = nnx.jit
def jit(function=None, **options):
    return lambda *arguments: real(lambda *a: function(*a), **options)(*arguments)
"""


@pytest.fixture
def broken(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Flax whose jit is broken in the way that the test's parameter says."""
    names = {"nnx": nnx}
    exec(request.param, names)
    monkeypatch.setattr(nnx, "jit", names["jit"])
    script = f"from flax import nnx\n{request.param}\nnnx.jit = jit\n"
    (tmp_path / "sitecustomize.py").write_text(script)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.parametrize(
    ("broken", "case", "found"),
    [
        pytest.param(
            LOSES_UPDATES,
            "graph_updates/update-attribute[jit,function]",
            "Found: object0.count: expected Count int32[] 1, found Count int32[] 0",
            id="wrong-result",
        ),
        pytest.param(
            COPIES_MODULES,
            "graph_updates/swap-attributes[jit,function,modules]",
            "Found: held object0.first: expected same object as object0.second, found",
            id="identity",
        ),
        pytest.param(
            REFUSES_NOTHING,
            "closures/mutation-rejected[jit,function,variable]",
            "Found: expected an error, found none; the objects changed:",
            id="no-error",
        ),
        pytest.param(
            RAISES,
            "graph_updates/everything-at-once[jit,method]",
            "Found: RuntimeError: out of order",
            id="error",
        ),
        pytest.param(
            TRACES_ALWAYS,
            "jit_cache/stable[jit,function,alone]",
            "Found: traces.1: expected static 1, found static 2",
            id="comparison",
        ),
    ],
    indirect=["broken"],
)
@pytest.mark.usefixtures("broken")
def test_printed(
    case: str,
    found: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The script needs nothing of the suite, says of which subject it is, and passes elsewhere."""
    assert command.main(["repro", case]) == 0
    printed = capsys.readouterr().out

    assert found in printed
    assert re.search(r"^With flax [\d.]+.*, jax [\d.]+", printed, re.MULTILINE)
    assert "conformance" not in "".join(printed.split('"""')[2:])
    assert len(printed.splitlines()) < 160
    monkeypatch.undo()  # with the Flax that is really there
    exec(compile(printed, "repro.py", "exec"), {"__name__": "__main__"})


def test_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a case that holds there is nothing to print, which is said, and the exit code is 1."""
    assert command.main(["repro", "graph_updates/cycle[jit,function,itself]"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "nnx-conformance: graph_updates/cycle[jit,function,itself,cpu,default] holds: there is "
        "nothing to show\n"
    )


@pytest.mark.parametrize("broken", [RAISES], indirect=True)
@pytest.mark.usefixtures("broken")
def test_not_reproduced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What fails here and in no script of its own is not printed, and the exit code is 1."""
    monkeypatch.setattr(script, "run", lambda *_: Outcome(0, ""))
    assert command.main(["repro", "graph_updates/cycle[jit,function,itself]"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "fails with RuntimeError: out of order, but no script of its own does" in said.err


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("graph_updates/cycel", "there is no claim 'graph_updates/cycel': did you mean "),
        (
            "graph_updates/cycle[jit,function,it]",
            "graph_updates/cycle[jit,function,it] names no case of the suite: did you mean ",
        ),
    ],
)
def test_bad_input(case: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A case that there is not is told in one line with those like it, and the exit code is 2."""
    assert command.main(["repro", case]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"nnx-conformance: {message}")
    assert said.err.count("\n") == 1


def test_without_flax(tmp_path: Path) -> None:
    """Without a Flax to test it says so, and the exit code is 2."""
    script = (
        "import sys\n"
        "from conformance.harness import subject\n"
        "def load():\n"
        "    raise subject.SubjectError('flax is not installed')\n"
        "subject.load = load\n"
        "from conformance.command import main\n"
        "sys.exit(main(['repro', 'graph_updates/cycle']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "nnx-conformance: flax is not installed\n")


@pytest.mark.parametrize(
    ("code", "said", "shows"),
    [
        (1, "ValueError: got <class '__main__.Count'> of x_140353558754976\nmore\n", True),
        (1, "jax.errors.ValueError: got <class '__main__.Count'> of x_1403535587549\n", True),
        (1, "  ValueError: got <class '__main__.Count'> of x_140353558754976\n", False),
        (1, "TypeError: got <class '__main__.Count'> of x_140353558754976\n", False),
        (1, "ValueError: something else\n", False),
        (0, "ValueError: got <class '__main__.Count'> of x_140353558754976\n", False),
        (-1, "still running after 300 s", False),
    ],
)
def test_shows(code: int, said: str, shows: bool) -> None:
    """An error is the same if it is of one class and says the same, but for addresses."""
    message = "got <class 'conformance.models.Count'> of x_140353628270368\nand more"
    failure = Failure(Observed.ERROR, "ValueError", message)
    assert Outcome(code, said).shows(failure) is shows


def test_shows_an_assertion() -> None:
    """What is no error of Flax's is the same if an assertion of the script fails."""
    failure = Failure(Observed.WRONG_RESULT, "WrongResult", "object0.count: expected 1, found 2")
    assert Outcome(1, "Traceback\n  ...\nAssertionError: 2\n").shows(failure)
    assert not Outcome(1, "Traceback\n  ...\nNameError: name 'case' is not defined\n").shows(
        failure
    )
