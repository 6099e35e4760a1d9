"""A comparison in words: for a terminal, as Markdown, and as JSON."""

import difflib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from conformance.report.comparing import Change, Comparison, Detail, Kind, LeafChange
from conformance.report.escaping import (
    counted,
    in_a_line,
    is_link,
    markdown_code,
    markdown_prose,
    printable,
)

SHOWN = 5  # cases of a group, leaves of a case and lines of a detail that are shown
_LINE = 400  # characters of a line that are shown


@dataclass(frozen=True)
class Group:
    """Changes of one kind for one reason: the known cause, or else what the first of them says."""

    kind: Kind
    reason: str
    evidence: str
    changes: tuple[Change, ...]

    @property
    def claims(self) -> dict[str, int]:
        """How many of the changes each claim has."""
        named = [change.claim for change in self.changes]
        return {claim: named.count(claim) for claim in dict.fromkeys(named)}


def groups(comparison: Comparison) -> list[Group]:
    """The changes by kind and reason; of a kind, those of most cases first."""
    found: dict[tuple[Kind, str], list[Change]] = {}
    for change in comparison.changes:
        found.setdefault((change.kind, _reason(change)), []).append(change)
    made = [
        Group(kind, reason, changes[0].evidence, tuple(changes))
        for (kind, reason), changes in found.items()
    ]
    order = list(Kind)
    return sorted(made, key=lambda group: (order.index(group.kind), -len(group.changes)))


def _reason(change: Change) -> str:
    if change.cause:
        return change.cause
    if change.kind in (Kind.BROKEN, Kind.NEW_BROKEN, Kind.OTHERWISE):
        return in_a_line(change.after.partition("\n")[0], _LINE)
    if change.kind is Kind.HELD:
        return in_a_line(change.before.partition("\n")[0], _LINE)
    if change.kind is Kind.STOPPED:
        return f"it is {change.after} now"
    if change.kind is Kind.NEW:
        return f"it was {change.before} before"
    return change.claim


def text(comparison: Comparison, *, full: bool = False) -> Iterator[str]:
    """The lines for a terminal; with `full`, all cases, leaves and lines."""
    shown = None if full else SHOWN
    before, after = comparison.names
    yield f"{before} -> {after}" if before != after else before
    width = max(map(len, comparison.subject), default=0)
    for name, (old, new) in comparison.subject.items():
        yield f"  {name:{width}}  {printable(old or '-')} -> {printable(new or '-')}"
    yield verdict(comparison)
    for group in groups(comparison):
        yield ""
        yield f"{group.kind} ({counted(len(group.changes), 'case')}): {printable(group.reason)}"
        if group.evidence:
            yield f"  {printable(group.evidence)}"
        yield f"  {_claims(group)}"
        for change in group.changes[:shown]:
            yield f"    {printable(change.case)}"
            for leaf in change.leaves[:shown]:
                yield f"      {_leaf(leaf)}"
            yield from _more("      ", len(change.leaves), shown, "leaf", "leaves")
        yield from _more("    ", len(group.changes), shown, "case", "cases")
    if comparison.details:
        yield ""
        yield "details, which nobody promises:"
        for detail in comparison.details:
            where = f"{counted(detail.cases, 'case')}, such as {printable(detail.case)}"
            yield f"  {printable(detail.name)} ({where})"
            lines = _lines_of(detail)
            yield from (f"    {in_a_line(line, _LINE)}" for line in lines[:shown])
            yield from _more("    ", len(lines), shown, "line", "lines")


def verdict(comparison: Comparison) -> str:
    """The comparison in a sentence."""
    compared = counted(comparison.compared, "case")
    if comparison.identical:
        return f"identical: {compared}"
    numbers = comparison.counts
    counts = ", ".join(f"{numbers[kind]} {kind}" for kind in Kind if numbers[kind])
    worse = "worse" if comparison.worse else "nothing worse"
    return f"{worse}: {counts or 'no case changed'} ({compared} in both)"


def _claims(group: Group) -> str:
    return ", ".join(f"{claim} ({number})" for claim, number in group.claims.items())


def _leaf(leaf: LeafChange) -> str:
    return in_a_line(f"{leaf.path}: {leaf.before or 'nothing'} -> {leaf.after or 'nothing'}", _LINE)


def _more(indent: str, number: int, shown: int | None, one: str, many: str) -> Iterator[str]:
    left = number - (number if shown is None else shown)
    if left > 0:
        yield f"{indent}… and {left} more {one if left == 1 else many}"


def _lines_of(detail: Detail) -> list[str]:
    """What goes and what comes, a line each."""
    lines = difflib.ndiff(detail.before.splitlines(), detail.after.splitlines())
    return [line for line in lines if line.startswith(("- ", "+ "))]


def markdown_of(comparison: Comparison, *, full: bool = False) -> Iterator[str]:
    """The lines of a comment on a pull request; all that comes from a record is escaped."""
    shown = None if full else SHOWN
    before, after = map(markdown_prose, comparison.names)
    yield from (f"## {before} → {after}", "", f"**{markdown_prose(verdict(comparison))}**")
    if comparison.subject:
        yield from ("", "| | before | after |", "|---|---|---|")
        for name, pair in comparison.subject.items():
            yield f"| {markdown_prose(name)} | {' | '.join(map(markdown_code, pair))} |"
    kind = None
    for group in groups(comparison):
        if group.kind is not kind:
            kind = group.kind
            yield from ("", f"### {kind[:1].upper()}{kind[1:]}: {comparison.counts[kind]}", "")
        yield from _items(group, shown)
    if comparison.details:
        yield from ("", "<details>", "<summary>Details, which nobody promises</summary>", "")
        for detail in comparison.details:
            named = f"{markdown_code(detail.name)} in {counted(detail.cases, 'case')}"
            yield f"- {named}, such as {markdown_code(detail.case)}"
            yield from (f"  - {markdown_code(line)}" for line in _lines_of(detail)[:shown])
        yield from ("", "</details>")


def _items(group: Group, shown: int | None) -> Iterator[str]:
    evidence = f" [Evidence]({group.evidence})" if is_link(group.evidence) else ""
    reason = markdown_prose(group.reason)
    yield f"- {reason}{evidence} ({counted(len(group.changes), 'case')})"
    for change in group.changes[:shown]:
        yield f"  - {markdown_code(change.case)}"
        for leaf in change.leaves[:shown]:
            yield f"    - {markdown_code(_leaf(leaf))}"
    yield from _more("  - ", len(group.changes), shown, "case", "cases")


def as_json(comparison: Comparison, *, full: bool = True) -> Iterator[str]:
    """The lines of all of a comparison, for programs."""
    told = {"verdict": verdict(comparison), "worse": comparison.worse, **asdict(comparison)}
    yield from json.dumps(told, indent=1, ensure_ascii=False).splitlines()
