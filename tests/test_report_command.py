"""nnx-conformance report, as its user types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import command
from conformance.report import baselines
from conformance.report.files import Unwritable, write
from tests.reports import BROKEN, HELD, case, record, written
from tests.test_deviations import toml

EARLY = baselines.FOLDER / baselines.name_of("0.10.0", "0.4.34")
OUTPUTS = ("--html", "page", "--markdown", "summary.md", "--badge", "badge.json")
FILES = ["badge.json", "page/index.html", "run.jsonl", "summary.md"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a record of one case that holds and one that is lost."""
    monkeypatch.chdir(tmp_path)
    cases = (case("section/kept", HELD), case("section/name", BROKEN))
    written(tmp_path / "run.jsonl", record(*cases))
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("words", "subjects"),
    [
        (["0.12.12"], ["0.12.12  0.12.0.1"]),
        (["0.10.0", "0.10"], ["0.10.0  0.4.34"]),
        ([str(EARLY), "run.jsonl"], ["0.12.12  0.12.0", "0.10.0   0.4.34"]),
    ],
)
def test_chosen(words: list[str], subjects: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Records are files, or releases, whose baselines are meant; the newest comes first."""
    assert command.main(["report", *words]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("0.")]
    assert [row[: len(subject)] for row, subject in zip(rows, subjects, strict=True)] == subjects


@pytest.mark.parametrize("words", [[], ["baselines"]])
def test_all_baselines(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without a word it is every release with the JAX of its day; nothing is broken there."""
    assert command.main(["report", *words]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("0.") for line in said) == 23
    assert not [line for line in said if line.startswith(("broken", "stale", "suite"))]


def test_a_file_called_like_a_release(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is there is what is meant."""
    (here / "run.jsonl").rename(here / "0.10.0")

    assert command.main(["report", "0.10.0"]) == 0
    assert "0.4.34" not in capsys.readouterr().out


def test_judged_by_what_is_known_now(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The user's deviations explain too; the shipped ones may be left out."""
    (here / "mine.toml").write_text(toml(message="lost"))

    said = []
    for options in ([], ["--deviations", "mine.toml"]):
        assert command.main(["report", "run.jsonl", *options]) == 0
        said.append(capsys.readouterr().out.split("\n\n")[0].split()[-4])

    assert said == ["1!1", "1~1"]


def test_raw_truth(capsys: pytest.CaptureFixture[str]) -> None:
    """Without known deviations, what they explain is broken."""
    assert command.main(["report", "0.12.12", "--no-known-deviations"]) == 0
    said = capsys.readouterr().out
    assert "~" not in said.partition("\n\n")[0]
    assert "\nbroken: closures/deletion-rejected on flax 0.12.12, jax 0.12.0.1 (6 of 6" in said


def test_outputs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them are made at once, in folders that may not be there yet."""
    assert command.main(["report", "run.jsonl", *OUTPUTS]) == 0
    assert files(here) == FILES
    assert json.loads((here / "badge.json").read_text())["message"] == "1/2 claims held on cpu"
    assert (here / "summary.md").read_text().startswith("## NNX conformance\n")
    assert (here / "page/index.html").read_text().startswith("<!doctype html>\n")
    assert capsys.readouterr().err == ""


def test_markdown_to_the_next_program(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a dash the summary alone is on the standard output."""
    assert command.main(["report", "run.jsonl", "--markdown", "-"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("## NNX conformance\n")
    assert said.out.endswith("\n")
    assert "In a section" in said.err
    assert files(here) == ["run.jsonl"]


def _of(change: str) -> str:
    """The text of the record, changed."""
    text = Path("run.jsonl").read_text()
    return {
        "cut": text[: text.index('{"exit_code')],
        "key": text.replace("section/kept[jit,function,-,cpu,default]", "kept"),
        "parameters": text.replace("kept[jit,function,", "kept[jit,"),
        "version": text.replace('"0.12.12"', '"newest"'),
        "mode": text.replace('"mode"', '"moods"'),
        "page": "<html>",
    }[change]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("cut", "has no footer after 2 cases: its run did not end"),
        ("key", "'kept' is not the key of a case"),
        ("parameters", "'section/kept[jit,-,cpu,default]' is not the key of a case"),
        ("version", "'newest' is no version of flax"),
        ("mode", "its header does not say which mode it is of"),
        ("page", ":1: not a line of a record"),
    ],
)
def test_unfit_record(
    change: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record that cannot be used is named in one line, and nothing is made."""
    (here / "unfit.jsonl").write_text(_of(change))

    assert command.main(["report", "run.jsonl", "unfit.jsonl", *OUTPUTS]) == 2
    said = capsys.readouterr()
    assert said.err == f"nnx-conformance: unfit.jsonl{message if message[0] == ':' else ''}" + (
        f": {message}\n" if message[0] != ":" else "\n"
    )
    assert said.out == ""
    assert files(here) == ["run.jsonl", "unfit.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.jsonl"], "absent.jsonl: No such file or directory"),
        (["0.9.0"], "no baseline is of flax 0.9.0, and no file is called so"),
        (["0.10.0", "--badge", "x"], None),
        (
            ["run.jsonl", "0.10.0", "--badge", "x", "--html", "y"],
            "a badge is of one subject, and these records are of 2: "
            "flax 0.12.12, jax 0.12.0; flax 0.10.0, jax 0.4.34",
        ),
        (["run.jsonl", "--deviations", "no.toml"], "no.toml: No such file or directory"),
        (["run.jsonl", "--html", "run.jsonl"], "run.jsonl/index.html: File exists"),
        (["run.jsonl", "--markdown", "."], ".: Is not a file"),
        (["run.jsonl", "--markdown", "/dev/null"], "/dev/null: Is not a file"),
        (["run.jsonl", "--badge", "run.jsonl/x"], "run.jsonl/x: File exists"),
        (["run.jsonl", "--html", "y", "--markdown", "."], ".: Is not a file"),
    ],
)
def test_bad_input(
    arguments: list[str],
    message: str | None,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Bad input is told in one line, the exit code is 2, and nothing is half made."""
    code = command.main(["report", *arguments])

    said = capsys.readouterr().err
    assert (code, said) == ((0, "") if message is None else (2, f"nnx-conformance: {message}\n"))
    assert files(here) == (["run.jsonl"] if message else ["run.jsonl", "x"])


def test_failing_in_the_middle(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the second file cannot be written the first is as it was, and nothing is left over."""
    (here / "one").write_text("old")
    write_bytes = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        if content == b"two":
            raise OSError(28, "No space left on device")
        return write_bytes(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(Unwritable, match=r"^two: No space left on device$"):
        write({Path("one"): "new", Path("two"): "two"})
    assert files(here) == ["one", "run.jsonl"]
    assert (here / "one").read_text() == "old"


def test_through_a_link(here: Path) -> None:
    """What a link leads to is written anew; the link stays, and permissions are the usual ones."""
    (here / "target").write_text("old")
    (here / "link").symlink_to("target")
    (here / "usual").touch()

    write({Path("link"): "new\ud800"})

    assert (here / "link").is_symlink()
    assert (here / "target").read_text() == "new?"
    assert (here / "target").stat().st_mode == (here / "usual").stat().st_mode


@pytest.mark.parametrize("package", ["rich", "jinja2"])
def test_missing_package(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing is named, and how it is installed."""
    monkeypatch.setitem(sys.modules, package, None)

    assert command.main(["report", "run.jsonl"]) == 2
    assert capsys.readouterr().err == (
        f"nnx-conformance: `report` needs {package}: pip install 'nnx-conformance[report]'\n"
    )


def test_without_jax(here: Path) -> None:
    """The command imports neither Flax nor JAX."""
    script = (
        "import sys; sys.modules['jax'] = sys.modules['flax'] = None\n"
        "from conformance.command import main\n"
        f"sys.exit(main(['report', 'run.jsonl', *{OUTPUTS!r}]))"
    )
    path = str(Path(command.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": path},
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert files(here) == FILES


def test_other_commands_need_neither_package() -> None:
    """Only a report needs what a report is made with."""
    script = (
        "import sys; sys.modules['rich'] = sys.modules['jinja2'] = None\n"
        "from conformance.command import main\n"
        "main(['matrix', '--help'])"
    )
    path = str(Path(command.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env={"PYTHONPATH": path}, check=False
    )

    assert done.returncode == 0
