"""bisect over releases, with runs that only pretend to be made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conformance import command
from conformance.bisect import commands, releases
from conformance.harness.records import Record, RecordError
from conformance.harness.subject import releases as known_releases
from conformance.matrix import environments
from conformance.matrix.runs import Failed, Result
from conformance.matrix.subjects import Wanted
from conformance.report.judging import judge_again
from tests.reports import BROKEN, HELD, MISSING, case, record

CLAIM = "graph_updates/cycle"
OLDEST, NEWEST = (str(row.version) for row in (known_releases()[0], known_releases()[-1]))
Verdicts = Mapping[str, str]  # by the first release that has it


def told_of(wanted: Wanted, verdicts: Verdicts) -> str:
    """The verdict of the newest release in `verdicts` that is no newer than the one wanted."""
    order = [str(row.version) for row in known_releases()]
    before = [r for r in verdicts if order.index(r) <= order.index(wanted.flax)]
    return verdicts[max(before, key=order.index)]


def record_of(wanted: Wanted, verdict: str) -> Record:
    kind = {"+": HELD, "-": BROKEN, "0": MISSING}[verdict]
    other = case(CLAIM, HELD, transform="vmap")
    cases = [case(CLAIM, kind), *([other] if verdict != "0" else [])]
    return record(*cases, flax=wanted.flax, jax=wanted.jax)


@dataclass
class Runs:
    """Stands for a workplace: what its runs find, and which were made."""

    verdicts: Verdicts
    made: list[str] = field(default_factory=list)

    def run(self, wanted: Wanted) -> Result | Failed:
        self.made.append(wanted.flax)
        verdict = told_of(wanted, self.verdicts)
        if verdict == "?":
            return Failed(wanted, "it is not in the index")
        found = record_of(wanted, verdict)
        return Result(wanted, found, judge_again(found, ()), seconds=3)


Bisect = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture
def bisect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Bisect:
    """Bisects, by baselines and runs that say this; gives code, lines and the runs made."""
    monkeypatch.chdir(tmp_path)

    def bisect(
        *arguments: str, runs: Verdicts | None = None, baselines: Verdicts | None = None
    ) -> tuple[int, list[str], list[str]]:
        def read(path: Path) -> Record:
            flax, jax = path.name.removeprefix("flax-").removesuffix(".jsonl.gz").split("-jax-")
            if baselines is None:
                raise RecordError(f"{path}: no such file")
            return record_of(Wanted(flax, jax), told_of(Wanted(flax), baselines))

        made = Runs(runs or {})
        monkeypatch.setattr(releases, "read", read)
        monkeypatch.setattr(commands, "_workplace", lambda *_: made)
        code = command.main(["bisect", *arguments])
        captured = capsys.readouterr()
        return code, (captured.out + captured.err).splitlines(), made.made

    return bisect


BROKE = {OLDEST: "+", "0.12.3": "-"}


def test_confirmed(bisect: Bisect) -> None:
    """What the baselines say is confirmed by runs of the two releases at the border."""
    code, said, made = bisect(CLAIM, baselines=BROKE, runs=BROKE)

    assert code == 0
    assert made == ["0.12.2", "0.12.3"]
    assert said == [
        "graph_updates/cycle, from the baselines:",
        f"  {OLDEST} to 0.12.2: held (2 cases)",
        f"  0.12.3 to {NEWEST}: broken (1 of 2 cases)",
        "Runs on both sides of the change:",
        "flax 0.12.2, jax 0.8.2: held (2 cases) (3 s)",
        "flax 0.12.3, jax 0.9.0: broken (1 of 2 cases) (3 s)",
        "held -> broken: flax 0.12.3",
        "  the last before it: flax 0.12.2, jax 0.8.2; the first after it: flax 0.12.3, jax 0.9.0",
        "  graph_updates/cycle[jit,function,-,cpu,default]: WrongResult: lost",
    ]


def test_not_confirmed(bisect: Bisect) -> None:
    """Where runs say otherwise than the baselines, they are believed, and searched."""
    code, said, made = bisect(CLAIM, baselines=BROKE, runs={OLDEST: "+", "0.11.1": "-"})

    assert code == 0
    assert "They say otherwise than the baselines: what follows is a search by runs." in said
    assert "held -> broken: flax 0.11.1" in said
    assert len(made) == len(set(made))


def test_from_baselines(bisect: Bisect) -> None:
    """The baselines can be all that is asked; then nothing is run."""
    code, said, made = bisect(CLAIM, "--from-baselines", baselines=BROKE)

    assert (code, made) == (0, [])
    assert "held -> broken: flax 0.12.3" in said


def test_by_runs(bisect: Bisect) -> None:
    """Without baselines it is a binary search, which says what it presumes; held again is found."""
    code, said, made = bisect(CLAIM, runs={OLDEST: "-", "0.10.5": "+"})

    assert code == 0
    assert said[0].endswith("the search presumes that there is one change between the ends:")
    assert made[:2] == [OLDEST, NEWEST]
    assert len(made) <= 2 + 5
    assert said[-2] == "broken -> held: flax 0.10.5"


def test_skipped(bisect: Bisect) -> None:
    """A release that cannot be made is skipped; where the change came in between, that is said."""
    there = {OLDEST: "+", "0.11.2": "?", "0.12.2": "-"}
    code, said, _ = bisect(CLAIM, "--no-baselines", baselines=BROKE, runs=there)

    assert code == 1
    assert "flax 0.12.1, jax 0.8.1: skipped: it is not in the index" in said
    assert said[-1].endswith("could not be judged: 0.11.2, 0.12.0, 0.12.1")


def test_not_executed(bisect: Bisect) -> None:
    """A release that never had what the claim speaks of is no end of the search."""
    code, said, _ = bisect(CLAIM, runs={OLDEST: "0", "0.10.4": "+", "0.12.0": "-"})

    assert code == 0
    assert f"flax {OLDEST}, jax 0.4.34: no case was executed (3 s)" in said
    assert "held -> broken: flax 0.12.0" in said


def test_several_changes(bisect: Bisect) -> None:
    """Of several changes the last is told; ends find another one."""
    twice = {OLDEST: "+", "0.10.3": "-", "0.10.6": "+", "0.12.0": "-"}
    code, said, _ = bisect(CLAIM, "--from-baselines", baselines=twice)
    assert "It changed 3 times. This is the last; --good and --bad narrow it:" in said
    assert "held -> broken: flax 0.12.0" in said

    ends = ("--good", "0.10.1", "--bad", "0.10.4")
    code, said, _ = bisect(CLAIM, "--from-baselines", *ends, baselines=twice)
    assert code == 0
    assert "held -> broken: flax 0.10.3" in said

    ends = ("--good", "0.11.0", "--bad", "0.10.4")
    code, said, _ = bisect(CLAIM, "--from-baselines", *ends, baselines=twice)
    assert "broken -> held: flax 0.10.6" in said


def test_no_change(bisect: Bisect) -> None:
    """Where both ends have one verdict nothing is found, and the exit code is 1."""
    code, said, _ = bisect(CLAIM, "--from-baselines", baselines={OLDEST: "-"})

    assert code == 1
    assert said[-2].startswith(f"No change was found between flax {OLDEST} and {NEWEST},")


def test_without_uv(bisect: Bisect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uv nothing can be run, and it is said once how to get it."""
    monkeypatch.setattr(environments.shutil, "which", lambda *_, **__: None)
    code, said, made = bisect(CLAIM, baselines=BROKE, runs=BROKE)
    assert (code, made) == (2, [])
    assert said[-1].startswith("nnx-conformance: uv is not installed: python -m pip install uv, or")

    assert bisect(CLAIM, "--from-baselines", baselines=BROKE)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([CLAIM, "--good", "0.12.5"], "flax 0.12.5, jax 0.9.1, given as good, is broken"),
        ([CLAIM, "--bad", "0.12.2"], "flax 0.12.2, jax 0.8.2, given as bad, is held"),
        ([CLAIM, "--bad", "0.9.0"], "no release of conformance/releases.toml is '0.9.0'"),
        ([CLAIM, "--bad", "word"], "no release of conformance/releases.toml is 'word'"),
        ([CLAIM, "--good", "0.12.2", "--bad", "0.12.2"], "good and bad are the same release"),
        ([CLAIM, "--jax", "word"], "--jax 'word': neither a version nor one of"),
        (["graph_updates/cycel"], "there is no claim 'graph_updates/cycel': did you mean"),
        ([f"{CLAIM}[x]"], "graph_updates/cycle[x] names no case of the suite"),
        ([CLAIM, "--from-baselines", "--jax", "0.8.0"], "the baselines do not tell of"),
        ([CLAIM, "--checkout", "."], "--checkout needs --good"),
    ],
)
def test_bad_input(arguments: list[str], message: str, bisect: Bisect) -> None:
    """Bad input is told in one line, and the exit code is 2."""
    code, said, made = bisect(
        *arguments, baselines=None if "0.8.0" in arguments else BROKE, runs=BROKE
    )

    assert (code, made) == (2, [])
    assert said[-1].startswith(f"nnx-conformance: {message}")
