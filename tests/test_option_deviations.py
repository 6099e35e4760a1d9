"""--deviations, and what known deviations do to a run."""

import re

import pytest

from tests.conftest import Suite
from tests.test_deviations import MALFORMED, MALFORMED_FOUND, several, toml
from tests.test_verdicts import counted

# Claims that end in each way that a claim can, without a Flax to blame.
CLAIMS = """
@claim("section/held", guide="Guide")
def test_held(case: Case) -> None:
    '''It is kept.'''

@claim("section/wrong", guide="Guide")
def test_wrong(case: Case) -> None:
    '''It is not kept.'''
    raise WrongResult("x: expected 1, found 2")

@claim("section/silent", guide="Guide")
def test_silent(case: Case) -> None:
    '''It is not refused.'''
    raise NoError("expected an error, found none")

@claim("section/crash", guide="Guide")
def test_crash(case: Case) -> None:
    '''It crashes.'''
    raise KeyError("layer")
"""

WRONG = toml(claims=["section/wrong"], observed="wrong result", message="found 2")
SILENT = toml(claims=["section/silent"], observed="no error", message="found none")
CRASH = toml(claims=["section/crash"], observed="error", error="KeyError", message="layer")
ALL_KNOWN = WRONG + SILENT + CRASH

FULL = "conformance"  # the argument that asks for everything: a folder of this name is the suite


@pytest.fixture
def full(suite: Suite) -> Suite:
    """A suite that can be run in full."""
    suite.section(CLAIMS, "conformance/test_topic.py")
    return suite


@pytest.mark.parametrize("ships", [True, False], ids=["shipped", "own"])
def test_known(full: Suite, ships: bool) -> None:
    """What is known, by the suite or by the user, is reported with its cause and fails nothing."""
    (full.ships if ships else lambda text: full.file("mine.toml", text))(ALL_KNOWN)

    result = full.run(*(() if ships else ("--deviations", "mine.toml")), "-rx", FULL)

    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1, xfailed=3)
    result.stdout.fnmatch_lines(
        [
            "section  cpu      4       1     0       3                 0",
            "XFAIL *test_wrong* - known deviation: A cache is keyed by identity.",
        ]
    )


def test_known_several(full: Suite) -> None:
    """What has one cause is one finding, whatever is found of it."""
    full.ships(
        several(
            {"claims": ["section/wrong"], "message": "found 2"},
            {"claims": ["section/silent"], "observed": "no error", "message": "found none"},
        )
        + CRASH
    )

    result = full.run(FULL)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["known deviation: section/*, section/* (3 cases): A cache is keyed by identity."]
    )


def test_own_add_to_the_shipped(full: Suite) -> None:
    """The user's own, of as many files as they like, stand beside those that are shipped."""
    full.ships(WRONG)
    full.file("one.toml", SILENT)
    full.file("two.toml", CRASH)

    result = full.run("--deviations", "one.toml", "--deviations", "two.toml", FULL)

    result.assert_outcomes(passed=1, xfailed=3)
    assert result.ret == pytest.ExitCode.OK


def test_stale(full: Suite) -> None:
    """An entry that applies to a case that passes fails the run, and is named."""
    full.ships(ALL_KNOWN + toml(claims=["section/held"]))

    result = full.run(FULL)

    result.assert_outcomes(failed=1, xfailed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["stale: the claim holds, but *shipped.toml: deviation 4 says it does not"]
    )
    assert counted(result) == {"known deviations": 3, "stale": 1}


OTHERWISE = {
    "message": (toml(claims=["section/wrong"], message="found 3"), "test_wrong"),
    "observed": (toml(claims=["section/wrong"], observed="no error", message="x"), "test_wrong"),
    "no-error": (toml(claims=["section/silent"], message="found none"), "test_silent"),
    "class": (
        toml(claims=["section/crash"], observed="error", error="LookupError", message="layer"),
        "test_crash",
    ),
    "error": (toml(claims=["section/crash"], message="layer"), "test_crash"),
}


@pytest.mark.parametrize(("text", "name"), OTHERWISE.values(), ids=OTHERWISE)
def test_fails_in_another_way(full: Suite, text: str, name: str) -> None:
    """An entry explains only the failure that it describes: another one is broken."""
    full.ships(text)

    result = full.run("-k", name)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["section  cpu      1       0     1       0                 0"])


# What explains no case

IDLE = toml(claims=["section/gone"])
NOT_APPLICABLE = """
@claim("section/later", guide="Guide", since="98")
def test_later(case: Case) -> None:
    '''It is not there yet.'''
"""
EXPLAIN_NOTHING = {
    "no-case": (IDLE, "deviation 4"),
    "not-applicable": (toml(claims=["section/later"]), "deviation 4"),
    "explained-before": (WRONG, "deviation 4"),
    "found": (several({"claims": ["section/gone"]}), "deviation 4, found 1"),
}


@pytest.mark.parametrize(("text", "source"), EXPLAIN_NOTHING.values(), ids=EXPLAIN_NOTHING)
def test_explains_no_case(full: Suite, text: str, source: str) -> None:
    """On a full run, what concerns the subject and explains no case fails the run, and is named."""
    full.section(CLAIMS + NOT_APPLICABLE, "conformance/test_topic.py")
    full.ships(ALL_KNOWN + text)

    result = full.run(FULL)

    result.assert_outcomes(passed=1, xfailed=3, skipped=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*shipped.toml: {source} explains no case"])


NARROWED = {
    "keyword": ("-k", "held or wrong or silent or crash", FULL),
    "marker": ("-m", "cpu or gpu", FULL),
    "backend": ("--backend", "cpu", FULL),
    "file": ("conformance/test_topic.py",),
    "case": ("conformance/test_topic.py::test_held",),
    "deselect": ("--deselect", "nothing", FULL),
    "ignore": ("--ignore", "nothing", FULL),
    "first-failure": ("--maxfail", "9", FULL),
}


@pytest.mark.parametrize("arguments", NARROWED.values(), ids=NARROWED)
def test_explains_no_case_of_a_part(full: Suite, arguments: tuple[str, ...]) -> None:
    """A run of a part says nothing of entries that explain none of its cases."""
    full.ships(ALL_KNOWN + IDLE)

    result = full.run(*arguments)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*explains no case*")


OTHERS = {
    "flax": toml(claims=["section/gone"], flax="<0.1"),
    "jax": toml(claims=["section/gone"], jax="<0.1"),
    "backend": toml(claims=["section/wrong"], backends=["no-such-backend"]),
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_of_another_subject(full: Suite, text: str) -> None:
    """An entry for another Flax, another JAX or a backend that is not here is not considered."""
    full.ships(ALL_KNOWN + text)

    result = full.run(FULL)

    assert result.ret == pytest.ExitCode.OK


# Malformed files


@pytest.mark.parametrize(
    "text",
    [text for text, _ in (MALFORMED | MALFORMED_FOUND).values()],
    ids=MALFORMED | MALFORMED_FOUND,
)
def test_malformed(suite: Suite, text: str) -> None:
    """A malformed entry is a usage error, in one line."""
    suite.file("mine.toml", text)

    result = suite.run("--deviations", "mine.toml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = filter(None, result.errlines)
    assert re.match("ERROR: mine.toml: deviation 1(, found [12])?: field ", line)
    assert result.outlines == []


def test_missing_file(suite: Suite) -> None:
    """So is a file that is not there."""
    result = suite.run("--deviations", "none.toml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert list(filter(None, result.errlines)) == ["ERROR: none.toml: No such file or directory"]
