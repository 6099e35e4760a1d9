"""The gate for real, on the Flax that is installed here."""

from pathlib import Path

import pytest

from conformance import command
from conformance.gate.ending import Ending
from conformance.harness.records import read

ONE = ("--jobs", "0", "--", "-k", "test_update_attribute and jit and function")


@pytest.fixture(autouse=True)
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose settings of pytest would fail everything, and a developer's that would too.

    Flax's own make errors of warnings.
    """
    monkeypatch.chdir(tmp_path)
    settings = '[tool.pytest.ini_options]\naddopts = "--no-such-option"\nfilterwarnings = "error"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not ours')\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option-either")
    return tmp_path


def test_passed(hostile: Path) -> None:
    """A claim is run, and nothing in whose checkout that is has a say in it."""
    assert command.main(["gate", *ONE]) == Ending.PASSED
    record = read(hostile / ".conformance/gate/record.jsonl")
    assert list(record.cases) == ["graph_updates/update-attribute[jit,function,-,cpu,default]"]
    junit = (hostile / ".conformance/gate/junit.xml").read_text()
    assert 'tests="1"' in junit


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["--require-backend", "abacus"], Ending.NO_BACKEND),
        (["--", "--no-such-option"], Ending.BAD_INPUT),
    ],
)
def test_no_verdict(words: list[str], kind: Ending) -> None:
    """What pytest says when there is nothing to test is understood."""
    assert command.main(["gate", "--jobs", "0", "--section", "rngs", *words]) == kind
