"""runs and commands of the matrix, with interpreters that only pretend to run the suite."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import command
from conformance.matrix import commands, runs
from conformance.matrix.environments import interpreter
from conformance.matrix.subjects import MatrixError

# A stand-in for python -m pytest: writes the record it was told to, and ends as it was told to.
STAND_IN = """#!{python}
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
(here / "runs").open("a").write(" ".join(sys.argv[1:]) + "\\n")
told = json.loads((here / "told.json").read_text())
time.sleep(told.get("seconds", 0))
print(told.get("says", "3 passed"))
record = pathlib.Path(sys.argv[sys.argv.index("--record") + 1])
record.write_text("".join(json.dumps(line) + "\\n" for line in told["record"]))
sys.exit(told.get("code", 0))
"""


LOST = {"observed": "wrong result", "error": "WrongResult", "message": "lost"}


def lines(verdicts: dict[str, str], *, full: bool = False) -> list[dict[str, object]]:
    """A record of one case for each claim; what is broken is lost."""
    subject = {"flax": "0.10.0", "jax": "0.4.34", "mode": "default"}
    cases: list[dict[str, object]] = [
        {"case": f"{claim}[jit,-,-,cpu,default]", "verdict": verdict}
        | (LOST if verdict == "broken" else {})
        for claim, verdict in verdicts.items()
    ]
    header = {"record": 2, "suite": "1", "subject": subject, "backends": {"cpu": "8 devices"}}
    return [header, *cases, {"exit_code": 0, "cases": len(cases), "full": full}]


HELD = {"record": lines({"rngs/one": "held", "state_axes/two": "not applicable"})}
BROKEN = {"record": lines({"rngs/one": "broken", "state_axes/two": "broken"}), "code": 1}
UNTESTABLE = {"record": [], "says": "ERROR: flax 0.10.1 cannot be imported", "code": 4}

Tell = Callable[..., None]


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Says what the stand-in does for which Flax; every other one cannot be had."""
    told: dict[str, dict[str, object]] = {}

    def make(folder: Path, requirements: tuple[str, ...], *_: object, **__: object) -> None:
        release = requirements[0].partition("==")[2]
        if release not in told:
            raise MatrixError(f"flax {release} is not in the index")
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(STAND_IN.format(python=sys.executable))
        python.chmod(0o755)
        (python.parent / "told.json").write_text(json.dumps(told[release]))

    monkeypatch.setattr(runs, "make", make)
    monkeypatch.setattr(commands, "copy_suite", lambda folder: tmp_path / "suites" / "digest")
    monkeypatch.chdir(tmp_path)

    def tell(**releases: dict[str, object]) -> None:
        told.update({name.lstrip("v").replace("_", "."): does for name, does in releases.items()})

    return tell


@pytest.fixture
def known(tmp_path: Path) -> list[str]:
    """The option that names a file in which the broken claim of state_axes is known."""
    file = tmp_path / "known.toml"
    file.write_text(
        '[[deviation]]\nclaims = ["state_axes/*"]\nflax = "<1"\nobserved = "wrong result"\n'
        'message = "lost"\ncause = "a reason"\nevidence = "https://example.org"\n'
    )
    return ["--no-known-deviations", "--deviations", str(file)]


def made(tmp_path: Path, release: str, jax: str) -> list[str]:
    """The command lines with which the suite was run on a release."""
    python = interpreter(tmp_path / ".conformance/environments" / f"flax-{release}-jax-{jax}")
    return (python.parent / "runs").read_text().splitlines()


def test_table(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    """A run past every subject ends with a table of them all, and exits with 0 if all is well."""
    tell(v0_10_0=HELD, v0_10_1=HELD)

    assert command.main(["matrix", "0.10.0", "0.10.1", "--jobs", "1"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "[1/2] flax-0.10.0-jax-0.4.34: 1 (0 s)"
    assert said[3:7] == [
        "flax    jax           state",
        "                rngs  axes   all  not applicable",
        "0.10.0  0.4.34  1     -      1    1",
        "0.10.0  0.4.34  1     -      1    1",
    ]


def test_findings(tell: Tell, known: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What is broken, and what cannot be made or tested, is named; the others run all the same."""
    tell(v0_10_0=BROKEN, v0_10_1=UNTESTABLE, v0_10_3=HELD)

    assert command.main(["matrix", "<=0.10.3", "--jobs", "1", *known]) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("flax-0.10.")] == [
        "flax-0.10.0-jax-0.4.34: broken: rngs/one (1 cases)",
        "flax-0.10.1-jax-0.4.35: flax 0.10.1 cannot be imported",
        "flax-0.10.2-jax-0.4.35: flax 0.10.2 is not in the index",
    ]
    assert "0.10.0  0.4.34  0!1   0~1    0~1!1  0" in said


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"record": lines({}), "code": 5}, "no case was executed"),
        ({"record": lines({"a/b": "not applicable"}), "code": 5}, "no case was executed"),
        ({"record": lines({"a/b": "held"}, full=True)}, "known.toml: deviation 1 explains no case"),
        ({"record": lines({"a/b": "held"})[:-1]}, "has no footer after 1 cases"),
        ({"record": lines({"a/b": "held"}), "code": 3}, "ended with 3: see "),
        ({"record": [], "code": -9}, "ended with "),
    ],
)
def test_runs_that_say_nothing(
    tell: Tell,
    known: list[str],
    found: dict[str, object],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A run without cases, or that did not come to its end, is a finding; so is an idle entry."""
    tell(v0_10_0=found)

    assert command.main(["matrix", "0.10.0", *known]) == 1
    assert message in capsys.readouterr().out.splitlines()[-1]


def test_resumed(
    tell: Tell, known: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What has been run is kept, and judged anew; what gave no record is run again."""
    tell(v0_10_0=BROKEN, v0_10_1=UNTESTABLE)
    words = ["matrix", "0.10.0", "0.10.1", "--jobs", "1"]
    command.main(words)
    command.main([*words, *known])
    said = capsys.readouterr().out

    assert "[1/2] flax-0.10.0-jax-0.4.34: 0!2 (0 s)" in said
    assert "[1/2] flax-0.10.0-jax-0.4.34: 0~1!1 (as before)" in said
    assert len(made(tmp_path, "0.10.0", "0.4.34")) == 1
    assert len(made(tmp_path, "0.10.1", "0.4.35")) == 2


def test_run_again(tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is made again for another suite, other arguments, and where its record is not whole."""
    tell(v0_10_0=HELD)
    command.main(["matrix", "0.10.0"])
    command.main(["matrix", "0.10.0", "--", "-k", "one"])
    monkeypatch.setattr(commands, "copy_suite", lambda folder: tmp_path / "suites" / "other")
    command.main(["matrix", "0.10.0", "--", "-k", "one"])
    record = tmp_path / ".conformance/records/flax-0.10.0-jax-0.4.34.jsonl"
    record.write_text(record.read_text().rpartition('{"exit_code"')[0])
    command.main(["matrix", "0.10.0", "--", "-k", "one"])

    ran = made(tmp_path, "0.10.0", "0.4.34")
    assert [line.endswith("--no-known-deviations -k one") for line in ran] == [
        False,
        True,
        True,
        True,
    ]


def test_an_ended_run_is_kept_for_no_other(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that was cut short leaves nothing that is taken for the run before it."""
    tell(v0_10_0=HELD)
    command.main(["matrix", "0.10.0"])
    tell(v0_10_0=BROKEN | {"code": 2})
    command.main(["matrix", "0.10.0", "--", "-k", "one"])
    tell(v0_10_0=HELD)
    command.main(["matrix", "0.10.0"])

    assert "as before" not in capsys.readouterr().out


def test_words_of_a_run(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    """What a case prints is not taken for a refusal of the run."""
    tell(v0_10_0=HELD | {"says": "ERROR: of a case"})

    assert command.main(["matrix", "0.10.0"]) == 0
    assert "[1/1] flax-0.10.0-jax-0.4.34: 1 (0 s)" in capsys.readouterr().out


def test_limit(tell: Tell, tmp_path: Path) -> None:
    """A run that does not end is ended, and says so."""
    tell(v0_10_0=HELD | {"seconds": 60})
    workplace = runs.Workplace(tmp_path / ".conformance", tmp_path, limit=1)
    (subject,) = commands.wanted(["0.10.0"], [])

    (problem,) = workplace.run(subject).problems
    assert problem.startswith("did not end in 1 s: see ")


def test_bad_words(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input gets one line and the exit code 2."""
    assert command.main(["matrix", "0.9.0"]) == 2
    assert capsys.readouterr().err == (
        "nnx-conformance: no release of conformance/releases.toml is '0.9.0'\n"
    )
    assert command.main(["source", "nowhere"]) == 2
    assert "nowhere/pyproject.toml: No such file or directory" in capsys.readouterr().err
    assert command.main(["matrix", "0.10.0", "--deviations", "nowhere"]) == 2
    assert capsys.readouterr().err == "nnx-conformance: nowhere: No such file or directory\n"


def test_source(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The suite runs on a tree in an environment of its own, and ends as pytest does."""
    tell(**{"": BROKEN})
    tree = tmp_path / "flax"
    tree.mkdir()
    (tree / "pyproject.toml").write_text('[project]\nname = "flax"\ndependencies = ["optax"]\n')
    monkeypatch.setattr(commands, "make", runs.make)
    built: list[Path] = []
    monkeypatch.setattr(commands, "install_source", lambda folder, tree: built.append(tree))

    assert command.main(["source", "flax", "--jax", "0.12.0.1", "--", "-k", "one"]) == 1
    place = tmp_path / ".conformance/environments/source-flax-jax-0.12.0.1"
    ran = (interpreter(place).parent / "runs").read_text()
    assert ran.endswith("--pyargs conformance -n auto -k one\n")
    assert built == [tree]
    assert "3 passed" in capfd.readouterr().out


def test_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run gets the variables that are set, but for what they tell pytest."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k one")
    monkeypatch.setenv("XLA_FLAGS", "--one")

    environ = runs.suite_environment(tmp_path)

    assert "PYTEST_ADDOPTS" not in environ
    assert (environ["PYTHONPATH"], environ["XLA_FLAGS"]) == (str(tmp_path), "--one")
