"""The nnx-conformance command, as its user types it."""

import subprocess
import sys
from pathlib import Path

import pytest

from conformance import command
from conformance.guide.mapping import load_texts
from tests.guide import GUIDE, all_known, claim_of, passages, text_of, written

CLAIMS = frozenset(claim_of(passage) for passage in passages())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite of a dozen claims, made for the small guide, which flax 1.0 and 1.1 ship."""
    monkeypatch.setattr(command, "load_mapping", all_known)
    monkeypatch.setattr(command, "load_texts", lambda: (text_of(),))
    monkeypatch.setattr(command, "claim_ids", lambda: CLAIMS)
    monkeypatch.setattr(command, "guide_of", lambda version: passages())


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("arguments", "subjects"),
    [
        ([], ["1.1"]),
        (["1.0"], ["1.0"]),
        (["--all"], ["1.0", "1.1"]),
        (["2.0", "1.0"], ["2.0", "1.0"]),
    ],
)
def test_trace_releases(
    arguments: list[str], subjects: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a guide it is the newest release's; a release is fetched; all are all."""
    assert command.main(["trace", *arguments]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in said if "against the text of" in line] == subjects


@pytest.mark.usefixtures("small")
def test_trace_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is read; a sentence edited in it is named with its claims, and the exit code is 1."""
    path = written(tmp_path / "guide.md", GUIDE.replace("still", "always"))

    assert command.main(["trace", str(path)]) == 1
    assert "  claims touched: rotated/sentence-1" in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("small")
def test_trace_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Every passage can be listed with its claims."""
    assert command.main(["trace", "--list"]) == 0
    assert "    squares/row-2" in capsys.readouterr().out.splitlines()


@pytest.mark.usefixtures("small")
def test_trace_claim(capsys: pytest.CaptureFixture[str]) -> None:
    """A claim's passages can be shown."""
    assert command.main(["trace", "--claim", "rotated/sentence-1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Rotated: sentence 1:",
        "    It is still a square.",
    ]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.md"], "absent.md: No such file or directory"),
        (["--claim", "a/b"], "there is no claim 'a/b'"),
    ],
)
def test_bad_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input is told in one line, and the exit code is 2."""
    assert command.main(["trace", *arguments]) == 2
    assert capsys.readouterr().err == f"nnx-conformance: {message}\n"


def test_without_jax(tmp_path: Path) -> None:
    """The command imports neither Flax nor JAX."""
    path = written(tmp_path / "guide.md")
    script = (
        "import sys; sys.modules['jax'] = sys.modules['flax'] = None\n"
        "from conformance.command import main\n"
        f"sys.exit(main(['trace', {str(path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (1, "")
    newest = load_texts()[-1]
    assert done.stdout.startswith(f"{path}, against the text of {newest.name}\n")
