"""What a wrong output makes red: exactly the cases that it reaches, which tell it first.

That an oracle alone could not do this is shown too: what subject and oracle get wrong together is
found by the snapshot.
"""

import re

import pytest

from conformance.harness import records, spelling
from conformance.harness.verdicts import Verdict
from conformance.models import Layer
from tests.conftest import CHECKOUT, PLUGIN

SUITE = CHECKOUT / "conformance"
FILES = ("state_propagation/test_sharing.py", "basics/test_outputs.py", "basics/test_axes.py")
OPTIONS = (*PLUGIN, "-n0", "--backend", "cpu", "--no-known-deviations")

# By fault: what the first line of a failure says.
WRONG = {
    "outputs-axes-moved": r"output.*: expected array \w+\[[\d,]+\] .*, found array \w+\[[\d,]+\]",
    "outputs-half-precision": r"output.*: expected .* float32\[.*, found .* float16\[",
    "values-lost": r"object0.*: expected \w+ \w+\[.*, found \w+ \w+\[",
    "aliases-duplicated": r"object\d.*: expected same object as object\d.*, found \w+",
}


def run(pytester: pytest.Pytester, *arguments: str) -> dict[str, records.Seen]:
    """What a run of some of the suite's own files saw, by case."""
    record = pytester.path / "run.jsonl"
    files = [str(SUITE / file) for file in FILES]
    pytester.runpytest_inprocess(*OPTIONS, *files, "--record", str(record), *arguments)
    return dict(records.read(record).cases)


@pytest.fixture
def whole(pytester: pytest.Pytester) -> dict[str, records.Seen]:
    """What a run without any fault saw."""
    return run(pytester)


@pytest.mark.parametrize("fault", WRONG)
def test_exactly_the_affected(
    pytester: pytest.Pytester, whole: dict[str, records.Seen], fault: str
) -> None:
    """A case is red if, and only if, what it leaves is not what it leaves without the fault."""
    found = run(pytester, "--fault", fault)

    held = {case for case, seen in whole.items() if seen.verdict is Verdict.HELD}
    red = {case for case in held if found[case].verdict is not Verdict.HELD}
    affected = {case for case in held if found[case].outputs != whole[case].outputs}
    assert red == affected
    assert red
    assert held - red
    for case in red:
        assert re.match(WRONG[fault], found[case].message), found[case].message


def test_what_oracle_and_subject_share(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What plain Python gets wrong too satisfies the claim's oracle: just the snapshot is red."""
    monkeypatch.setattr(Layer, "scale", lambda layer, x: x * spelling.read(layer.kernel) + 2)

    found = run(pytester, "-k", "pre_existing_sharing and not cond")

    assert found
    assert {seen.error for seen in found.values()} == {"SnapshotDiffers"}
    assert all("so says the snapshot of" in seen.message for seen in found.values())
