"""--fault: NNX is broken on purpose, claims turn red, and nobody takes the run for a real one."""

from pathlib import Path

import pytest

from conformance.faults.catalogue import FAULTS
from conformance.harness import records
from conformance.report import baselines
from tests.conftest import Suite
from tests.test_verdicts import counted

SECTION = '''
@claim("section/kept", guide="Guide", across=("jit", "vmap"), styles=("function",))
def test_kept(case: Case) -> None:
    """A Variable is updated."""
    case.holds(lambda layer, x: layer(x), Layer)

@claim("section/apart", guide="Guide")
def test_apart(case: Case) -> None:
    """No transform is in it."""
    case.equal({"value": 1}, {"value": 1})
'''
CPU = ("--backend", "cpu")
WORKERS = pytest.mark.parametrize("workers", [(), ("-n0",), ("-n2",)], ids=["plain", "n0", "n2"])


@WORKERS
def test_broken(suite: Suite, workers: tuple[str, ...]) -> None:
    """What the fault breaks is red, in every worker; the head and the rerun line say it."""
    suite.section(SECTION)

    result = suite.run(*CPU, "--fault", "values-lost", *workers)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert counted(result) == {"held": 1, "broken": 2}
    result.stdout.fnmatch_lines(
        [
            "NNX is broken on purpose, by the fault values-lost: What a body writes *",
            "*object0.count: expected Count int32[[][]] 1, found Count int32[[][]] 0",
            "rerun: python -m pytest --fault values-lost 'test_topic.py::test_kept*'",
        ]
    )


def test_mended_afterwards(suite: Suite) -> None:
    """The fault is gone when its run is over."""
    suite.section(SECTION)
    suite.run(*CPU, "--fault", "values-lost")

    assert suite.run(*CPU).ret == pytest.ExitCode.OK


def test_record(suite: Suite) -> None:
    """A record says which fault it is of, and is neither a baseline nor to be compared with."""
    suite.section(SECTION)
    suite.run(*CPU, "--fault", "values-lost", "--record", "broken.jsonl")
    record = records.read(suite.path / "broken.jsonl")

    assert record.header.subject["fault"] == "values-lost"
    with pytest.raises(baselines.NoBaseline, match="broken on purpose, by the fault values-lost"):
        baselines.write(
            records.Record(record.header, record.cases, records.Footer(1, 3, full=True)), Path()
        )

    result = suite.run(*CPU, "--baseline", "broken.jsonl")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --baseline: broken.jsonl: its subject was broken on purpose, "
            "by the fault values-lost"
        ]
    )


def test_gate(suite: Suite) -> None:
    """A gate that asks for nothing worse than a real record goes red."""
    suite.section(SECTION)
    suite.run(*CPU, "--record", "before.jsonl")

    result = suite.run(*CPU, "--fault", "values-lost", "--baseline", "before.jsonl")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["worse: 2 newly broken (3 cases in both)"])


def test_list(suite: Suite) -> None:
    """`list` names every fault with what it breaks, and runs nothing."""
    result = suite.run("--fault", "list")

    assert result.ret == pytest.ExitCode.OK
    assert result.outlines == [f"{fault.name}: {fault.breaks}" for fault in FAULTS.values()]


def test_unknown(suite: Suite) -> None:
    """A fault that nobody knows is a usage error, in one line."""
    result = suite.run("--fault", "values-lots")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [
        "ERROR: --fault: there is no fault 'values-lots'; `--fault list` names those that there are"
    ]


def test_not_in_this_release(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that the release cannot have is a usage error that says why."""
    monkeypatch.setattr("conformance.faults.catalogue.at_least", lambda release: False)
    result = suite.run("--fault", "values-lost")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --fault: flax * cannot have the fault 'values-lost', "
            "which breaks what came with flax 0.10.0"
        ]
    )


def test_no_snapshot_is_written(suite: Suite) -> None:
    """What a broken NNX leaves is no snapshot."""
    suite.section(SECTION)
    result = suite.run(*CPU, "-n0", "--fault", "values-lost", "--snapshot-update")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --snapshot-update: refused under a fault: *"])
