"""Defects that Flax shipped are caught on the releases that had them, and on no other."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import pytest
from packaging.specifiers import SpecifierSet

from conformance.harness.claims import CaseKey
from conformance.harness.verdicts import Verdict
from conformance.report.judging import Judged
from tests.conftest import Pair
from tests.test_baselines import OF_ITS_DAY

# By name: the releases that had the defect, and the cases that catch it, as globs over the words
# of a claim, a transform and a variant.
REGRESSIONS = {
    "a captured object is mutated in jit": (
        ">=0.10.1,<=0.10.4",
        ["closures/mutation-rejected jit *", "closures/any-mutation-rejected jit [ar]*"],
    ),
    "a captured object is mutated in scan, remat and cond": (
        ">=0.10.1,<=0.10.4",
        [f"closures/mutation-rejected {transform} *" for transform in ("scan", "remat", "cond")],
    ),
    "a bound method is accepted": (">=0.10.0,<=0.12.0", ["closures/bound-method-reading * *"]),
    "the gradient of a bare Variable is empty": (
        ">=0.10.5,<=0.11.2",
        ["lift_types/diff-state-bare-variable * not-param"],
    ),
    "jit with shardings and static arguments crashes": (
        ">=0.10.0,<=0.12.0",
        ["lift_types/state-sharding-static jit *"],
    ),
    "jit traces again after sow and pop": (
        ">=0.11.0,<=0.12.2",
        ["jit_cache/no-net-change jit sow-and-*"],
    ),
    "a loop loses shared references": (
        ">=0.10.1,<=0.10.2",
        ["state_propagation/pre-existing-sharing *_loop *"],
    ),
    "a loop over two Modules crashes": (
        ">=0.10.1,<=0.10.2",
        ["state_propagation/several-modules *_loop *"],
    ),
    "a bare Variable is not updated": (
        ">=0.10.0,<=0.10.4",
        [
            f"state_propagation/bare-variable {transform} *"
            for transform in ("jit", "vmap", "grad", "remat")
        ],
    ),
    "jit of a custom_vjp crashes": (
        ">=0.10.4,<=0.12.0",
        ["state_propagation/nested-transforms jit-of-custom_vjp *"],
    ),
    "sow in scan crashes beside a carried object": (
        ">=0.10.0,<=0.12.0",
        ["scan_carry/add-beside-carry scan *"],
    ),
    "gradients leave vmap without the axis name": (
        ">=0.10.0,<=0.10.7",
        ["axis_metadata/every-output vmap gradients"],
    ),
    "scan drops an update of broadcast state": (
        ">=0.10.0,<=0.12.12",
        ["state_axes/broadcast-not-lost scan *"],
    ),
    "a negative axis brings its name back elsewhere": (
        ">=0.10.0,<=0.12.12",
        ["axis_metadata/negative-axes vmap *"],
    ),
}


def caught_by(judged: Judged, glob: str) -> dict[str, Verdict]:
    """The verdicts of the cases that a glob names."""
    found = {}
    for case, verdict in judged.verdicts.items():
        key = CaseKey.parse(case)
        if fnmatchcase(f"{key.claim} {key.transform} {key.variant}", glob):
            found[case] = verdict
    return found


@pytest.mark.parametrize(("broken", "globs"), REGRESSIONS.values(), ids=REGRESSIONS)
def test_caught(judged_of: Mapping[Pair, Judged], broken: str, globs: list[str]) -> None:
    """On the releases that had the defect some case fails as is known; on others none does."""
    for flax, jax in OF_ITS_DAY:
        judged = judged_of[flax, jax]
        verdicts = {verdict for glob in globs for verdict in caught_by(judged, glob).values()}

        assert (Verdict.KNOWN_DEVIATION in verdicts) == SpecifierSet(broken).contains(flax), flax
        assert verdicts <= {Verdict.KNOWN_DEVIATION, Verdict.HELD, Verdict.NOT_APPLICABLE}, flax


@pytest.mark.parametrize("glob", [glob for _, globs in REGRESSIONS.values() for glob in globs])
def test_cases_are_there(judged_of: Mapping[Pair, Judged], glob: str) -> None:
    """What is said to catch a defect are cases of the suite."""
    assert caught_by(next(iter(judged_of.values())), glob)
