"""The summary in Markdown, for a pull request: a table, what is at fault, what is known."""

from collections import Counter
from collections.abc import Iterable, Sequence

from conformance.matrix.table import LEGEND, cell
from conformance.report.escaping import counted, is_link, markdown_code, markdown_prose
from conformance.report.outcomes import (
    Finding,
    Known,
    Outcome,
    claims_held,
    findings,
    known_deviations,
)

LIMIT = 65_536  # characters of a comment on GitHub
_NAMED = 8  # claims or subjects that are named, where there may be many
_NAME = 80  # characters of a name
_END = 200  # characters kept for what ends a list that is cut


def markdown(told: Sequence[Outcome], limit: int = LIMIT) -> str:
    """The summary, of at most `limit` characters; what has no room is counted."""
    found, known = findings(told), known_deviations(told)
    idle = [source for outcome in told for source in outcome.idle]
    lines = ["## NNX conformance", "", *table(told, limit // 2), ""]
    if found:
        lines += [f"### Broken, stale or in error: {counted(len(found), 'finding')}", ""]
        lines += _fitting(map(_finding, found), len(found), limit * 3 // 4 - _length(lines))
    else:
        lines += ["**Nothing is broken, stale or in error.**"]
    if idle:
        lines += ["", f"Known deviations that explain no case: {_listed(idle)}."]
    lines += explained(known, limit - _length(lines) - _END)
    return "\n".join([*lines, ""])


def explained(known: Sequence[Known], limit: int) -> list[str]:
    """The known deviations that explain a case, folded; no line where there is none."""
    if not known:
        return []
    causes = counted(len(known), "cause")
    cases = counted(sum(one.claims.total() for one in known), "case")
    head = ["", "<details>", f"<summary>Known deviations: {causes}, {cases}</summary>", ""]
    listed = _fitting(map(_known, known), len(known), limit - _length(head))
    return [*head, *listed, "", "</details>"]


def table(told: Sequence[Outcome], limit: int) -> list[str]:
    """A row per section and a column per subject, as many of both as have room; then a legend."""
    sections = sorted({section for outcome in told for section in outcome.of_sections})
    shown = sections[: limit // (3 * _NAME)]
    columns = [["section", "---", *(markdown_code(s, _NAME) for s in shown)]]
    columns[0] += ["**all sections**", "**claims held**"]
    for outcome in told:
        column = [f"{markdown_prose(outcome.name, _NAME)}<br>{_on(outcome)}", "---"]
        column += [cell(outcome.of_sections.get(section, Counter())) for section in shown]
        held, of = claims_held([outcome])
        column += [f"**{cell(outcome.verdicts)}**", f"**{held}/{of}**"]
        if sum(len(text) + 3 for each in (*columns, column) for text in each) > limit:
            break
        columns.append(column)
    lines = [f"| {' | '.join(row)} |" for row in zip(*columns, strict=True)]
    left_out = {
        "subject": len(told) - len(columns) + 1,
        "section": len(sections) - len(shown),
    }
    for what, number in left_out.items():
        if number:
            lines += ["", f"… and {counted(number, f'more {what}')}."]
    return [*lines, "", f"In a section: {LEGEND.partition(': ')[2]}."]


def _on(outcome: Outcome) -> str:
    return markdown_prose(", ".join(outcome.backends), _NAME)


def _finding(found: Finding) -> str:
    line = f"- **{found.verdict}** {markdown_code(found.claim, _NAME)}"
    line += f" on {markdown_prose(found.subject, _NAME)}, {found.cases} of {found.of} cases"
    return f"{line}: {markdown_code(found.says)}" if found.says else line


def _known(known: Known) -> str:
    address = known.deviation.evidence
    evidence = f"[Evidence]({address})" if is_link(address) else markdown_prose(address)
    numbers = f"{counted(known.claims.total(), 'case')} of {_listed(list(known.claims))}"
    subjects = list(known.subjects)
    where = markdown_prose("; ".join(subjects[:_NAMED])) + _more(len(subjects) - _NAMED)
    return f"- {markdown_prose(known.deviation.cause)} {evidence}<br>{numbers}<br>{where}"


def _fitting(lines: Iterable[str], number: int, limit: int) -> list[str]:
    """As many of these lines as have room, and how many there are beyond them."""
    shown: list[str] = []
    room = limit - _END
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return [*shown, f"- … and {number - len(shown)} more"]
        shown.append(line)
    return shown


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(markdown_code(name, _NAME) for name in names[:_NAMED])
    return shown + _more(len(names) - _NAMED)


def _more(number: int) -> str:
    return f" and {number} more" if number > 0 else ""


def _length(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)
