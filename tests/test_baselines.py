"""The baselines prove that each known deviation is needed, and no wider than it must be."""

import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.harness import deviations, snapshot_files
from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation
from conformance.harness.leaf_texts import alike
from conformance.harness.records import Record, Seen
from conformance.harness.snapshot_files import name_of
from conformance.harness.subject import releases
from conformance.harness.verdicts import Verdict
from conformance.report import baselines
from conformance.report.judging import Judged, concerning_record, judge_again
from tests.conftest import Pair

SHIPPED = deviations.load(deviations.SHIPPED_FILE)
ROWS = [row for row in releases() if row.jax_of_its_day and row.newest_jax]
OF_ITS_DAY: list[Pair] = [(str(row.version), str(row.jax_of_its_day)) for row in ROWS]
WITH_NEWEST: list[Pair] = [(str(row.version), str(row.newest_jax)) for row in ROWS]
PAIRS = sorted({*OF_ITS_DAY, *WITH_NEWEST}, key=lambda pair: (Version(pair[0]), Version(pair[1])))
AS_EXPECTED = {Verdict.HELD, Verdict.KNOWN_DEVIATION, Verdict.NOT_APPLICABLE}

Baselines = Mapping[Pair, Record]


@pytest.fixture(scope="module")
def snapshots() -> dict[str, str]:
    """All snapshots of the suite by their names."""
    files = (baselines.FOLDER.parent).glob("*/__snapshots__/*.txt")
    return {name: text for path in files for name, text in snapshot_files.read(path).items()}


def named(source: str) -> str:
    return source.removeprefix(f"{deviations.SHIPPED_FILE}: ").replace(" ", "-")


def is_noticed(judged: Judged) -> bool:
    """Whether a full run would fail."""
    return bool(judged.idle) or not AS_EXPECTED.issuperset(judged.verdicts.values())


def test_complete() -> None:
    """Each release that was not withdrawn has one with the JAX of its day, one with the newest."""
    expected = {baselines.name_of(flax, jax) for flax, jax in PAIRS}

    assert {path.name for path in baselines.FOLDER.iterdir()} == expected


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_of_this_suite(baseline_of: Baselines, keys: frozenset[CaseKey], pair: Pair) -> None:
    """A baseline has all cases of the suite, and no other: after an edit it is written anew."""
    assert baseline_of[pair].cases.keys() == set(map(str, keys))


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_snapshots(baseline_of: Baselines, snapshots: Mapping[str, str], pair: Pair) -> None:
    """Whatever held on a release left there what its snapshot says."""
    differ = [
        case
        for case, seen in baseline_of[pair].cases.items()
        if seen.verdict is Verdict.HELD and not is_as_snapshot(seen, snapshots)
    ]

    assert differ == []


def is_as_snapshot(seen: Seen, snapshots: Mapping[str, str]) -> bool:
    name = name_of(CaseKey.parse(seen.case))
    stored = (snapshots.get(each) for each in (name, f"{name}:{seen.notes.get('answer')}"))
    return any(text is not None and is_told(text, seen.outputs) for text in stored)


def is_told(text: str, outputs: Mapping[str, str]) -> bool:
    told = {path: leaf for path, _, leaf in (line.partition(": ") for line in text.splitlines())}
    return told.keys() == outputs.keys() and all(alike(told[p], outputs[p]) for p in told)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_nothing_else_is_broken(judged_of: Mapping[Pair, Judged], pair: Pair) -> None:
    """What the suite says is known is all that the release breaks, and each of it is seen there."""
    judged = judged_of[pair]

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
def test_every_glob_is_needed(judged_of: Mapping[Pair, Judged], deviation: Deviation) -> None:
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


def neighbours(inside: Mapping[Pair, bool]) -> set[Pair]:
    """Of things in order, those outside that stand beside one inside."""
    return {
        first if inside[second] else second
        for first, second in pairwise(inside)
        if inside[first] != inside[second]
    }


def beside(deviation: Deviation) -> set[Pair]:
    """The pairs next to the ranges of a deviation: another Flax, or another JAX of one Flax."""

    def of_flax(pair: Pair) -> bool:
        return deviation.flax.contains(pair[0])

    def of_jax(pair: Pair) -> bool:
        return deviation.jax.contains(pair[1])

    found = set()
    for row in (OF_ITS_DAY, WITH_NEWEST):
        found |= set(filter(of_jax, neighbours({pair: of_flax(pair) for pair in row})))
    in_range = sorted(filter(of_flax, PAIRS), key=lambda pair: Version(pair[1]))
    for flax in {pair[0] for pair in in_range}:
        found |= neighbours({pair: of_jax(pair) for pair in in_range if pair[0] == flax})
    of_their_days = [pair for pair in in_range if pair in OF_ITS_DAY]
    return found | neighbours({pair: of_jax(pair) for pair in of_their_days})


WIDENED = {
    f"{name}-at-{'-'.join(pair)}": (deviation, pair)
    for name, (deviation,) in FOUND.items()
    for pair in sorted(beside(deviation))
}


@pytest.mark.parametrize(("deviation", "pair"), WIDENED.values(), ids=WIDENED)
def test_no_wider(baseline_of: Baselines, deviation: Deviation, pair: Pair) -> None:
    """Were it said of one release more, the run on that release would fail."""
    wider = replace(deviation, flax=SpecifierSet(), jax=SpecifierSet())
    known = [wider if one is deviation else one for one in SHIPPED]

    assert is_noticed(judge_again(baseline_of[pair], known))


@pytest.mark.parametrize("deviation", SHIPPED, ids=FOUND)
def test_nothing_is_said_of_a_release_to_come(deviation: Deviation) -> None:
    """A Flax that is newer than the newest has no entry to hide behind."""
    newest = ROWS[-1].version

    assert not deviation.flax.contains(f"{newest.major}.{newest.minor}.{newest.micro + 1}")
