"""The baselines prove that each known deviation is needed, and no wider than it must be."""

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.harness import deviations
from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation
from conformance.harness.subject import releases
from conformance.harness.verdicts import Verdict
from conformance.report import baselines
from conformance.report.judging import Judged, concerning_record, judge_again
from conformance.report.records import Record

SHIPPED = deviations.load(deviations.SHIPPED_FILE)
PAIRS = {
    str(release.version): release.jax_of_its_day for release in releases() if release.jax_of_its_day
}
AS_EXPECTED = {Verdict.HELD, Verdict.KNOWN_DEVIATION, Verdict.NOT_APPLICABLE}

Baselines = Mapping[str, Record]


def named(source: str) -> str:
    return source.removeprefix(f"{deviations.SHIPPED_FILE}: ").replace(" ", "-")


def is_noticed(judged: Judged) -> bool:
    """Whether a full run would fail."""
    return bool(judged.idle) or not AS_EXPECTED.issuperset(judged.verdicts.values())


def test_complete() -> None:
    """There is a baseline for each release that was not withdrawn, with the JAX of its day."""
    expected = {baselines.name_of(flax, jax) for flax, jax in PAIRS.items()}

    assert {path.name for path in baselines.FOLDER.iterdir()} == expected


@pytest.mark.parametrize("flax", PAIRS)
def test_of_this_suite(baseline_of: Baselines, keys: frozenset[CaseKey], flax: str) -> None:
    """A baseline has all cases of the suite, and no other: after an edit it is written anew."""
    assert baseline_of[flax].cases.keys() == set(map(str, keys))


@pytest.mark.parametrize("flax", PAIRS)
def test_nothing_else_is_broken(judged_of: Mapping[str, Judged], flax: str) -> None:
    """What the suite says is known is all that the release breaks, and each of it is seen there."""
    judged = judged_of[flax]

    surprises = {
        case: verdict for case, verdict in judged.verdicts.items() if verdict not in AS_EXPECTED
    }
    assert surprises == {}
    assert [deviation.source for deviation in judged.idle] == []


FOUND = {named(one.source): [one] for one in SHIPPED}
ENTRIES = {
    named(entry): [one for one in SHIPPED if one.entry == entry]
    for entry in dict.fromkeys(one.entry for one in SHIPPED)
}


@pytest.mark.parametrize("removed", (FOUND | ENTRIES).values(), ids=FOUND | ENTRIES)
def test_needed(baseline_of: Baselines, removed: list[Deviation]) -> None:
    """Without an entry, or one thing that it says is found, some release has a broken case."""
    rest = [one for one in SHIPPED if one not in removed]

    assert any(
        Verdict.BROKEN in judge_again(record, rest).verdicts.values()
        for record in baseline_of.values()
        if concerning_record(removed, record)
    )


@pytest.mark.parametrize("deviation", SHIPPED, ids=FOUND)
def test_every_glob_is_needed(judged_of: Mapping[str, Judged], deviation: Deviation) -> None:
    """Each glob of an entry is for a case that the entry explains on some release."""
    explained = [
        CaseKey.parse(case)
        for judged in judged_of.values()
        for case, one in judged.explained.items()
        if one.source == deviation.source
    ]

    for field in ("claim", "transform", "style", "variant", "backend"):
        seen = {getattr(key, field) for key in explained}
        globs = getattr(deviation, f"{field}s")
        assert [glob for glob in globs if not fnmatch.filter(seen, glob)] == []


def neighbours(inside: Mapping[str, bool]) -> set[str]:
    """Of things in order, those outside that stand beside one inside."""
    return {
        first if inside[second] else second
        for first, second in pairwise(inside)
        if inside[first] != inside[second]
    }


def widenings() -> Iterator[tuple[str, Deviation, str]]:
    """Each deviation with each release that is next to its ranges of Flax or JAX."""
    for name, one in FOUND.items():
        (deviation,) = one
        flax = {release: deviation.flax.contains(release) for release in PAIRS}
        by_jax = sorted(filter(flax.get, PAIRS), key=lambda release: Version(PAIRS[release]))
        jax = {release: deviation.jax.contains(PAIRS[release]) for release in PAIRS}
        beside = {release for release in neighbours(flax) if jax[release]}
        beside |= neighbours({release: jax[release] for release in by_jax})
        for release in sorted(beside, key=Version):
            yield f"{name}-at-{release}", deviation, release


WIDENED = {name: values for name, *values in widenings()}


@pytest.mark.parametrize(("deviation", "flax"), WIDENED.values(), ids=WIDENED)
def test_no_wider(baseline_of: Baselines, deviation: Deviation, flax: str) -> None:
    """Were it said of one release more, the run on that release would fail."""
    wider = replace(deviation, flax=SpecifierSet(), jax=SpecifierSet())
    known = [wider if one is deviation else one for one in SHIPPED]

    assert is_noticed(judge_again(baseline_of[flax], known))
