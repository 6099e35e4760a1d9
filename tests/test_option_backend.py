"""--backend: which of the backends that are here a run uses."""

import pytest

from conformance.harness import backends
from conformance.harness.backends import Backend
from tests.conftest import Suite

CLAIM = """
@claim("section/name", guide="Guide")
def test_name(case: Case) -> None:
    '''It is kept.'''
"""


@pytest.fixture
def two(cpu: Backend, suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A machine with another backend beside the CPU, which is JAX's default."""
    here = {"npu": Backend("npu", cpu.devices[:1]), "cpu": cpu}
    monkeypatch.setattr(backends, "present", lambda: here)
    suite.section(CLAIM)
    return suite


SELECTED = {
    "all": ((), ["npu", "cpu"]),
    "one": (("--backend", "npu"), ["npu"]),
    "both": (("--backend", "cpu", "--backend", "npu"), ["npu", "cpu"]),
    "by-marker": (("-m", "npu"), ["npu"]),
}


@pytest.mark.parametrize(("arguments", "expected"), SELECTED.values(), ids=SELECTED)
def test_cases_of(arguments: tuple[str, ...], expected: list[str], two: Suite) -> None:
    """Every case runs on every backend, or on those that are named."""
    result = two.run("-v", *arguments)

    result.assert_outcomes(passed=len(expected), deselected="-m" in arguments)
    result.stdout.fnmatch_lines([f"*test_name[[]{name}[]] PASSED*" for name in expected])


def test_header_and_table(two: Suite) -> None:
    """The header and the table say which."""
    result = two.run("--backend", "npu")

    result.stdout.fnmatch_lines(["backends: npu (1 x *)", "section  npu      1       1 *"])
    result.stdout.no_fnmatch_line("*cpu*8 x*")


def test_a_case_must_live_on_its_backend(two: Suite) -> None:
    """What is computed on another backend than the case's is broken."""
    two.section(
        CLAIM.replace('guide="Guide"', 'guide="Guide", across=("jit",)')
        + "    case.holds(lambda layer, x: layer(x), Layer)\n"
    )

    result = two.run()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*.count: expected Count *, found Count of array on cpu instead*"])


def test_unknown(suite: Suite) -> None:
    """A backend that is not here is a usage error, which names those that are."""
    result = suite.run("--backend", "abacus")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = filter(None, result.errlines)
    assert line.startswith("ERROR: backend 'abacus' is not here: JAX reports ")
    assert "cpu" in line
