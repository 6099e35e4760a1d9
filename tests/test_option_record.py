"""--record: what a run saw, in a file."""

import pytest

from conformance import __version__
from conformance.harness.records import Footer, Truncated, read
from conformance.harness.verdicts import Verdict
from tests.conftest import Suite

SECTION = '''
@claim("section/kept", guide="Guide", across=("jit", "vjp"), styles=STYLES)
def test_kept(case: Case) -> None:
    """It is kept."""
    case.notes["answer"] = "done"

@claim("section/broken", guide="Guide")
def test_broken(case: Case) -> None:
    """It is kept."""
    raise WrongResult("one\\ntwo")

@claim("section/known", guide="Guide")
def test_known(case: Case) -> None:
    """It is kept."""
    raise TypeError("known")

@claim("section/mistaken", guide="Guide")
def test_mistaken(case: Case) -> None:
    """It is kept."""
    raise SuiteError("mistaken")
'''
KNOWN = """
[[deviation]]
claims = ["section/known"]
flax = ">=0"
observed = "error"
error = "TypeError"
message = "known"
cause = "It is so."
evidence = "https://github.com/google/flax"
"""
KEPT = [
    f"section/kept[{transform},{style},-,cpu,default]"
    for transform in ("jit", "vjp")
    for style in ("function", "method")
]


@pytest.mark.parametrize("workers", [(), ("-n0",), ("-n2",)], ids=["plain", "n0", "n2"])
def test_record(suite: Suite, workers: tuple[str, ...]) -> None:
    """Every case is recorded once with its verdict, and its failure where it has one."""
    suite.section(SECTION)
    known = suite.file("known.toml", KNOWN)

    suite.run("--record", "run.jsonl", "--backend", "cpu", "--deviations", known, *workers)
    record = read(suite.path / "run.jsonl")

    assert record.header.suite == __version__
    assert set(record.header.subject) == {"flax", "jax", "jaxlib", "python", "mode", "prng"}
    assert list(record.header.backends) == ["cpu"]
    assert record.footer == Footer(1, cases=7, full=False)
    found = {key: (seen.verdict, seen.message) for key, seen in record.cases.items()}
    applicable = {key: found.pop(key)[0] for key in KEPT}
    assert set(applicable.values()) <= {Verdict.HELD, Verdict.NOT_APPLICABLE}
    assert applicable[KEPT[0]] is Verdict.HELD
    assert found == {
        "section/broken[-,-,-,cpu,default]": (Verdict.BROKEN, "one\ntwo"),
        "section/known[-,-,-,cpu,default]": (Verdict.KNOWN_DEVIATION, "known"),
        "section/mistaken[-,-,-,cpu,default]": (Verdict.SUITE_ERROR, "mistaken"),
    }
    assert record.cases[KEPT[0]].notes == {"answer": "done"}
    explained = record.cases["section/known[-,-,-,cpu,default]"]
    assert (explained.observed, explained.error) == ("error", "TypeError")
    assert explained.cause == "It is so."


def test_worker_that_dies(suite: Suite) -> None:
    """A worker that dies loses nothing, and its case is broken."""
    suite.section(
        SECTION
        + '''
@claim("section/deadly", guide="Guide")
def test_deadly(case: Case) -> None:
    """It is kept."""
    import os
    os._exit(9)
'''
    )

    suite.run("--record", "run.jsonl", "--backend", "cpu", "-n2")

    record = read(suite.path / "run.jsonl")
    assert record.footer.cases == 8
    assert record.cases["section/deadly[-,-,-,cpu,default]"].error == "ProcessEnded"


def test_killed(suite: Suite) -> None:
    """A run that is killed leaves a record of what it saw, without a footer."""
    suite.section(
        SECTION
        + '''
@claim("section/deadly", guide="Guide")
def test_deadly(case: Case) -> None:
    """It is kept."""
    import os
    os._exit(9)
'''
    )

    suite.run_apart("--record", "run.jsonl", "--backend", "cpu")

    with pytest.raises(Truncated, match="after 7 cases"):
        read(suite.path / "run.jsonl")


def test_unwritable(suite: Suite) -> None:
    """A file that cannot be written stops the run with one line."""
    suite.section(SECTION)

    result = suite.run("--record", "absent/run.jsonl")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --record absent/run.jsonl: No such file or directory"])
