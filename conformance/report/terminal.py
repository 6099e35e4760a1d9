"""The report in a terminal: a row for each subject, a column for each section, then findings."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

from conformance.harness.verdicts import FINDINGS, Verdict
from conformance.matrix.table import LEGEND, cell
from conformance.report.escaping import counted, in_a_line, printable
from conformance.report.outcomes import (
    Finding,
    Known,
    Outcome,
    claims_held,
    findings,
    known_deviations,
)

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_NO_END = 100_000  # characters of a line that goes to a file or to another program
_FIRST = 2  # columns that name the subject
_GAP = 2  # characters between columns
_CAUSES_SHOWN = 160  # characters of a cause
_STYLES = {"!": "bold red", "~": "yellow"}
_AT_FAULT = rf"^({'|'.join(FINDINGS)}):"
_EXPLAINED = rf"^{Verdict.KNOWN_DEVIATION}:"


def show(told: Sequence[Outcome], file: IO[str] | None = None) -> None:
    """Prints the report, coloured where a terminal is to show it and NO_COLOR is not set."""
    from rich.console import Console
    from rich.text import Text

    file = file or sys.stdout
    seen = file.isatty()
    plain = not seen or bool(os.environ.get("NO_COLOR"))
    console = Console(
        file=file,
        width=None if seen else _NO_END,
        no_color=plain,
        force_terminal=False if plain else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for table in _tables(told, console.width, plain=plain):
        console.print(table)
    for line in ("", LEGEND, "", *_lines(told)):
        text = Text(printable(line))
        if not plain:
            text.highlight_regex(_AT_FAULT, _STYLES["!"])
            text.highlight_regex(_EXPLAINED, _STYLES["~"])
        console.print(text, soft_wrap=True)


def _tables(told: Sequence[Outcome], width: int, *, plain: bool) -> Iterator["Table"]:
    """The table, or where the terminal is too narrow for all sections, several of them."""
    columns = _columns(told)
    subject, rest = columns[:_FIRST], columns[_FIRST:]
    while rest:
        room = width - sum(map(_width, subject))
        taken = 0
        while taken < len(rest) and (room := room - _width(rest[taken])) >= 0:
            taken += 1
        yield _table([*subject, *rest[: max(1, taken)]], plain=plain)
        rest = rest[max(1, taken) :]


def _columns(told: Sequence[Outcome]) -> list[list[str]]:
    """The texts of each column; the title is the first."""
    sections = sorted({section for outcome in told for section in outcome.of_sections})
    subjects = [outcome.subject for outcome in told]
    columns = [["\nflax", *(flax for flax, _, _ in subjects)]]
    columns.append(["\njax", *(jax if m == "default" else f"{jax} {m}" for _, jax, m in subjects)])
    for section in sections:
        title = section.replace("_", "\n") if "_" in section else f"\n{section}"
        columns.append([title, *(cell(each.of_sections.get(section, Counter())) for each in told)])
    columns.append(["\nall", *(cell(outcome.verdicts) for outcome in told)])
    na = Verdict.NOT_APPLICABLE
    columns.append(["not\napplicable", *(str(outcome.verdicts[na]) for outcome in told)])
    held = (claims_held([outcome]) for outcome in told)
    columns.append(["claims\nheld", *(f"{number}/{of}" for number, of in held)])
    return [[_clean(text) for text in column] for column in columns]


def _clean(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def _width(column: Sequence[str]) -> int:
    return max(len(line) for text in column for line in text.split("\n")) + _GAP


def _table(columns: Sequence[Sequence[str]], *, plain: bool) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="" if plain else "bold")
    for title, *_ in columns:
        table.add_column(Text(title), no_wrap=True)
    for row in list(zip(*columns, strict=True))[1:]:
        table.add_row(*(_coloured(Text(text), plain=plain) for text in row))
    return table


def _coloured(text: "Text", *, plain: bool) -> "Text":
    """What `cell` says, each part in the colour that its mark has."""
    if not plain:
        for mark, style in _STYLES.items():
            text.highlight_regex(rf"{mark}\d+", style)
    return text


def _lines(told: Sequence[Outcome]) -> Iterator[str]:
    for found in findings(told):
        yield _finding(found)
    for outcome in told:
        for source in outcome.idle:
            yield f"{outcome.name}: {source} explains no case"
    for known in known_deviations(told):
        yield _known(known, len(told))


def _finding(found: Finding) -> str:
    says = f": {in_a_line(found.says, _CAUSES_SHOWN)}" if found.says else ""
    numbers = f"{found.cases} of {found.of} cases"
    return f"{found.verdict}: {found.claim} on {found.subject} ({numbers}){says}"


def _known(known: Known, subjects: int) -> str:
    numbers = " of ".join(
        (counted(known.claims.total(), "case"), counted(len(known.claims), "claim"))
    )
    numbers += f", {len(known.subjects)} of {subjects} subjects" if subjects > 1 else ""
    cause = in_a_line(known.deviation.cause, _CAUSES_SHOWN)
    return f"{Verdict.KNOWN_DEVIATION}: {cause} ({numbers})"
