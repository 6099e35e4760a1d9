"""docs/MUTANTS.md and the explanations of survivors."""

from dataclasses import replace
from pathlib import Path

import pytest

from tools.mutants import explanations, report
from tools.mutants.explanations import Explanation, ExplanationsError, Why
from tools.mutants.results import Tried, append
from tools.mutants.suites import End, Outcome

KILLED = Outcome(End.TEST, "test_file.py::test_one", 8.0, 1, 9)
SURVIVED = Outcome(End.SURVIVED, "", 30.0, 4, 4)
UNREACHED = Outcome(End.UNREACHED, "", 0.0, 0, 0)


def tried(line: int, ours: Outcome, theirs: Outcome) -> Tried:
    place = ("nnx/a.py", line, 4, "A.f", "comparison", "`is` to `is not`")
    return Tried("flax 1.0, jax 2.0", "digest", *place, line < 3, ours, theirs)


FOUND = [
    tried(1, KILLED, SURVIVED),
    tried(2, replace(KILLED, cpu=4.0, end=End.IMPORT), KILLED),
    tried(3, replace(SURVIVED, begun=3), SURVIVED),
    tried(4, UNREACHED, KILLED),
    tried(5, KILLED, UNREACHED),
]
KEYS = {each.line: each.key for each in FOUND}


def test_page() -> None:
    """Kills are counted by who runs through the line; survivors are listed with their reason."""
    text = report.page(FOUND, {KEYS[3]: Explanation(Why.EQUIVALENT, "Both are the same.")})
    lines = text.removeprefix(report.HEAD).splitlines()
    assert lines[1] == "5 mutants of flax 1.0, jax 2.0."
    for line in (
        "| that the guide's own examples run | 2 | 2 (100%) | 1 (50%) |",
        "| that tests of both suites run | 3 | 2 (67%) | 1 (33%) |",
        "| that only ours run | 1 | 1 (100%) | 0 (0%) |",
        "| that only Flax's own run | 1 | 0 (0%) | 1 (100%) |",
        "| all | 5 | 3 (60%) | 2 (40%) |",
        "Both kill 1, ours alone 2, Flax's own alone 1, neither 1.",
        "Of our suite, not every test had its turn at 1 of the survivors.",
        "| a kill, median | 8.0 | 8.0 |",
        "| a survivor, median | 30.0 | 30.0 |",
        "| all mutants | 50 | 76 |",
        "| nnx/a.py | 5 | 3 (60%) | 2 (40%) |",
        "2 survive: 1 equivalent, 1 unexplained.",
        "| nnx/a.py:3 | `A.f` | comparison: `is` to `is not` | survived | equivalent | "
        "Both are the same. |",
        "| nnx/a.py:4 | `A.f` | comparison: `is` to `is not` | killed | unexplained |  |",
    ):
        assert line in lines


def test_main(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page is written; a survivor without an explanation is told, and fails the command."""
    page, explained, seen = tmp_path / "page.md", tmp_path / "explained.toml", tmp_path / "seen"
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(explanations, "FILE", explained)
    for each in FOUND:
        append(seen, each)
    entry = '[[survivor]]\nmutant = "{}"\nwhy = "gap"\nwords = "Not yet."\n'
    explained.write_text('flax = "1.0"\n' + entry.format(KEYS[3]))
    assert report.main(seen) == 1
    assert capsys.readouterr().err == f"unexplained: {KEYS[4]}\n"
    assert page.read_text().startswith("# Mutants")
    explained.write_text('flax = "1.0"\n' + entry.format(KEYS[3]) + entry.format(KEYS[4]))
    assert report.main(seen) == 0
    explained.write_text('flax = "0.9"\n' + entry.format(KEYS[3]) + entry.format(KEYS[4]))
    assert report.main(seen) == 1


def test_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a mutant that was tried again, the last result counts, and asks for no explanation."""
    page, explained, seen = tmp_path / "page.md", tmp_path / "explained.toml", tmp_path / "seen"
    monkeypatch.setattr(report, "PAGE", page)
    monkeypatch.setattr(explanations, "FILE", explained)
    explained.write_text('flax = "1.0"\n')
    for ours in (SURVIVED, KILLED):
        append(seen, tried(1, ours, KILLED))

    assert report.main(seen) == 0
    assert "| all | 1 | 1 (100%) | 1 (100%) |" in page.read_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[survivor]]\n", "'mutant' is missing"),
        ("", "'flax' is missing"),
        ("flax", "explained.toml: "),
        ('[[survivor]]\nmutant = "a"\nwhy = "luck"\nwords = ""', "'luck' is not a valid Why"),
        (2 * '[[survivor]]\nmutant = "a"\nwhy = "gap"\nwords = ""\n', "a is explained twice"),
    ],
)
def test_malformed(text: str, words: str, tmp_path: Path) -> None:
    """A file of explanations that cannot be used is an error that says why."""
    path = tmp_path / "explained.toml"
    path.write_text(text)
    with pytest.raises(ExplanationsError, match=words):
        explanations.load(path, "1.0")


def test_shipped() -> None:
    """The explanations that the project has can be used."""
    assert explanations.FILE.exists()
    explanations.load(explanations.FILE, "1.0")
