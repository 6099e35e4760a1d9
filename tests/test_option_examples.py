"""--examples: one more variant of the claims that can search; what is known is told apart."""

import importlib.util

import pytest

from tests.conftest import Suite

CLAIM = '''
@claim(
    "section/drawn",
    guide="Guide",
    across=("jit",),
    variants={"kept": 3},
    search=lambda number: number,
)
def test_drawn(case: Case) -> None:
    """It is kept."""
    case.scripts = lambda error: [f"raise {type(error).__name__}"]
    error = WrongResult(f"found {case.variant}")
    if not (case.variant == 3 or case.explain(error)):
        raise error
'''
KNOWN = """
[[deviation]]
claims = ["section/drawn"]
variants = ["kept"]
flax = ">=0.1"
observed = "wrong result"
message = "found 4"
cause = "Four is one too many."
evidence = "https://example.org"
"""


@pytest.mark.parametrize(("options", "passed"), [((), 1), (("--examples", "3"), 2)])
def test_one_more(suite: Suite, options: tuple[str, ...], passed: int) -> None:
    """A claim searches where it is asked to, beside its own variants."""
    suite.section(CLAIM)

    suite.run("--backend", "cpu", *options).assert_outcomes(passed=passed)


def test_broken(suite: Suite) -> None:
    """What a search finds is broken; the scripts are shown, and how to search again."""
    suite.section(CLAIM)

    result = suite.run("--backend", "cpu", "--examples", "4", "-k", "search")

    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "found 4",
            "rerun: *--examples 4 *test_drawn?jit-search-cpu?'",
            "*-- standalone script --*",
            "raise WrongResult",
        ]
    )


@pytest.mark.parametrize(("number", "outcome"), [("4", "passed"), ("5", "failed")])
def test_known(suite: Suite, number: str, outcome: str) -> None:
    """What is known of another variant explains what is found, if that is how it shows."""
    suite.section(CLAIM)
    suite.ships(KNOWN)

    result = suite.run("--backend", "cpu", "--examples", number, "-k", "search")

    result.assert_outcomes(**{outcome: 1}, deselected=1)


def test_negative(suite: Suite) -> None:
    """So many examples there are not."""
    result = suite.run("--examples", "-1")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --examples: must not be negative"])


def test_no_hypothesis(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Hypothesis a search is refused at once, in a line that says what to do."""
    true_find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "hypothesis" else true_find(name, *rest),
    )

    result = suite.run("--examples", "1")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --examples: Hypothesis is not installed: *"])
