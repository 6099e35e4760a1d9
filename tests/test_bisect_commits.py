"""bisect over commits: a real repository, real git, and steps that only pretend to run."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import command
from conformance.asked import Asked
from conformance.bisect import commits, step
from conformance.bisect.commits import Checkout
from conformance.bisect.step import NEW, OLD, SKIP, Plan
from conformance.harness.records import Record
from conformance.matrix.subjects import MatrixError
from tests.reports import BROKEN, HELD, MISSING, case, record

CLAIM = "graph_updates/cycle"
PROJECT = '[project]\nname = "{name}"\ndependencies = ["jax>=0.8"]\n'

# A stand-in for a step: a commit says in its file `verdict` what the suite would find.
STAND_IN = """
import json, pathlib, sys
plan = json.loads(pathlib.Path(sys.argv[1]).read_text())
found = pathlib.Path("verdict").read_text()
print(f"  step: {found}")
sys.exit(125 if found == "skip" else int(found != plan["was"]))
"""


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *settings, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder: Path, verdicts: str, name: str = "flax") -> list[str]:
    """A repository with a commit for each verdict: + held, - broken, ? not to be judged."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "pyproject.toml").write_text(PROJECT.format(name=name))
    (folder / "flax").mkdir()
    (folder / "flax" / "version.py").write_text('__version__ = "0.12.3"\n')
    made = []
    for number, verdict in enumerate(verdicts):
        (folder / "verdict").write_text({"+": "held", "-": "broken", "?": "skip"}[verdict])
        (folder / "number").write_text(str(number))
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", f"Change {number}")
        made.append(git(folder, "rev-parse", "HEAD"))
    return made


def state(folder: Path) -> dict[str, bytes]:
    """Every file of a repository, git's own too."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the environments were to be made of; none is made, and steps are the stand-in's."""
    asked: list[list[str]] = []
    script = tmp_path / "step.py"
    script.write_text(STAND_IN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commits, "make", lambda place, words, pythons: asked.append(list(words)))
    monkeypatch.setattr(
        commits, "step_command", lambda plan: [sys.executable, str(script), str(plan)]
    )
    return asked


@pytest.mark.parametrize(
    ("verdicts", "first", "direction"),
    [
        ("++++--", 4, "held -> broken"),
        ("+-----", 1, "held -> broken"),
        ("---+++++", 3, "broken -> held"),
    ],
)
def test_found(
    verdicts: str,
    first: int,
    direction: str,
    environments: list[list[str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first commit with the other verdict is told, and the checkout is left as it was."""
    made = repository(tmp_path / "flax", verdicts)
    (tmp_path / "flax" / "verdict").write_text("an edit that is not committed")
    before = state(tmp_path / "flax")
    good, bad = (made[0], "HEAD") if verdicts[0] == "+" else ("HEAD", made[0])

    code = command.main(["bisect", CLAIM, "--checkout", "flax", "--good", good, "--bad", bad])

    said = capsys.readouterr().out.splitlines()
    assert code == 0
    assert said[0] == f"{CLAIM}, by commits with jax 0.9.0:"
    assert said[1:3] == (["broken", "held"] if bad == "HEAD" else ["held", "broken"])
    assert said[-2].startswith(f"{direction}: commit {made[first][:12]} (")
    assert said[-2].endswith(f", A): Change {first}")
    assert said[-1] == f"  https://github.com/google/flax/commit/{made[first]}"
    assert environments == [["jax>=0.8", "jax==0.9.0", "jaxlib==0.9.0"]]
    assert state(tmp_path / "flax") == before


@pytest.mark.usefixtures("environments")
def test_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Commits that cannot be judged are skipped; where it may be one of them, all are told."""
    made = repository(tmp_path / "flax", "+?+-?-")
    arguments = ["bisect", CLAIM, "--checkout", "flax", "--good", made[0]]
    assert command.main(arguments) == 0
    assert f"held -> broken: commit {made[3][:12]}" in capsys.readouterr().out

    made = repository(tmp_path / "other", "+??-")
    arguments = ["bisect", CLAIM, "--checkout", "other", "--good", made[0]]
    assert command.main(arguments) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-4] == "held -> broken: one of these, which could not be judged:"
    assert {line.split()[0] for line in said[-3:]} == {sha[:12] for sha in made[1:]}


@pytest.mark.usefixtures("environments")
@pytest.mark.parametrize(
    ("name", "verdicts", "arguments", "message"),
    [
        ("flax", "+-", ["--good", "v9"], "there is no revision 'v9'"),
        ("flax", "+-", ["--good", "HEAD"], "good and bad are the same commit"),
        ("flax", "--", ["--good", "HEAD~1"], ", given as good, is broken"),
        ("flax", "++", ["--good", "HEAD~1"], ", given as bad, is held"),
        ("flax", "?-", ["--good", "HEAD~1"], ", given as good, cannot be judged"),
        ("optax", "+-", ["--good", "HEAD~1"], "a source tree of optax, not of Flax"),
        ("flax", "+-", ["--good", "HEAD~1", "--jax", "newest"], "--jax newest: name a version"),
        ("flax", "+-", [], "--checkout needs --good"),
    ],
)
def test_bad_input(
    name: str,
    verdicts: str,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Bad input is told in one line, and the exit code is 2."""
    repository(tmp_path / "flax", verdicts, name)

    assert command.main(["bisect", CLAIM, "--checkout", "flax", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.usefixtures("environments")
def test_no_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So is a folder that is no repository, or not there."""
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "nowhere"):
        arguments = ["bisect", CLAIM, "--checkout", folder, "--good", "a", "--bad", "b"]
        assert command.main(arguments) == 2
        assert capsys.readouterr().err.startswith(f"nnx-conformance: {folder}: ")


def test_jax_of_a_commit(tmp_path: Path) -> None:
    """A commit gets the JAX of the day of the release that it names, if that is known."""
    repository(tmp_path / "flax", "+")
    checkout = Checkout(tmp_path / "flax")
    assert checkout.jax_of("HEAD") == "0.9.0"

    (tmp_path / "flax" / "flax" / "version.py").write_text("__version__ = '9.0.0'\n")
    git(tmp_path / "flax", "commit", "--quiet", "--all", "--message", "Another version")
    assert checkout.jax_of("HEAD") == ""


Take = Callable[[Record | None, str], int]


@pytest.fixture
def take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Take:
    """Takes a step at which the suite would record this."""
    repository(tmp_path / "flax", "+")

    def take(found: Record | None, was: str) -> int:
        def install(environment: Path, tree: Path) -> None:
            assert tree == tmp_path / "flax"
            if found is None:
                raise MatrixError("it cannot be built")

        monkeypatch.setattr(step, "install_source", install)
        monkeypatch.setattr(step, "run_suite", lambda *_: None)
        monkeypatch.setattr(step, "read", lambda _: found)
        plan = Plan(CLAIM, "*", str(tmp_path), str(tmp_path), str(tmp_path), was=was)
        plan.write(tmp_path / "plan.json")
        assert Plan.read(tmp_path / "plan.json") == plan
        return step.take(plan, tmp_path / "flax")

    return take


@pytest.mark.parametrize(
    ("verdict", "was", "code"),
    [
        (HELD, "held", OLD),
        (BROKEN, "held", NEW),
        (HELD, "broken", NEW),
        (BROKEN, "broken", OLD),
        (MISSING, "held", SKIP),
        (None, "held", SKIP),
    ],
)
def test_step(
    verdict: object, was: str, code: int, take: Take, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step ends with git's codes: 0 as the older end, 1 as the newer, 125 cannot be judged."""
    found = record(case(CLAIM, verdict)) if verdict is not None else None  # type: ignore[arg-type]
    assert take(found, was) == code
    said = capsys.readouterr().out
    assert said.startswith("  step: ")
    assert " Change 0: " in said


def test_step_without_the_case(take: Take, capsys: pytest.CaptureFixture[str]) -> None:
    """A commit whose record has no such case is skipped, and that is said."""
    assert take(record(case("rngs/other", HELD)), "held") == SKIP
    assert "skipped: graph_updates/cycle names no case of the suite" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("*", ""),
        ("fori_loop", " and fori_loop"),
        ("jit-of-vmap,function,*", " and jit-of-vmap and function"),
        ("vmap,function,not,cpu,default", " and vmap and function and cpu"),
        ("-,-,a b,cpu,default", " and cpu"),
    ],
)
def test_selection(pattern: str, words: str) -> None:
    """No other claim is run, and of the claim as few cases as pytest can tell apart by words."""
    said = step.selection(Asked(CLAIM, pattern))
    assert said == ("-k", f"graph_updates and test_cycle{words}")
