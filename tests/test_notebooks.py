"""guide.notebooks: what comes of cells that are run one after the other."""

import os
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.guide.cells import MAY_RAISE, SKIPPED, Cell
from conformance.guide.notebooks import Found, Notebook, Outcome, look
from conformance.guide.passages import GuideError
from conformance.matrix.environments import interpreter
from tests.guide import subject

Run = Callable[..., list[Outcome]]


def cells(*sources: str, tags: Sequence[str] = ()) -> list[Cell]:
    """Cells that begin at the lines 10, 20, …; the last one has these tags."""
    made = [
        Cell(number, "One", "guide.md", 10 * number, source, "")
        for number, source in enumerate(sources, 1)
    ]
    return [*made[:-1], replace(made[-1], tags=frozenset(tags))]


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs cells, and gives what comes of each."""
    opened = []

    def run(*sources: str, tags: Sequence[str] = (), limit: float = 60) -> list[Outcome]:
        made = cells(*sources, tags=tags)
        opened.append(Notebook(made, sys.executable, os.environ, limit))
        return [opened[-1].outcome(cell) for cell in made]

    yield run
    for notebook in opened:
        notebook.close()


def test_one_namespace(run: Run) -> None:
    """A cell finds what those before it left; what it prints, and its last value, is kept."""
    last = run(
        "import sys\nx = 4",
        "def f():\n  return x",
        "print('so'); print('no', file=sys.stderr)\nf()",
    )[-1]

    assert last.error == ""
    said = {
        stream: "".join(text for of, text in last.printed if of == stream)
        for stream in ("stdout", "stderr")
    }
    assert said == {"stdout": "so\n4\n", "stderr": "no\n"}


def test_error(run: Run) -> None:
    """An error comes with its line in the guide, and a traceback that quotes the guide alone."""
    _, failed = run("def f():\n  return 1 / 0", "x = 1\nf()")

    assert (failed.error, failed.message, failed.line) == (
        "ZeroDivisionError",
        "division by zero",
        21,
    )
    said = [line.strip() for line in failed.traceback.splitlines() if set(line) - set(" ~^")]
    assert said == [
        "Traceback (most recent call last):",
        'File "guide.md", line 21, in <module>',
        "f()",
        'File "guide.md", line 11, in f',
        "return 1 / 0",
        "ZeroDivisionError: division by zero",
    ]


def test_syntax_error(run: Run) -> None:
    """What is no Python says so with its line; nothing of the cell is run."""
    failed, after = run("x = 1\ny = = 2", "x")

    assert (failed.error, failed.line) == ("SyntaxError", 0)
    assert 'File "guide.md", line 11' in failed.traceback
    assert "kernel" not in failed.traceback
    assert after.error == "NameError"


@pytest.mark.parametrize("raised", ["SystemExit(3)", "KeyboardInterrupt()", "BaseException('x')"])
def test_any_error(run: Run, raised: str) -> None:
    """Whatever a cell raises is its error, and the next cell runs."""
    failed, after = run(f"raise {raised}", "1")

    assert failed.error == raised.partition("(")[0]
    assert after.error == ""


def test_an_error_that_cannot_be_told(run: Run) -> None:
    """An error that has no message is told all the same."""
    [failed] = run("class E(Exception):\n  def __str__(self): return 1 / 0\nraise E")

    assert (failed.error, failed.message) == ("E", "(its message cannot be had: ZeroDivisionError)")


def test_caught(run: Run) -> None:
    """An error that the guide's own `try` catches is none."""
    [ran] = run("try:\n  1 / 0\nexcept ZeroDivisionError as e:\n  print(e)")

    assert ran.error == ""
    assert "".join(text for _, text in ran.printed) == "division by zero\n"


def test_may_raise(run: Run) -> None:
    """An error in a cell that the guide tags as one that may raise is none; it is shown."""
    [ran] = run("print(1)\n1 / 0", tags=[MAY_RAISE])

    assert ran.error == ""
    assert "ZeroDivisionError: division by zero" in "".join(text for _, text in ran.printed)
    assert run("1", tags=[MAY_RAISE])[0].error == ""


def test_skipped(run: Run) -> None:
    """What the guide says is not to be run is not, nor what is no Python."""
    assert run("1 / 0", tags=[SKIPPED])[0].skipped == f"the guide tags it {SKIPPED}"

    first, shell, after = run("x = 1", "%%bash\nexit 1", "assert x == 1")
    assert shell.skipped.startswith("`%%bash` is IPython's")
    assert (first.error, shell.error, after.error) == ("", "", "")


FOLLOWING = {
    "never-defined": (["x = 1 / 0", "x"], "follows from cell 1, which defines it"),
    "defined-before": (["x = 1\ny = 1 / 0", "x\n2 / 0"], ""),
    "half": (["x = 1\ny = 1 / 0", "y"], "follows from cell 1, which defines it"),
    "imported": (["import no_such as x", "x"], "follows from cell 1, which defines it"),
    "in-a-function": (
        ["x = 1 / 0", "def f(): return x\nf()"],
        "follows from cell 1, which defines it",
    ),
    "defined-since": (["x = 1 / 0", "x = 1", "x\n1 / 0"], ""),
    "own": (["x = 1 / 0", "x = 2\nx / 0"], ""),
    "of-nobody": (["x = 1 / 0", "z"], ""),
    "old-value": (
        ["x = 0", "x = 1 / 0", "1 / x"],
        "may follow from what is not there anew: `x` of cell 2",
    ),
}


@pytest.mark.parametrize(("sources", "follows"), FOLLOWING.values(), ids=FOLLOWING)
def test_follows(run: Run, sources: list[str], follows: str) -> None:
    """An error for want of what an earlier cell failed to define is said to follow from it."""
    last = run(*sources)[-1]

    assert last.error != ""
    assert last.follows == follows


def test_ended(run: Run) -> None:
    """A cell that takes the process along has failed; the next find what the others left."""
    _, ended, after = run(
        "x = 1\nprint(x)", "x = 2\nprint('last words')\nimport os\nos._exit(3)", "assert x == 1"
    )

    assert (ended.error, ended.message) == ("ProcessEnded", "the process ended with exit code 3")
    assert ended.printed[0] == ("stdout", "last words")
    assert after.error == ""


def test_time_limit(run: Run) -> None:
    """A cell that takes too long has failed, and the next one runs."""
    hung, after = run("while True: pass", "1", limit=0.3)

    assert (hung.error, hung.message) == ("ProcessEnded", "still running after 0.3 s")
    assert after.error == ""


def test_any_subset() -> None:
    """A cell's outcome is that of all before it, whichever was asked for, and it is run once."""
    made = cells("n = [0]", "n[0] += 1\nprint(n[0])", "assert n == [1]")

    with Notebook(made, sys.executable, os.environ, 60) as notebook:
        assert notebook.outcome(made[2]).error == ""
        assert notebook.outcome(made[1]).printed[0] == ("stdout", "1")
        assert notebook.outcome(made[1]) is notebook.outcome(made[1])


def test_place(run: Run, tmp_path: Path) -> None:
    """Cells run in an empty folder that is gone afterwards, and imports look there first."""
    made = cells(
        "import os\nassert os.listdir() == []\nopen('shapes.py', 'w').write('x = 1')",
        "import shapes\nprint(os.getcwd())",
    )

    with Notebook(made, sys.executable, os.environ, 60) as notebook:
        outcomes = [notebook.outcome(cell) for cell in made]
    assert [outcome.error for outcome in outcomes] == ["", ""]
    assert not Path(outcomes[1].printed[0][1]).exists()


LIKE_A_NOTEBOOK = {
    "display": "display(1)",
    "main": "import pickle\nclass A: pass\npickle.dumps(A())\nassert __name__ == '__main__'",
    "no-input": "try: input()\nexcept EOFError: pass\nelse: 1 / 0",
    "arguments": "import sys\nassert len(sys.argv) == 1",
    "nothing-shown": "x = 1;",
    "from-c": "import os\nos.write(1, b'{}\\n')",
    "future": "from __future__ import annotations",
}


@pytest.mark.parametrize("source", LIKE_A_NOTEBOOK.values(), ids=LIKE_A_NOTEBOOK)
def test_like_a_notebook(run: Run, source: str) -> None:
    """What a notebook allows is allowed; nothing that a cell prints is taken for an answer."""
    assert [outcome.error for outcome in run(source, "def f(x: int): pass\nf")] == ["", ""]


def test_future(run: Run) -> None:
    """What is imported from __future__ holds for the cells after it."""
    assert run("from __future__ import annotations", "def f(x: nobody): pass")[-1].error == ""


# Which Flax, and which backends


def test_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python is asked for its versions and backends, the default first."""
    monkeypatch.setenv("PYTHONPATH", str(subject(tmp_path, "tpu", "cpu")))
    found = look(sys.executable)

    assert found.versions["flax"] == "1.0"
    assert found.backends == {"tpu": "tpu (2 x a tpu)", "cpu": "cpu (2 x a cpu)"}


def test_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX's default is left as it is; another backend is made the default of its process."""
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    found = Found({}, {"gpu": "", "cpu": "", "odd": ""})

    chosen = [found.environ(name).get("JAX_PLATFORMS") for name in found.backends]
    assert chosen == [None, "cpu", "odd,cpu"]
    assert "xla_force_host_platform_device_count" in found.environ("gpu")["XLA_FLAGS"]


def test_no_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without a usable Flax is refused in one line, and so is what is no Python."""
    stand_in = subject(tmp_path, "cpu")
    monkeypatch.setenv("PYTHONPATH", str(stand_in))
    (stand_in / "flax" / "nnx" / "__init__.py").write_text("raise OSError('no\\nluck')")
    with pytest.raises(
        GuideError, match=r"flax 1.0 cannot be used with jax 1.0: OSError: no luck$"
    ):
        look(sys.executable)

    (stand_in / "jax" / "__init__.py").write_text("import os; os._exit(5)")
    with pytest.raises(GuideError, match=r": cannot be asked for its Flax: ended with 5$"):
        look(sys.executable)

    absent = str(tmp_path / "python")
    with pytest.raises(GuideError, match=f"^{absent}: No such file or directory$"):
        look(absent)


def test_no_flax(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without Flax says that it has none."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    venv.create(tmp_path / "bare")
    python = str(interpreter(tmp_path / "bare"))

    with pytest.raises(GuideError, match=f"^{python}: flax is not installed$"):
        look(python)
