"""--require-backend: a run that must not pass for want of a backend."""

import pytest

from tests.conftest import Suite
from tests.test_option_backend import CLAIM


def test_present(suite: Suite) -> None:
    """Requiring what is here changes nothing."""
    suite.section(CLAIM)

    result = suite.run("--require-backend", "cpu", "-m", "cpu")

    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize("narrow", [(), ("--backend", "cpu"), ("-m", "cpu")])
def test_absent(narrow: tuple[str, ...], suite: Suite) -> None:
    """Requiring what is not here fails the run, whatever else it chooses."""
    suite.section(CLAIM)

    result = suite.run("--require-backend", "abacus", *narrow)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: backend 'abacus' is not here: JAX reports *"])
    assert result.outlines == []


def test_one_of_several_absent(suite: Suite) -> None:
    """All that are required must be here."""
    result = suite.run("--require-backend", "cpu", "--require-backend", "abacus")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
