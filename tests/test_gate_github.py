"""github: what the runner reads, and what nobody can make it read."""

from pathlib import Path

import pytest

from conformance.gate import github
from conformance.gate.ending import Ending, Problem

NASTY = "100%: a, b\r\n::error::c"


def unspelt(text: str) -> str:
    """A text as the runner reads it."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_annotation() -> None:
    """A text of several lines, colons and percents is one command, and comes out as it was."""
    line = github.annotation("error", "a, b: 50%", NASTY, "known.toml")

    assert "\n" not in line
    assert "\r" not in line
    _, properties, message = line.split("::", 2)
    assert properties == "error file=known.toml,title=a%2C b%3A 50%25"
    assert unspelt(message) == NASTY


def problem(number: int, where: str = "") -> Problem:
    return Problem(Ending.BROKEN, f"section/{number}", 2, 5, "lost", where)


def test_one_for_each_claim() -> None:
    """Each problem is an annotation with its claim; a report that fails nothing only warns."""
    assert github.annotations([problem(1)]) == [
        "::error title=broken%3A section/1 (2 of 5 cases)::lost"
    ]
    [line] = github.annotations([problem(1)], report_only=True)
    assert line.startswith("::warning title=")


@pytest.mark.parametrize(("number", "shown"), [(10, 10), (11, 10), (50, 10)])
def test_as_many_as_are_shown(number: int, shown: int) -> None:
    """There are no more than GitHub shows, and the last one counts those that are left."""
    lines = github.annotations([problem(n) for n in range(number)])
    assert len(lines) == shown
    left = number - shown + 1
    assert (
        lines[-1] == f"::error title=NNX conformance::… and {left} more findings: see the summary"
    ) == (number > shown)


def test_the_file_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is named as the checkout has it; one that lies elsewhere is not."""
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    mine, other = tmp_path / "ci" / "known.toml", "/usr/lib/known.toml"
    assert github.annotations([problem(1, str(mine))])[0].startswith(
        "::error file=ci/known.toml,title="
    )
    assert "file=" not in github.annotations([problem(1, other)])[0]


def read_outputs(text: str) -> dict[str, str]:
    """The outputs of a step, as the runner reads the file."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, end = line.partition("<<")
        value = []
        for part in lines:
            if part == end:
                break
            value.append(part)
        found[name] = "\n".join(value)
    return found


def test_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of several lines is one output, whatever it says, and follows what was there."""
    file = tmp_path / "outputs"
    file.write_text("before<<x\n1\nx\n")
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    evil = "one\nEOF\nverdict=passed\nverdict<<EOF\npassed\nEOF"

    github.put_out({"verdict": "failed", "failed-claims": evil})

    assert read_outputs(file.read_text()) == {
        "before": "1",
        "verdict": "failed",
        "failed-claims": evil,
    }


def test_no_end_is_used_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends a value cannot be foreseen."""
    file = tmp_path / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    github.put_out({"a": "1", "b": "2"})
    github.put_out({"c": "3"})
    ends = [line.partition("<<")[2] for line in file.read_text().splitlines() if "<<" in line]
    assert len(set(ends)) == 3
    assert all(len(end) > 30 for end in ends)


def test_what_the_subject_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands are off while the subject has the word, and on again after it, come what may."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    def run() -> None:
        with github.nothing_is_a_command():
            print("::error::not one of ours")  # noqa: T201
            raise KeyError

    with pytest.raises(KeyError):
        run()
    first, said, last = capsys.readouterr().out.splitlines()

    assert said == "::error::not one of ours"
    token = first.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert last == f"::{token}::"


def test_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without GitHub's variables nothing is written or printed for it."""
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    with github.nothing_is_a_command():
        github.put_out({"verdict": "passed"})
        github.summarize("# passed")

    assert not github.is_here()
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.iterdir())
