"""What a wrong output makes red: exactly the cases that it reaches, which tell it first.

That an oracle alone could not do this is shown too: what subject and oracle get wrong together is
found by the snapshot.
"""

import re

import pytest

from conformance.harness import claims, records, spelling
from conformance.harness.verdicts import Verdict
from conformance.models import Layer
from tests.conftest import CHECKOUT, PLUGIN

FILES = ("state_propagation/test_sharing.py", "basics/test_outputs.py", "basics/test_axes.py")
OPTIONS = (*PLUGIN, "-n0", "--backend", "cpu", "--no-known-deviations")

Cases = dict[str, records.Seen]

# By fault: what the first line of a failure says.
WRONG = {
    "outputs-axes-moved": r"output.*?: expected array float32\[(\d),(\d)\] .*, "
    r"found array float32\[\2,\1\] ",
    "outputs-half-precision": r"output.*?: expected .* float32\[.*, found .* float16\[",
    "values-lost": r"object.*?: expected \w+ \w+\[.*, found \w+ \w+\[",
    "aliases-duplicated": r"object.*?: expected same object as object\S*, found \w+",
}


def run(pytester: pytest.Pytester, chosen: str, *arguments: str) -> Cases:
    """What a run of some of the suite's own cases saw."""
    record = pytester.path / "run.jsonl"
    files = [str(CHECKOUT / "conformance" / file) for file in FILES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims.REGISTRY, "claims", {})
        pytester.runpytest_inprocess(
            *OPTIONS, *files, "-k", chosen, "--record", str(record), *arguments
        )
    return dict(records.read(record).cases)


def test_exactly_the_affected(pytester: pytest.Pytester) -> None:
    """A case is red if, and only if, what it leaves is not what it leaves without the fault."""
    chosen = "jit or vmap or grad"
    whole = run(pytester, chosen)
    assert {seen.verdict for seen in whole.values()} == {Verdict.HELD}

    for fault, told in WRONG.items():
        found = run(pytester, chosen, "--fault", fault)

        red = {case for case, seen in found.items() if seen.verdict is not Verdict.HELD}
        affected = {case for case in whole if found[case].outputs != whole[case].outputs}
        assert red == affected, fault
        assert red, fault
        assert whole.keys() - red, fault
        assert [
            found[case].message for case in red if not re.match(told, found[case].message)
        ] == []


def test_what_oracle_and_subject_share(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What plain Python gets wrong too satisfies the claim's oracle: just the snapshot is red."""
    monkeypatch.setattr(Layer, "scale", lambda layer, x: x * spelling.read(layer.kernel) + 2)

    found = run(pytester, "pre_existing_sharing and (jit or vmap)")

    assert found
    assert {seen.error for seen in found.values()} == {"SnapshotDiffers"}
    assert all("so says the snapshot of" in seen.message for seen in found.values())
