"""nnx-conformance diff and merge, as their users type them."""

import json
from pathlib import Path

import pytest

from conformance import command
from conformance.harness.records import read
from conformance.report.chosen import one
from tests.reports import BROKEN, HELD, case, record, written

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a record of a case that holds, one where it is lost, one of another backend."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "held.jsonl", record(case("section/name", HELD)))
    written(tmp_path / "lost.jsonl", record(case("section/name", BROKEN)))
    gpu = case("section/name", HELD, backend="gpu")
    written(tmp_path / "gpu.jsonl", record(gpu, backends=("gpu",)))
    return tmp_path


@pytest.mark.parametrize(
    ("before", "after", "code", "verdict"),
    [
        ("held.jsonl", "held.jsonl", 0, "identical: 1 case"),
        ("held.jsonl", "lost.jsonl", 1, "worse: 1 newly broken (1 case in both)"),
        ("lost.jsonl", "held.jsonl", 0, "nothing worse: 1 newly held (1 case in both)"),
        ("held.jsonl", "gpu.jsonl", 0, "nothing worse: no case changed (1 case in both)"),
    ],
)
def test_diff(before: str, after: str, code: int, verdict: str, capsys: Printed) -> None:
    """It says what became of the cases, and exits with 1 where something is worse."""
    assert command.main(["diff", before, after]) == code
    assert verdict in capsys.readouterr().out.splitlines()


def test_a_release_against_itself(capsys: Printed) -> None:
    """The record shipped for a release is identical to itself, in every case that it holds."""
    cases = len(one("0.12.12").cases)

    assert command.main(["diff", "0.12.12", "0.12.12"]) == 0
    assert f"identical: {cases} cases" in capsys.readouterr().out.splitlines()


def test_releases_without_the_newer_ones_regressions(capsys: Printed) -> None:
    """Between two releases the causes of what broke are told with their evidence."""
    assert command.main(["diff", "0.12.4", "0.12.5"]) == 1
    said = capsys.readouterr().out

    assert "newly broken (" in said
    assert "https://github.com/google/flax/" in said


def test_markdown(capsys: Printed) -> None:
    """Markdown is for a pull request."""
    assert command.main(["diff", "held.jsonl", "lost.jsonl", "--format", "markdown"]) == 1
    assert capsys.readouterr().out.startswith("## flax 0.12.12, jax 0.12.0 → flax 0.12.12")


def test_json(capsys: Printed) -> None:
    """JSON is for programs."""
    assert command.main(["diff", "held.jsonl", "lost.jsonl", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["worse"] is True


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["diff", "absent.jsonl", "held.jsonl"], "absent.jsonl: No such file or directory"),
        (["diff", "0.9.0", "held.jsonl"], "no baseline is of flax 0.9.0, and no file is called so"),
        (["diff", "held.jsonl", "baselines"], "baselines names 23 records, not one"),
        (
            ["merge", "held.jsonl", "lost.jsonl", "-o", "both.jsonl"],
            "lost.jsonl: case section/name[jit,function,-,cpu,default] is in held.jsonl too",
        ),
        (["merge", "held.jsonl", "gpu.jsonl", "-o", "held.jsonl/x"], "held.jsonl/x: "),
    ],
)
def test_bad_input(here: Path, words: list[str], complaint: str, capsys: Printed) -> None:
    """Bad input gets one line, exit code 2, and writes nothing."""
    before = sorted(here.iterdir())

    assert command.main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"nnx-conformance: {complaint}")
    assert said.err.count("\n") == 1
    assert not said.out
    assert sorted(here.iterdir()) == before


def test_merge(here: Path) -> None:
    """Records of two backends become one that every other command takes."""
    assert command.main(["merge", "held.jsonl", "gpu.jsonl", "-o", "both.jsonl"]) == 0
    assert list(read(here / "both.jsonl").header.backends) == ["cpu", "gpu"]
    assert command.main(["diff", "held.jsonl", "both.jsonl"]) == 0
