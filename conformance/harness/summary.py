"""What a run says at its end: a table of sections per backend, and the claims not wholly held."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance.harness.verdicts import Verdict

_KEY = re.compile(r"(?P<section>[^/]+)/(?P<name>[^[]+)\[(?P<parameters>.*)\]")

_COLUMNS = {
    "held": (Verdict.HELD,),
    "broken": (Verdict.BROKEN,),
    "known deviations": (Verdict.KNOWN_DEVIATION,),
    "not applicable": (Verdict.NOT_APPLICABLE,),
    "stale": (Verdict.STALE_DEVIATION,),
    "suite errors": (Verdict.SUITE_ERROR,),
}
_ONLY_WHERE_SEEN = ("stale", "suite errors")


@dataclass
class Tally:
    """The verdicts of a run by case key, and the deviations that named a case."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    deviations: set[str] = field(default_factory=set)
    causes: dict[str, str] = field(default_factory=dict)

    def add(
        self, case: str, verdict: Verdict, deviations: Iterable[str] = (), cause: str = ""
    ) -> None:
        """Counts one case; a later phase of the same case may only make its verdict worse.

        `deviations` are the entries that name the case, `cause` is that of the one that explains
        it, if one does.
        """
        self.deviations.update(deviations)
        self.verdicts[case] = verdict
        self.causes[case] = cause

    def only_not_applicable(self) -> bool:
        """Whether cases were selected and not one of them could run."""
        return bool(self.verdicts) and set(self.verdicts.values()) == {Verdict.NOT_APPLICABLE}

    def table(self) -> list[str]:
        """A row per section and backend: its claims, and its cases by verdict."""
        rows: dict[tuple[str, str], Counter[Verdict]] = {}
        claims: dict[tuple[str, str], set[str]] = {}
        for case, verdict in sorted(self.verdicts.items()):
            parsed = _KEY.fullmatch(case)
            assert parsed is not None, case
            row = (parsed["section"], parsed["parameters"].split(",")[-2])
            rows.setdefault(row, Counter())[verdict] += 1
            claims.setdefault(row, set()).add(parsed["name"])
        everything = sum(rows.values(), Counter())
        columns = {
            name: verdicts
            for name, verdicts in _COLUMNS.items()
            if name not in _ONLY_WHERE_SEEN or any(everything[v] for v in verdicts)
        }
        cells = [["section", "backend", "claims", *columns]]
        for (section, backend), counts in rows.items():
            numbers = [sum(counts[v] for v in verdicts) for verdicts in columns.values()]
            cells.append([section, backend, *map(str, (len(claims[section, backend]), *numbers))])
        totals = [sum(everything[v] for v in verdicts) for verdicts in columns.values()]
        total_claims = len({(row[0], name) for row, names in claims.items() for name in names})
        cells.append(["all", "", *map(str, (total_claims, *totals))])
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]

    def findings(self) -> list[str]:
        """A line per claim that some case breaks, then one per cause of known deviations."""
        lines = []
        cases = Counter(_claim(case) for case in self.verdicts)
        for verdict in (Verdict.BROKEN, Verdict.STALE_DEVIATION, Verdict.SUITE_ERROR):
            found = Counter(_claim(case) for case, v in self.verdicts.items() if v is verdict)
            lines += [
                f"{verdict}: {claim} ({number} of {cases[claim]} cases)"
                for claim, number in sorted(found.items())
            ]
        known: dict[str, list[str]] = {}
        for case, verdict in sorted(self.verdicts.items()):
            if verdict is Verdict.KNOWN_DEVIATION:
                known.setdefault(self.causes[case], []).append(_claim(case))
        for cause, claims in known.items():
            named = ", ".join(dict.fromkeys(claims))
            lines.append(f"{Verdict.KNOWN_DEVIATION}: {named} ({len(claims)} cases): {cause}")
        return lines


def _claim(case: str) -> str:
    return case.partition("[")[0]
