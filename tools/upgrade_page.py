"""Writes docs/UPGRADING.md: what changed in NNX transforms, told from the baselines.

    python tools/upgrade_page.py

Run it after an edit of the known deviations or the baselines; tests/test_upgrade_page.py fails
until then.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from packaging.version import Version

from conformance.harness import deviations
from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation
from conformance.harness.nesting import NESTED
from conformance.harness.records import Record
from conformance.harness.subject import releases
from conformance.report import baselines
from conformance.report.judging import NOT_EXECUTED, judge_again

PAGE = Path(__file__).parent.parent / "docs" / "UPGRADING.md"

HEAD = """\
# What changed in NNX transforms, release by release

Made by `tools/upgrade_page.py` from what the suite saw on every release of Flax, each with the JAX
of its day, on CPU (`conformance/baselines/`), and from the causes in `conformance/deviations.toml`.
Read from your release to the one that you are going to: *kept now* is what you may rely on from
there on, *broken since* is what to look out for, *new* are the transforms and features that the
suite could test there for the first time. A claim in parentheses has its words in
[CLAIMS.md](CLAIMS.md); the number says in how many of its cases (transforms, styles, variants) it
changed.
"""


@dataclass(frozen=True)
class Story:
    """What one release does: the entry that explains each failing case, and what was executed."""

    flax: Version
    jax: str
    entries: Mapping[str, Deviation]
    executed: frozenset[str]


def tell(record: Record, known: Sequence[Deviation]) -> Story:
    """A release's story; a case that fails without an entry is left out, as tests exclude that."""
    subject, judged = record.header.subject, judge_again(record, known)
    executed = (case for case, verdict in judged.verdicts.items() if verdict not in NOT_EXECUTED)
    return Story(Version(subject["flax"]), subject["jax"], judged.explained, frozenset(executed))


def page(stories: Sequence[Story], uploaded: Mapping[Version, date]) -> str:
    """The page's text; the newest release comes first."""
    oldest_first = sorted(stories, key=lambda story: story.flax)
    newest = oldest_first[-1]
    lines = [HEAD, f"## Broken in {newest.flax}", ""]
    lines += _listed(newest.entries, _since(oldest_first))
    for before, after in reversed(list(pairwise(oldest_first))):
        lines += ["", f"## {before.flax} to {after.flax}", ""]
        lines += [f"{uploaded[after.flax]}; jax {before.jax} to {after.jax}"]
        lines += list(_step(before, after)) or ["", "Nothing that the suite sees."]
    return "\n".join([*lines, ""])


def _step(before: Story, after: Story) -> Iterator[str]:
    kept = {
        case: entry
        for case, entry in before.entries.items()
        if case in after.executed and case not in after.entries
    }
    broken = {
        case: entry
        for case, entry in after.entries.items()
        if case in before.executed and case not in before.entries
    }
    otherwise = {
        case: entry
        for case, entry in after.entries.items()
        if case in before.entries and before.entries[case].entry != entry.entry
    }
    new = after.executed - before.executed
    born_broken = {case: entry for case, entry in after.entries.items() if case in new}
    for title, entries in (
        ("**Kept now**, and not before:", kept),
        ("**Broken since:**", broken),
        ("**Broken for another cause than before:**", otherwise),
        ("**New, and broken:**", born_broken),
    ):
        if entries:
            yield from ("", title, "", *_listed(entries))
    if new:
        yield ""
        yield f"**New:** {', '.join(_subjects(new, before.executed))} ({len(new)} cases)"


def _listed(found: Mapping[str, Deviation], since: Mapping[str, str] | None = None) -> list[str]:
    """A line per cause: since when, its evidence, its claims with the number of their cases."""
    causes: dict[str, Deviation] = {}
    claims: dict[str, Counter[str]] = defaultdict(Counter)
    for case, deviation in sorted(found.items()):
        causes[deviation.entry] = deviation
        claims[deviation.entry][CaseKey.parse(case).claim] += 1
    lines = []
    for entry, deviation in causes.items():
        words = [f"- {deviation.cause} [Evidence]({deviation.evidence})"]
        words += [f"Since {since[entry]}."] if since else []
        counted = (f"`{claim}`: {number}" for claim, number in claims[entry].items())
        lines.append(" ".join([*words, f"({', '.join(counted)})"]))
    return lines


def _since(stories: Sequence[Story]) -> dict[str, str]:
    """Since which release each entry of the last one has explained cases without a gap."""
    explaining = [{deviation.entry for deviation in story.entries.values()} for story in stories]
    since = {}
    for entry in explaining[-1]:
        without = [number for number, entries in enumerate(explaining) if entry not in entries]
        since[entry] = str(stories[max(without, default=-1) + 1].flax)
    return since


def _subjects(new: frozenset[str], before: frozenset[str]) -> list[str]:
    """What cases are about: transforms that no case had before, or else their claims."""
    now, then = ({CaseKey.parse(case).transform for case in cases} for cases in (new, before))
    transforms = {name for name in now - then if name not in NESTED}
    claims = {CaseKey.parse(case).claim for case in new}
    return [f"`{name}`" for name in sorted(transforms or claims)]


def current() -> str:
    """The page as it must be."""
    known = deviations.load(deviations.SHIPPED_FILE)
    days = {(str(row.version), row.jax_of_its_day) for row in releases()}
    stories = [
        tell(record, known)
        for record in baselines.shipped()
        if (record.header.subject["flax"], record.header.subject["jax"]) in days
    ]
    return page(stories, {row.version: row.uploaded for row in releases()})


if __name__ == "__main__":
    PAGE.write_text(current(), "utf-8")
