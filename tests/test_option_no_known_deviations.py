"""--no-known-deviations: the raw truth."""

import pytest

from tests.conftest import Suite
from tests.test_deviations import toml
from tests.test_option_deviations import ALL_KNOWN, CLAIMS


def test_shipped_entries_hide_nothing(suite: Suite) -> None:
    """Every case that is broken fails, and no entry is stale or missed."""
    suite.section(CLAIMS, "conformance/test_topic.py")
    suite.ships(ALL_KNOWN + toml(claims=["section/held"]) + toml(claims=["section/gone"]))

    result = suite.run("--no-known-deviations", "conformance")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(["section  cpu      4       1     3       0                 0"])


def test_rerun_line_keeps_it(suite: Suite) -> None:
    """Rerunning a case shows the same truth."""
    suite.section(CLAIMS)
    suite.ships(ALL_KNOWN)

    result = suite.run("--no-known-deviations", "-k", "wrong")

    result.stdout.fnmatch_lines(
        ["rerun: python -m pytest --no-known-deviations 'test_topic.py::test_wrong[[]cpu[]]'"]
    )
