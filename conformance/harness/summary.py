"""What a run says at its end: a table of sections per backend, and the claims not wholly held."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from conformance.harness.claims import CaseKey
from conformance.harness.verdicts import FINDINGS, Verdict

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
    """The verdicts of a run by case key, and the known deviations that explain one."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    deviations: set[str] = field(default_factory=set)
    causes: dict[str, str] = field(default_factory=dict)

    def add(self, case: str, verdict: Verdict, deviation: str = "", cause: str = "") -> None:
        """Counts one case; a later phase of the same case may only make its verdict worse.

        `deviation` is the source of the one that explains the case, if one does, and `cause` its
        cause.
        """
        if deviation:
            self.deviations.add(deviation)
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
            key = CaseKey.parse(case)
            row = (key.claim.partition("/")[0], key.backend)
            rows.setdefault(row, Counter())[verdict] += 1
            claims.setdefault(row, set()).add(key.claim)
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
        total_claims = len(set().union(*claims.values()))
        cells.append(["all", "", *map(str, (total_claims, *totals))])
        return aligned(cells)

    def findings(self) -> list[str]:
        """A line per claim that some case breaks, then one per cause of known deviations."""
        lines = []
        cases = Counter(_claim(case) for case in self.verdicts)
        for verdict in FINDINGS:
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


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line per row, the cells of each column under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _claim(case: str) -> str:
    return case.partition("[")[0]
