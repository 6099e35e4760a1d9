"""--snapshot-update: what cases leave, written once, and every later run held against it."""

import re
from pathlib import Path

import pytest

from conformance.harness.session import ConformanceSession
from tests.conftest import Suite
from tests.test_deviations import toml

SECTION = '''
@claim("section/kept", guide="Guide", across=("jit", "vmap"), styles=STYLES)
def test_kept(case: Case) -> None:
    """It is kept."""
    def body(layer, x):
        layer.label = "used"
        return layer(x)
    case.holds(body, Layer, edit=Edit.STATIC)

@claim("section/both", guide="Guide", variants=("one", "other",))
def test_both(case: Case) -> None:
    """It is kept."""
    case.equal({"value": VALUE}, {"value": VALUE})

@claim("section/known", guide="Guide")
def test_known(case: Case) -> None:
    """It is kept."""
    raise TypeError("known")
'''
KNOWN = toml(claims=["section/known"], observed="error", error="TypeError", message="known")
OPTIONS = ("--backend", "cpu", "--deviations", "known.toml")
FILE = "part/test_topic.py"
WORKERS = pytest.mark.parametrize("workers", [(), ("-n0",), ("-n2",)], ids=["plain", "n0", "n2"])


@pytest.fixture
def path(suite: Suite) -> Path:
    """Where a suite of three claims has written its snapshots."""
    suite.file("known.toml", KNOWN)
    suite.section(SECTION.replace("VALUE", "1.5"), FILE)
    suite.run("--snapshot-update", *OPTIONS).assert_outcomes(passed=6, xfailed=1)
    return suite.path / "part" / "__snapshots__" / "test_topic.txt"


def test_written(path: Path) -> None:
    """Each case that holds has a snapshot, shared by those that must leave the same."""
    text = path.read_text()

    assert re.findall(r"^    (\S.*)", text, re.MULTILINE) == [
        "both/one both/other".replace("both/", "-/"),
        "jit",
        "vmap",
    ]
    assert "        object0.label: static 'used'\n" in text
    assert "known" not in text


@WORKERS
def test_kept(suite: Suite, path: Path, workers: tuple[str, ...]) -> None:
    """A later run, by however many workers, finds what is written and writes nothing."""
    before = path.read_bytes()
    result = suite.run(*OPTIONS, *workers)

    result.assert_outcomes(passed=6, xfailed=1)
    assert path.read_bytes() == before
    result.stdout.no_fnmatch_line("*unused*")


@WORKERS
def test_differs(suite: Suite, path: Path, workers: tuple[str, ...]) -> None:
    """What differs breaks just the claims concerned, and is told first, path by path."""
    suite.section(SECTION.replace("VALUE", "2.5"), FILE)
    result = suite.run(*OPTIONS, *workers)

    result.assert_outcomes(passed=4, failed=2, xfailed=1)
    result.stdout.re_match_lines(["value: expected static 1.5, found static 2.5"])
    result.stdout.fnmatch_lines(["broken: section/both (2 of 2 cases)"])


def test_edited_by_hand(suite: Suite, path: Path) -> None:
    """A file that was edited by hand into something else is named with its line."""
    path.write_text(path.read_text() + "oops\n  so\n")
    result = suite.run(*OPTIONS)

    result.assert_outcomes(failed=6, xfailed=1)
    result.stdout.re_match_lines([r".*MalformedSnapshots: .*test_topic\.txt:\d+: not a line of .*"])
    result.stdout.fnmatch_lines(["suite error: section/both (2 of 2 cases)"])


def test_array_edited_by_hand(suite: Suite, path: Path) -> None:
    """An array that cannot be read is named with its path."""
    path.write_text(path.read_text().replace("float32[3] [", "float32[3] [x,"))
    result = suite.run(*OPTIONS)

    result.assert_outcomes(passed=4, failed=2, xfailed=1)
    result.stdout.re_match_lines(
        [".*MalformedSnapshots: object0.*: 'Param float32.* cannot be read: .*"]
    )


@WORKERS
def test_missing(suite: Suite, path: Path, workers: tuple[str, ...]) -> None:
    """A case without a snapshot is judged by its own oracles, and counted at the end."""
    suite.section(SECTION.replace("VALUE", "1.5").replace('"other"', '"another"'), FILE)
    result = suite.run(*OPTIONS, *workers)

    result.assert_outcomes(passed=6, xfailed=1)
    result.stdout.fnmatch_lines(["1 cases held that have no snapshot"])


def test_close(suite: Suite, path: Path) -> None:
    """Floats that are close are equal, and are not written anew."""
    text = path.read_text()
    path.write_text(text.replace("[1.0,", "[1.0000001,"))
    assert path.read_text() != text
    suite.run(*OPTIONS, "--snapshot-update").assert_outcomes(passed=6, xfailed=1)

    assert "[1.0000001," in path.read_text()


def test_changed(suite: Suite, path: Path) -> None:
    """An update changes what differs, and says how much; the rest of the file stays as it is."""
    before = path.read_text()
    suite.section(SECTION.replace("VALUE", "2.5"), FILE)
    result = suite.run(*OPTIONS, "--snapshot-update")

    result.stdout.fnmatch_lines(["snapshots: 0 made, 2 changed; *"])
    assert path.read_text() == before.replace("static 1.5", "static 2.5")


def test_known_deviation(suite: Suite, path: Path) -> None:
    """What is known to be broken, or is broken, changes no snapshot."""
    before = path.read_text()
    broken = SECTION.replace('{"value": VALUE}, {"value": VALUE}', '{"value": 2}, {"value": 3}')
    suite.section(broken.replace("layer.label =", "layer.lost ="), FILE)
    suite.file("known.toml", KNOWN + toml(claims=["section/kept"], message=None))
    suite.run(*OPTIONS, "--snapshot-update")

    assert path.read_text() == before


@WORKERS
@pytest.mark.parametrize("full", [True, False])
def test_unused(
    suite: Suite,
    path: Path,
    workers: tuple[str, ...],
    full: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A snapshot that belongs to no case fails a run of every claim, and no other run."""
    monkeypatch.setattr(ConformanceSession, "_is_full", lambda *_: full)
    suite.file("known.toml", "")
    suite.section(
        SECTION.replace("VALUE", "1.5").replace(' "other",', "").partition('@claim("section/kn')[0],
        FILE,
    )
    result = suite.run(*OPTIONS, *workers)

    result.assert_outcomes(passed=5)
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if full else pytest.ExitCode.OK)
    line = "*/__snapshots__/test_topic.txt: no case has the snapshot section/both -/other"
    (result.stdout.fnmatch_lines if full else result.stdout.no_fnmatch_line)(
        [line] if full else line  # type: ignore[arg-type]
    )


def test_unused_is_removed(suite: Suite, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update in a run of every claim removes what belongs to no case."""
    monkeypatch.setattr(ConformanceSession, "_is_full", lambda *_: True)
    suite.file("known.toml", "")
    suite.section(
        SECTION.replace("VALUE", "1.5").replace(' "other",', "").partition('@claim("section/kn')[0],
        FILE,
    )
    suite.run(*OPTIONS, "--snapshot-update").assert_outcomes(passed=5)

    assert "other" not in path.read_text()
    assert "-/one" in path.read_text()


def test_new_only(suite: Suite, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes what is new changes nothing that is there, and is told what no case has."""
    monkeypatch.setattr(ConformanceSession, "_is_full", lambda *_: True)
    before = path.read_text()
    suite.file("known.toml", "")
    section = SECTION.partition('@claim("section/kn')[0].replace("VALUE", "1.5")
    suite.section(section.replace('"other"', '"another"'), FILE)
    result = suite.run(*OPTIONS, "--snapshot-update-new-only")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["snapshots: 1 made, 0 changed; *", "*/other"])
    assert path.read_text() == before.replace("-/one -/other", "-/another -/one -/other")


@pytest.mark.parametrize("option", ["--snapshot-update", "--snapshot-update-new-only"])
def test_refused_in_ci(suite: Suite, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    """In CI nothing is written."""
    suite.section(SECTION.replace("VALUE", "1.5"))
    monkeypatch.setenv("CI", "true")
    result = suite.run(option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --snapshot-update: refused in CI, *"])
    assert not (suite.path / "__snapshots__").exists()


def test_refused_to_workers(suite: Suite) -> None:
    """Only one process writes."""
    suite.section(SECTION.replace("VALUE", "1.5"))
    result = suite.run("--snapshot-update", "-n2")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --snapshot-update: one process writes snapshots: add -n0"])
