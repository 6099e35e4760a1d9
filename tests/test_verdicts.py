"""What becomes of a case: verdicts, outcomes and exit codes."""

import pytest
from flax import nnx

from conformance.harness import crossing
from conformance.harness.verdicts import (
    MESSAGE_LENGTH,
    Failure,
    NoError,
    Observed,
    SuiteError,
    WrongResult,
    failure_in,
)
from tests.conftest import Suite

COLUMNS = ("held", "broken", "known deviations", "not applicable", "stale", "suite errors")

# The body of a claim's test; the column of the table in which its case is counted.
ENDS = {
    "passes": ("pass", "held"),
    "wrong-result": ("raise WrongResult('x: expected 1, found 2')", "broken"),
    "no-error": ("raise NoError('expected an error, found none')", "broken"),
    "crash": ("{}['layer']", "broken"),
    "assertion": ("assert 1 == 2", "broken"),
    "fail": ("pytest.fail('no')", "broken"),
    "suite-error": ("raise SuiteError('plain Python cannot run this body')", "suite errors"),
    "skip": ("pytest.skip('not today')", "suite errors"),
    "skip-in-disguise": ("pytest.skip('not applicable: not today')", "suite errors"),
    "import-or-skip": ("pytest.importorskip('no_such_module')", "suite errors"),
    "xfail": ("pytest.xfail('known')", "suite errors"),
}
MARKS = {
    "skip": "@pytest.mark.skip(reason='not applicable: not today')",
    "skipif": "@pytest.mark.skipif(True, reason='not today')",
    "xfail": "@pytest.mark.xfail(strict=False, reason='known')",
    "usefixtures": "@pytest.mark.usefixtures('skips')",
}


def claim(body: str, name: str = "name", since: str = "0.10.0", marks: str = "") -> str:
    return f"""
import pytest

{marks}
@claim("section/{name}", guide="Guide", across=("jit",), since="{since}")
def test_{name}(case: Case) -> None:
    '''It is kept.'''
    {body}
"""


def counted(result: pytest.RunResult) -> dict[str, int]:
    """The last line of the table by column, without what was not counted."""
    lines = result.outlines
    header = next(index for index, line in enumerate(lines) if line.startswith("section "))
    columns = [name for name in COLUMNS if name in lines[header]]
    last = next(line for line in lines[header:] if line.startswith("all "))
    numbers = map(int, last.split()[2:])
    return {name: number for name, number in zip(columns, numbers, strict=True) if number}


@pytest.mark.parametrize(("body", "column"), ENDS.values(), ids=ENDS)
def test_end(body: str, column: str, suite: Suite) -> None:
    """A case ends in one column, and the run is green only if that is a good one."""
    suite.section(claim(body))

    result = suite.run()

    assert counted(result) == {column: 1}
    assert result.ret == (0 if column == "held" else 1)
    result.assert_outcomes(**{"passed" if column == "held" else "failed": 1})


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_a_claim_cannot_get_out_of_it(mark: str, suite: Suite) -> None:
    """A test that marks or fixtures keep from running is an error of the suite."""
    skips = "import pytest\n@pytest.fixture\ndef skips(): pytest.skip('not applicable: today')\n"
    suite.section(skips + claim("raise WrongResult('x')", marks=mark))

    result = suite.run()

    assert counted(result) == {"suite errors": 1}
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_error_around_the_test(when: str, suite: Suite) -> None:
    """What goes wrong before or after a test says nothing of the subject, but fails the run."""
    fixture = f"""
import pytest
@pytest.fixture(autouse=True)
def fails():
    {"yield" if when == "teardown" else 'raise RuntimeError("broken")'}
    raise RuntimeError("broken")
"""
    suite.section(fixture + claim("pass"))

    result = suite.run()

    assert counted(result) == {"suite errors": 1}
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (WrongResult("x"), Observed.WRONG_RESULT),
        (NoError("x"), Observed.NO_ERROR),
        (ValueError("x"), Observed.ERROR),
        (AssertionError("x"), Observed.ERROR),
        (SuiteError("x"), Observed.ERROR),
    ],
)
def test_failure_in(error: Exception, expected: Observed) -> None:
    """How a claim was found broken can be read from what ended its case."""
    assert failure_in(error) == Failure(expected, type(error).__name__, "x")


def test_failure_is_cut() -> None:
    """Of a long message its beginning is kept."""
    assert failure_in(ValueError("x" * 9999)).message == "x" * MESSAGE_LENGTH


# Not applicable


def test_not_applicable_from_the_claim(suite: Suite) -> None:
    """A claim that came later than the running Flax is not applicable, and says since when."""
    suite.section(claim("raise WrongResult('x')", since="99.1.0") + claim("pass", "other"))

    result = suite.run("-rs")

    assert counted(result) == {"held": 1, "not applicable": 1}
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["SKIPPED *not applicable: what the claim speaks of came with flax 99.1.0"]
    )


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes jit a transform that Flax is yet to bring."""
    from dataclasses import replace

    jit = replace(crossing.LIFTS["jit"], since="99.1.0")
    monkeypatch.setattr(crossing, "LIFTS", {**crossing.LIFTS, "jit": jit})


def test_not_applicable_from_the_transform(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is every case of a transform that came later."""
    later(monkeypatch)
    other = claim("pass", "other").replace('("jit",)', '("vmap",)')
    suite.section(claim("raise WrongResult('x')") + other)

    result = suite.run("-rs")

    assert counted(result) == {"held": 1, "not applicable": 1}
    result.stdout.fnmatch_lines(["SKIPPED *not applicable: nnx.jit came with flax 99.1.0"])


def test_what_vanishes_is_broken(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transform that the running Flax should have and has not is a failure, and no gap."""
    monkeypatch.delattr(nnx, "jit")
    suite.section(claim("case.holds(lambda layer, x: layer(x), Layer)"))

    result = suite.run()

    assert counted(result) == {"broken": 1}
    result.stdout.fnmatch_lines(["E *lax.nnx* has no attribute 'jit'*"])


# Runs that say nothing are not green


def test_nothing_applicable(suite: Suite) -> None:
    """A run in which no case could be executed says so."""
    suite.section(claim("pass", since="99.0.0"))

    result = suite.run()

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["no case was executed: nothing is known of this subject"])


@pytest.mark.parametrize("arguments", [("-k", "nothing"), ("-m", "vmap"), ("--deselect", "test")])
def test_nothing_selected(arguments: tuple[str, ...], suite: Suite) -> None:
    """Neither is a run whose selection leaves no case."""
    suite.section(claim("pass"), "test.py")

    assert suite.run(*arguments, "test.py").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_nothing_there(suite: Suite) -> None:
    """Nor one where there is no claim."""
    assert suite.run().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_suite_that_cannot_be_collected(suite: Suite) -> None:
    """A file of claims that cannot be imported fails the run, and no other claim hides that."""
    suite.section(claim("pass"))
    suite.section("import no_such_module", "test_broken.py")

    assert suite.run().ret == pytest.ExitCode.INTERRUPTED


def test_collecting_only(suite: Suite) -> None:
    """Listing the cases executes none, and is no failure."""
    suite.section(claim("raise WrongResult('x')") + claim("pass", "later", "99.0.0"))

    result = suite.run("--collect-only", "-q")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["test_topic.py::test_name[[]jit-cpu[]]"])


# Tests that are no claims


def test_other_tests_are_left_alone(suite: Suite) -> None:
    """A test that is no claim is what it always was, whatever its parameters are called."""
    suite.file(
        "test_other.py",
        """
import pytest

@pytest.mark.parametrize("case", [1, (1, 2), "x"])
def test_case(case): assert case

def test_skip(): pytest.skip("not today")

@pytest.mark.xfail(reason="known")
def test_xfail(): assert False
""",
    )

    result = suite.run()

    result.assert_outcomes(passed=3, skipped=1, xfailed=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*known deviations*")
