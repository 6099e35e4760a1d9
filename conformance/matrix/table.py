"""The table that a matrix ends with: a row for each subject, a column for each section."""

from collections import Counter
from collections.abc import Sequence

from conformance.harness.summary import aligned
from conformance.harness.verdicts import FINDINGS, Verdict
from conformance.matrix.runs import Result

LEGEND = (
    "In a section: cases that hold ~ known deviations ! broken, stale or in error; "
    "- where the release has none of it"
)


def table(results: Sequence[Result]) -> list[str]:
    """The lines of the table."""
    sections = sorted({_section(case) for result in results for case in result.judged.verdicts})
    titles = [section.split("_") for section in sections]
    first = ["flax", "jax", *(" ".join(title[:-1]) for title in titles), "", ""]
    second = ["", "", *(title[-1] for title in titles), "all", "not applicable"]
    return aligned([first, second, *(_row(result, sections) for result in results)])


def cell(verdicts: Counter[Verdict]) -> str:
    """What a table says of some cases."""
    held, known = verdicts[Verdict.HELD], verdicts[Verdict.KNOWN_DEVIATION]
    found = sum(verdicts[verdict] for verdict in FINDINGS)
    said = f"{held}" + (f"~{known}" if known else "") + (f"!{found}" if found else "")
    return said if held or known or found else "-"


def _row(result: Result, sections: Sequence[str]) -> list[str]:
    subject = result.record.header.subject
    counts: dict[str, Counter[Verdict]] = {section: Counter() for section in sections}
    for case, verdict in result.judged.verdicts.items():
        counts[_section(case)][verdict] += 1
    cells = [cell(counts[section]) for section in sections]
    missing = str(result.verdicts[Verdict.NOT_APPLICABLE])
    return [subject["flax"], subject["jax"], *cells, cell(result.verdicts), missing]


def _section(case: str) -> str:
    return case.partition("/")[0]
