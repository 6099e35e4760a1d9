"""tools/repeats.py: a suite that depends on how it is run is found out."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from conformance.harness.records import Seen
from conformance.harness.verdicts import Verdict
from tests.conftest import PLUGIN, Suite
from tools import repeats
from tools.repeats import Way, differing

STEADY = '''
@claim("section/steady", guide="Guide", variants=("a", "b", "c"))
def test_steady(case: Case) -> None:
    """It is kept."""
    case.equal({"value": 1}, {"value": 1})
'''
FLAKY = '''
@claim("section/flaky", guide="Guide")
def test_flaky(case: Case) -> None:
    """It is kept."""
    import os
    if os.environ["PYTHONHASHSEED"] == "1":
        raise WrongResult("by chance")
'''
HELD = Seen("section/name[-]", Verdict.HELD, outputs={"y": "1"})


def test_ways() -> None:
    """Twenty runs have twenty orders, each number of workers with and without load."""
    ways = [Way(number) for number in range(20)]

    assert len({tuple(way.arguments) for way in ways}) == 20
    assert {(way.workers, way.is_loaded) for way in ways} == {
        (workers, loaded) for workers in repeats.WORKERS for loaded in (False, True)
    }
    assert str(ways[3]) == "order and hash seed 3, -n0, under load"


DIFFERING = {
    "nothing": ({"a": HELD}, {"a": HELD}, []),
    "verdict": (
        {"a": HELD},
        {"a": Seen(HELD.case, Verdict.BROKEN, outputs={"y": "1"})},
        ["a: another verdict"],
    ),
    "several": (
        {"a": HELD},
        {"a": Seen(HELD.case, Verdict.BROKEN, outputs={"y": "2"})},
        ["a: another verdict, another outputs"],
    ),
    "absent": (
        {"a": HELD, "b": HELD},
        {"b": HELD, "c": HELD},
        ["a: in one of them only", "c: in one of them only"],
    ),
}


@pytest.mark.parametrize(("one", "other", "lines"), DIFFERING.values(), ids=DIFFERING)
def test_differing(one: dict[str, Seen], other: dict[str, Seen], lines: list[str]) -> None:
    """A case differs by any field, or by being in one record only."""
    assert differing(one, other) == lines


def repeat(suite: Suite, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(repeats, "load", nullcontext)  # these are fast, and so is what runs beside
    monkeypatch.chdir(suite.path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    options = (*PLUGIN[:2], "--deviations", str(suite.file("none.toml", "")), *arguments)
    return repeats.main(["--times", "2", "--folder", "kept", "--", *options])


def test_flaky(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A verdict that depends on the run is named, and fails."""
    suite.section(STEADY + FLAKY)

    assert repeat(suite, monkeypatch, "--backend", "cpu", "--no-known-deviations") == 1
    said = capsys.readouterr().out
    assert "section/flaky[-,-,-,cpu,default]: another verdict" in said
    assert "section/steady" not in said
    assert said.endswith("2 runs, 1 unlike the first\n")


def test_no_record(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that comes to no end is a finding too, and says where its words are."""
    suite.section(STEADY)

    assert repeat(suite, monkeypatch, "--backend", "nonesuch") == 1
    assert (
        "order and hash seed 0, -n2: the run ended with 4: see kept/0.log"
        in capsys.readouterr().out
    )
