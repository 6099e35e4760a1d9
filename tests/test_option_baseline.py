"""--baseline: a run fails where a case is worse than it was in a record."""

from pathlib import Path

import pytest

from tests.conftest import Suite
from tests.test_deviations import toml

SECTION = '''
@claim("section/kept", guide="Guide", across=("jit", "vmap"), styles=("function",))
def test_kept(case: Case) -> None:
    """It is kept."""
    case.equal({"value": 1}, {"value": 1})

@claim("section/lost", guide="Guide")
def test_lost(case: Case) -> None:
    """It is kept."""
    case.equal({"value": 1}, {"value": 2})
'''
KNOWN = toml(claims=["section/*"], message="value", cause="It is so.")
WORKERS = pytest.mark.parametrize("workers", [(), ("-n0",), ("-n2",)], ids=["plain", "n0", "n2"])


@pytest.fixture
def before(suite: Suite) -> Path:
    """A record in which one claim is held and one is broken."""
    suite.section(SECTION)
    suite.run("--record", "before.jsonl", "--backend", "cpu")
    return suite.path / "before.jsonl"


@WORKERS
def test_newly_broken(suite: Suite, before: Path, workers: tuple[str, ...]) -> None:
    """What held before fails the run, be it known or not, and is told last."""
    suite.section(SECTION.replace('{"value": 1}, {"value": 1}', '{"value": 3}, {"value": 1}'))
    known = suite.file("known.toml", KNOWN)
    options = ("--backend", "cpu", "--deviations", known)

    suite.run(*options, *workers).assert_outcomes(xfailed=3)
    result = suite.run(*options, "--baseline", before, *workers)

    result.assert_outcomes(xfailed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "against the baseline: flax *",
            "worse: 2 newly broken (3 cases in both)",
            "newly broken (2 cases): It is so.",
            "    section/kept?jit,function,-,cpu,default?",
            "      value: static 1 -> static 3",
        ],
        consecutive=False,
    )


@WORKERS
def test_nothing_worse(suite: Suite, before: Path, workers: tuple[str, ...]) -> None:
    """Where nothing is worse the run is judged as it is without a baseline."""
    known = suite.file("known.toml", KNOWN.replace("section/*", "section/lost"))
    result = suite.run("--backend", "cpu", "--deviations", known, "--baseline", before, *workers)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["identical: 3 cases"])


def test_part_of_a_run(suite: Suite, before: Path) -> None:
    """A run of a part is compared with that part."""
    result = suite.run("--backend", "cpu", "-k", "vmap", "--baseline", before)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["identical: 1 case"])


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("0.9.0", "no baseline is of flax 0.9.0, and no file is called so"),
        ("absent.jsonl", "absent.jsonl: No such file or directory"),
        ("baselines", "baselines names 23 records, not one"),
    ],
)
def test_no_baseline(suite: Suite, word: str, complaint: str) -> None:
    """A baseline that is not there stops the run with one line."""
    suite.section(SECTION)
    result = suite.run("--baseline", word)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --baseline: {complaint}"])


def test_a_release(suite: Suite) -> None:
    """A release stands for its baseline; a claim that it does not have is new."""
    suite.section(SECTION)
    result = suite.run("--backend", "cpu", "-k", "kept", "--baseline", "0.12.12")

    assert result.ret == pytest.ExitCode.OK
    # Identical where this very pair is the one of the baseline.
    result.stdout.re_match_lines([r"(nothing worse|identical): "])
