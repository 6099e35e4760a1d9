"""Writes docs/MUTANTS.md: what both suites made of the mutants, and why ours let some live."""

import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tools.mutants import explanations, results
from tools.mutants.explanations import Explanation
from tools.mutants.results import Tried
from tools.mutants.suites import End, Outcome

_UNEXPLAINED = "unexplained"
PAGE = Path(__file__).parent.parent.parent / "docs" / "MUTANTS.md"

HEAD = """\
# Mutants

Made by `python -m tools.mutants report`. A mutant is the installed Flax with one small thing wrong
in a function of its transform machinery: a comparison turned round, a statement or an argument
left out, a constant changed. Two suites look at each: ours, and Flax's own `transforms_test.py`
and `rngs_test.py` of the same release. Both are treated alike. Each runs the tests that run through
the mutated lines (as seen by coverage on the unharmed Flax), the cheapest case of each test first,
until one fails; a test has 30 s more than three times its usual CPU time. Mutants are drawn, by a
seed, from the lines that the guide's own examples run; without `run --guide` also from those that
tests of both suites run through. Elsewhere, in other modes than the default and in what transforms
are not about, one of the two could notice nothing. Claims of ours have been written for mutants
that it let live, so that a sample drawn after them is the fairer one. Costs are CPU seconds of the
whole process, from the import of Flax on.
"""


def page(found: Sequence[Tried], explained: Mapping[str, Explanation]) -> str:
    """The page's text, of mutants of which each was tried once."""
    subjects = sorted({tried.subject for tried in found})
    lines = [HEAD, f"{len(found)} mutants of {'; '.join(subjects)}.", ""]
    lines += [*_summary(found), "", *_sides(found)]
    lines += ["", "## Costs", "", *_costs(found)]
    lines += ["", "## By file", "", *_table("file", _grouped(found, lambda tried: tried.file))]
    by_operator = _grouped(found, lambda tried: tried.operator)
    lines += ["", "## By operator", "", *_table("operator", by_operator)]
    lines += ["", "## Survivors of our suite", "", *_survivors(found, explained)]
    return "\n".join([*lines, ""])


def _summary(found: Sequence[Tried]) -> list[str]:
    reached = {
        "that the guide's own examples run": [t for t in found if t.guide],
        "that tests of both suites run": [t for t in found if t.ours.through and t.theirs.through],
        "that only ours run": [t for t in found if t.ours.through and not t.theirs.through],
        "that only Flax's own run": [t for t in found if t.theirs.through and not t.ours.through],
        "that no test of either runs": [
            t for t in found if not (t.ours.through or t.theirs.through)
        ],
        "all": list(found),
    }
    return _table("lines", {name: group for name, group in reached.items() if group})


def _sides(found: Sequence[Tried]) -> Iterator[str]:
    """How many mutants only one suite kills, and how many are not settled."""
    sides = Counter((tried.ours.killed, tried.theirs.killed) for tried in found)
    yield (
        f"Both kill {sides[True, True]}, ours alone {sides[True, False]}, Flax's own alone "
        f"{sides[False, True]}, neither {sides[False, False]}."
    )
    for name, side in (
        ("our suite", [tried.ours for tried in found]),
        ("Flax's own", [tried.theirs for tried in found]),
    ):
        if unsettled := sum(not outcome.final for outcome in side):
            yield f"Of {name}, not every test had its turn at {unsettled} of the survivors."


def _grouped(found: Sequence[Tried], key: Callable[[Tried], str]) -> dict[str, list[Tried]]:
    groups = defaultdict(list)
    for tried in sorted(found, key=key):
        groups[key(tried)].append(tried)
    return groups


def _table(title: str, groups: Mapping[str, Sequence[Tried]]) -> list[str]:
    lines = [f"| {title} | mutants | killed by ours | killed by Flax's own |", "|---|---|---|---|"]
    for name, group in groups.items():
        ours = _share([tried.ours for tried in group])
        theirs = _share([tried.theirs for tried in group])
        lines.append(f"| {name} | {len(group)} | {ours} | {theirs} |")
    return lines


def _share(outcomes: Sequence[Outcome]) -> str:
    killed = sum(outcome.killed for outcome in outcomes)
    return f"{killed} ({killed / len(outcomes):.0%})"


def _costs(found: Sequence[Tried]) -> Iterator[str]:
    yield "| CPU seconds | ours | Flax's own |"
    yield "|---|---|---|"
    sides = ([tried.ours for tried in found], [tried.theirs for tried in found])
    for name, kept in (
        ("a kill, median", lambda outcome: outcome.killed),
        ("a survivor, median", lambda outcome: outcome.end is End.SURVIVED),
    ):
        cells = [[outcome.cpu for outcome in side if kept(outcome)] for side in sides]
        medians = (f"{statistics.median(cell):.1f}" if cell else "-" for cell in cells)
        yield f"| {name} | {' | '.join(medians)} |"
    for name, kept in (
        ("all kills", lambda outcome: outcome.killed),
        ("all mutants", lambda outcome: True),
    ):
        totals = (f"{sum(outcome.cpu for outcome in side if kept(outcome)):.0f}" for side in sides)
        yield f"| {name} | {' | '.join(totals)} |"


def _survivors(found: Sequence[Tried], explained: Mapping[str, Explanation]) -> Iterator[str]:
    nothing = Explanation(None, "")
    alive = [
        (tried, explained.get(tried.key, nothing))
        for tried in sorted(found, key=lambda tried: (tried.file, tried.line, tried.key))
        if not tried.ours.killed
    ]
    counted = Counter(why.why or _UNEXPLAINED for _, why in alive)
    kinds = ", ".join(f"{number} {why}" for why, number in counted.most_common())
    yield f"{len(alive)} survive: {kinds}."
    yield ""
    yield "| line | function | what is wrong there | Flax's own | why | |"
    yield "|---|---|---|---|---|---|"
    for tried, why in alive:
        end = "killed" if tried.theirs.killed else str(tried.theirs.end)
        cells = (
            *(f"{tried.file}:{tried.line}", f"`{tried.function}`"),
            *(f"{tried.operator}: {tried.change}", end, why.why or _UNEXPLAINED, why.words),
        )
        escaped = (cell.replace("|", r"\|") for cell in cells)
        yield f"| {' | '.join(escaped)} |"


def main(path: Path) -> int:
    """Writes the page from a file of results; 1 where a survivor has no explanation.

    Of a mutant that was tried again, the last result counts.
    """
    found = list({tried.key: tried for tried in results.read(path)}.values())
    flax = found[0].subject.partition(",")[0].removeprefix("flax ") if found else ""
    explained = explanations.load(explanations.FILE, flax)
    PAGE.write_text(page(found, explained), "utf-8")
    unexplained = [t.key for t in found if not t.ours.killed and t.key not in explained]
    for key in unexplained:
        print(f"unexplained: {key}", file=sys.stderr)  # noqa: T201
    return 1 if unexplained else 0
