"""nnx-conformance gate, as its user or a runner starts it."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance import command
from conformance.gate import commands, making
from conformance.gate.ending import Ending
from conformance.guide.promises import Promise
from conformance.harness.records import Record
from conformance.matrix.environments import Unbuildable
from tests.reports import BROKEN, EVIL, HELD, MISSING, case, known, record, written
from tests.test_deviations import toml
from tests.test_gate_github import read_outputs

# A stand-in for python -m pytest: leaves the record that it was told to, and ends so too.
STAND_IN = """#!{python}
import pathlib, shutil, sys
here = pathlib.Path({here!r})
(here / "ran").write_text("\\n".join(sys.argv[1:]))
print((here / "says").read_text())
if (here / "seen.jsonl").exists():
    shutil.copy(here / "seen.jsonl", sys.argv[sys.argv.index("--record") + 1])
sys.exit(int((here / "code").read_text()))
"""
KEPT, LOST = case("graph_updates/kept", HELD), case("rngs/split-only", BROKEN)
WHOLE = record(KEPT, case("rngs/split-only", HELD), full=True)
RED = record(KEPT, LOST, full=True)

PROMISES = {"rngs/split-only": Promise("rngs/split-only", "The others stay whole.", "Random")}

Tell = Callable[..., None]


@pytest.fixture
def tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Says what the suite sees and how it ends, in an environment that only pretends to be one."""
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    here = tmp_path / "stand-in"
    here.mkdir()

    def make(folder: Path, requirements: list[str], *_: object, **how: object) -> None:
        (here / "asked").write_text(f"{sorted(requirements)} {how}")
        python = folder / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(STAND_IN.format(python=sys.executable, here=str(here)))
        python.chmod(0o755)

    monkeypatch.setattr(making, "make", make)
    monkeypatch.setattr(commands, "promises", lambda: PROMISES)  # reading them takes a second
    monkeypatch.setattr(commands, "copy_suite", lambda folder: folder / "suites" / "digest")

    def tell(seen: Record | None, code: int = 0, says: str = "3 passed") -> None:
        if seen:
            written(here / "seen.jsonl", seen)
        (here / "code").write_text(str(code))
        (here / "says").write_text(says)

    return tell


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """GitHub's variables, and the folder of its files."""
    place = tmp_path / "runner"
    place.mkdir()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("GITHUB_OUTPUT", str(place / "outputs"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place / "summary"))
    return place


def gate(*words: str) -> int:
    return command.main(["gate", "--flax", "0.12.12", "--no-known-deviations", *words])


def left() -> list[str]:
    """The files that the gate has left."""
    folder = Path(".conformance/gate")
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_passed(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is found the code is 0, and all files are there."""
    tell(WHOLE)
    assert gate() == 0
    assert left() == ["log.txt", "page/index.html", "record.jsonl", "summary.md"]
    assert capsys.readouterr().out.splitlines() == [
        "3 passed",
        f"gate: passed; see {Path('.conformance/gate').resolve()}",
    ]
    assert Path(".conformance/gate/log.txt").read_text() == "3 passed\n"


def test_what_is_run(tell: Tell) -> None:
    """The options reach pytest, files with their places, and a user's own words come last."""
    tell(record(KEPT))
    Path("mine.toml").write_text("")
    options = ("--section", "graph_updates", "--backend", "cpu", "--require-backend", "cpu")
    assert gate(*options, "--deviations", "mine.toml", "--jobs", "2", "--", "-k", "kept") == 0

    ran = Path("stand-in/ran").read_text().splitlines()
    folder = Path(".conformance/gate").resolve()
    suite = Path(".conformance/suites/digest").resolve()
    assert ran == [
        *("-m", "pytest", "-c", str(suite / "pytest.ini"), "--rootdir", str(suite)),
        "--noconftest",
        *shlex.split("-p no:nnx-conformance -p nnx_conformance -p no:cacheprovider"),
        *("--record", str(folder / "record.jsonl"), "--pyargs", "conformance.graph_updates"),
        *("--junit-xml", str(folder / "junit.xml")),
        *("-n", "2", "--backend", "cpu", "--require-backend", "cpu"),
        *("--deviations", str(Path("mine.toml").resolve()), "--no-known-deviations"),
        *("-k", "kept"),
    ]


@pytest.mark.parametrize(
    ("jax", "anew"), [("newest", False), ("plain", True), ("prerelease", True)]
)
def test_an_open_choice_is_made_anew(tell: Tell, jax: str, anew: bool) -> None:
    """What the index chose yesterday is not what it would choose today."""
    tell(WHOLE)
    assert gate("--jax", jax) == 0
    assert f"'anew': {anew}" in Path("stand-in/asked").read_text()


def test_failed(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    """A claim that is broken is named in the terminal and in the summary, with how to rerun it."""
    tell(RED, 1)
    assert gate() == Ending.BROKEN
    said = capsys.readouterr().out.splitlines()
    assert said[-2] == "broken: rngs/split-only (1 of 1 case): WrongResult: lost"
    assert said[-1].startswith("gate: broken (exit code 1); see ")

    summary = Path(".conformance/gate/summary.md").read_text()
    assert summary.startswith("## NNX conformance: broken (exit code 1)\n")
    assert "- **broken** `rngs/split-only` (1 of 1 case): `WrongResult: lost`\n" in summary
    assert "  - The others stay whole. *Random*\n" in summary
    assert (
        "`nnx-conformance gate --flax 0.12.12 --jax 0.12.0.1 --section rngs -- -k "
        "test_split_only`\n"
    ) in summary


def test_report_only(tell: Tell, runner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A finding is told as ever, and fails nothing."""
    tell(RED, 1)
    assert gate("--report-only") == 0
    said = capsys.readouterr().out
    assert "gate: broken (would fail with exit code 1); see " in said
    assert "\n::warning title=broken%3A rngs/split-only" in said
    outputs = read_outputs((runner / "outputs").read_text())
    assert (outputs["verdict"], outputs["code"]) == ("failed", "1")


@pytest.mark.parametrize(
    ("seen", "code", "says", "kind"),
    [
        (None, 4, "ERROR: flax 0.12.12 cannot be imported", Ending.NO_SUBJECT),
        (WHOLE, 5, "no tests ran", Ending.NOTHING_RUN),
        (None, 4, "ERROR: backend 'gpu' is not here: JAX reports cpu", Ending.NO_BACKEND),
        (None, 2, "interrupted", Ending.INCOMPLETE),
        (None, 0, "3 passed", Ending.INCOMPLETE),
        (record(KEPT), 0, "stopped early", Ending.INCOMPLETE),
    ],
)
@pytest.mark.parametrize("report_only", [(), ("--report-only",)], ids=["", "report-only"])
def test_no_verdict(
    tell: Tell,
    runner: Path,
    seen: Record | None,
    code: int,
    says: str,
    kind: Ending,
    report_only: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where nothing is known of the subject no option makes that a success."""
    tell(seen, code, says)
    assert gate(*report_only) == kind
    assert (
        (runner / "summary")
        .read_text()
        .startswith(f"## NNX conformance: {kind.says} (exit code {kind:d})\n")
    )
    outputs = read_outputs((runner / "outputs").read_text())
    assert (outputs["verdict"], outputs["code"]) == ("none", str(int(kind)))
    out, err = capsys.readouterr()
    assert f"\n::error title=NNX conformance%3A {kind.says}::" in out
    assert err == ""


def test_unbuildable(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that cannot be made is no subject."""

    def make(*_: object, **__: object) -> None:
        raise Unbuildable("Python 3.12: no such version")

    monkeypatch.setattr(making, "make", make)
    tell(WHOLE)
    assert gate() == Ending.NO_SUBJECT
    assert "no such version" in Path(".conformance/gate/summary.md").read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--new-only"], "--new-only: needs a --baseline to tell what is new"),
        (["--jobs", "many"], "--jobs 'many': neither a number nor 'auto'"),
        (["--section", "nope"], "--section 'nope': none of aliasing, axis_metadata, basics,"),
        (["--baseline", "nope"], "nope: No such file or directory"),
        (["--deviations", "nope"], "nope: No such file or directory"),
        (["--flax", "nope"], "--flax 'nope': neither a version, git+URL@REFERENCE,"),
        (["--output", "taken"], str(Path("taken"))),
    ],
)
def test_bad_input(
    tell: Tell, words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input is told in one line before anything is run."""
    tell(WHOLE)
    Path("taken").write_text("")
    assert gate(*words) == Ending.BAD_INPUT
    err = capsys.readouterr().err
    assert complaint in err
    assert err.startswith("nnx-conformance: ")
    assert err.count("\n") == 1
    assert not Path("stand-in/ran").exists()


def test_what_was_there_before(tell: Tell) -> None:
    """Nothing that an earlier gate left is taken for what this one says."""
    tell(RED, 1)
    assert gate() == Ending.BROKEN
    assert gate("--section", "nope") == Ending.BAD_INPUT
    assert left() == ["summary.md"]
    assert "nope" in Path(".conformance/gate/summary.md").read_text()


def test_its_own_record_as_the_baseline(tell: Tell) -> None:
    """What the gate left last time may be what it compares with now."""
    tell(WHOLE)
    assert gate() == 0
    tell(RED, 1)
    assert gate("--baseline", ".conformance/gate/record.jsonl") == Ending.BROKEN
    summary = Path(".conformance/gate/summary.md").read_text()
    assert "Against flax 0.12.12, jax 0.12.0: worse: 1 newly broken (2 cases in both)." in summary


def test_a_baseline_of_something_else(tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    """A baseline that has no case in common with the run is no baseline of it."""
    tell(WHOLE)
    written(Path("other.jsonl"), record(case("scan_carry/other", HELD)))
    assert gate("--baseline", "other.jsonl", "--", "-k", "some") == Ending.BAD_INPUT
    assert "--baseline: it has none of the cases that were run" in capsys.readouterr().err


@pytest.mark.parametrize("error", [RuntimeError("oh"), KeyboardInterrupt()], ids=repr)
def test_an_accident_is_no_verdict(
    tell: Tell, runner: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """What goes wrong in the gate itself, or is interrupted, is not taken for a broken claim."""

    def run(*_: object) -> int:
        raise error

    monkeypatch.setattr(commands, "run", run)
    tell(WHOLE)
    assert gate() == Ending.INCOMPLETE
    assert read_outputs((runner / "outputs").read_text())["verdict"] == "none"


def test_outputs(tell: Tell, runner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The runner gets the counts, the failed claims, the summary and an annotation a claim."""
    tell(RED, 1)
    written(Path("before.jsonl"), RED)
    assert gate("--baseline", "before.jsonl") == Ending.BROKEN

    outputs = read_outputs((runner / "outputs").read_text())
    folder = Path(".conformance/gate").resolve()
    assert outputs == {
        "verdict": "failed",
        "code": "1",
        "reason": "broken",
        "record": str(folder / "record.jsonl"),
        "output": str(folder),
        "cases": "2",
        "claims": "2",
        "claims-held": "1",
        "held": "1",
        "broken": "1",
        "known-deviations": "0",
        "stale": "0",
        "suite-errors": "0",
        "not-applicable": "0",
        "newly-broken": "0",
        "no-longer-run": "0",
        "newly-held": "0",
        "flax": "0.12.12",
        "jax": "0.12.0",
        "failed-claims": "rngs/split-only",
    }
    said = capsys.readouterr().out.splitlines()
    assert "::error title=broken%3A rngs/split-only (1 of 1 cases)::WrongResult%3A lost" not in said
    assert "::error title=broken%3A rngs/split-only (1 of 1 cases)::WrongResult: lost" in said
    assert (runner / "summary").read_text() == (folder / "summary.md").read_text()


def test_what_the_subject_says_is_no_command(
    tell: Tell, runner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither what pytest prints nor what a failure says makes a command, a line or a link."""
    evil = f"{EVIL}\n::error::owned"
    tell(record(KEPT, case("rngs/split-only", BROKEN, evil), full=True), 1, "::error::owned")
    assert gate() == Ending.BROKEN

    obeyed, stopped = [], ""
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("::stop-commands::"):
            stopped = f"::{line.rpartition('::')[2]}::"
        elif line == stopped:
            stopped = ""
        elif not stopped:
            obeyed.append(line)
    [annotation, last] = obeyed
    assert annotation.startswith("::error title=broken%3A rngs/split-only (1 of 1 cases)::Wrong")
    assert last.startswith("gate: ")
    summary = (runner / "summary").read_text()
    assert "<script" not in summary
    assert "\n::error" not in summary
    assert "[a](javascript" not in summary


def test_a_stale_entry_of_ones_own(
    tell: Tell, runner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An entry of the user's file that says too much is annotated at that file."""
    Path("ci").mkdir()
    Path("ci/known.toml").write_text(toml(claims=["rngs/*"], message="lost"))
    tell(WHOLE, 1)
    assert gate("--deviations", "ci/known.toml") == Ending.STALE
    assert "\n::error file=ci/known.toml,title=stale deviation%3A rngs/split-only" in (
        capsys.readouterr().out
    )


def test_a_failure_that_no_case_shows(tell: Tell) -> None:
    """Where pytest fails and no case does, as for an unused snapshot, the suite is at fault."""
    tell(WHOLE, 1)
    assert gate() == Ending.SUITE_ERROR


def test_options_of_the_environment(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner gives no option, and nothing that it says is read by a shell."""
    tell(record(case("rngs/split-only", MISSING), KEPT))
    for name, text in {
        "FLAX": "0.12.12",
        "NO_KNOWN_DEVIATIONS": "true",
        "PYTEST": "-k '$(touch owned); `touch owned`'",
    }.items():
        monkeypatch.setenv(f"CONFORMANCE_{name}", text)
    assert command.main(["gate"]) == 0
    assert "$(touch owned); `touch owned`" in Path("stand-in/ran").read_text().splitlines()
    assert not list(Path().rglob("owned"))


def test_known_deviations(tell: Tell) -> None:
    """What the suite's own file explains passes; it is told which claims that concerns."""
    entry = known("rngs/split-only")[0]
    tell(RED, 0)
    Path("known.toml").write_text(toml(claims=list(entry.claims), message="lost", cause="Why."))
    assert gate("--deviations", "known.toml") == 0
    summary = Path(".conformance/gate/summary.md").read_text()
    assert "<summary>Known deviations: 1 cause, 1 case</summary>" in summary
