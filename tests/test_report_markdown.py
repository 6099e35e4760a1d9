"""markdown: the summary for a pull request."""

import re

import pytest

from conformance.report.markdown import LIMIT, markdown
from tests.reports import BROKEN, ERROR, EVIL, HELD, MISSING, case, known, record, told

CASES = (
    case("axes/kept", HELD),
    case("axes/kept", HELD, style="method"),
    case("axes/lost", BROKEN, "x: expected 1\nand more"),
    case("rngs/known", BROKEN),
    case("rngs/none", MISSING),
)


def test_summary() -> None:
    """A table of sections and subjects, a line for each finding, what is known in a fold."""
    older = record(case("axes/kept", HELD), flax="0.11.2", jax="0.7.1")

    made = markdown(told(older, record(*CASES), by=known("rngs/known"))).splitlines()

    assert made == [
        "## NNX conformance",
        "",
        "| section | flax 0.12.12, jax 0.12.0<br>cpu | flax 0.11.2, jax 0.7.1<br>cpu |",
        "| --- | --- | --- |",
        "| `axes` | 2!1 | 1 |",
        "| `rngs` | 0~1 | - |",
        "| **all sections** | **2~1!1** | **1** |",
        "| **claims held** | **1/3** | **1/1** |",
        "",
        "In a section: cases that hold ~ known deviations ! broken, stale or in error; "
        "- where the release has none of it.",
        "",
        "### Broken, stale or in error: 1 finding",
        "",
        "- **broken** `axes/lost` on flax 0.12.12, jax 0.12.0, 1 of 1 cases: "
        "`WrongResult: x: expected 1`",
        "",
        "<details>",
        "<summary>Known deviations: 1 cause, 1 case</summary>",
        "",
        "- It is so. https://example.org/It is so."
        "<br>1 case of `rngs/known`<br>flax 0.12.12, jax 0.12.0",
        "",
        "</details>",
    ]


def test_nothing_found() -> None:
    """Where nothing is broken, that is said."""
    made = markdown(told(record(case("axes/kept", HELD))))

    assert "**Nothing is broken, stale or in error.**" in made.splitlines()
    assert "<details>" not in made


def test_suite_error() -> None:
    """An error of the suite itself is a finding, though it may say nothing."""
    made = markdown(told(record(case("axes/wrong", ERROR))))

    assert "- **suite error** `axes/wrong` on flax" in made


def test_idle_deviation() -> None:
    """A known deviation that explains nothing in a run of every claim is named."""
    deviations = known("axes/other", cause="Gone.")

    whole = markdown(told(record(*CASES, full=True), by=deviations))
    part = markdown(told(record(*CASES), by=deviations))

    assert "Known deviations that explain no case: `Gone.`." in whole.splitlines()
    assert "explain no case" not in part


@pytest.mark.parametrize("evidence", ["https://example.org/1", "javascript:alert(1)"])
def test_evidence(evidence: str) -> None:
    """Evidence is linked where it is an address of the web."""
    deviations = known("rngs/known", evidence=evidence)

    made = markdown(told(record(*CASES), by=deviations))

    assert (f"[Evidence]({evidence})" in made) is evidence.startswith("https")
    assert "](javascript" not in made


def evil_summary() -> str:
    deviations = known("evil/known*", cause=EVIL, evidence=EVIL)
    cases = [
        case(f"evil/{EVIL}", BROKEN, EVIL),
        case("evil/other", BROKEN, EVIL, variant=EVIL),
        case(f"evil/known{EVIL}", BROKEN),
        case(f"{EVIL}/x", HELD),
    ]
    one = record(*cases, mode=EVIL, backends=(EVIL, "cpu"))
    return markdown(told(one, by=deviations))


def test_escapes() -> None:
    """Whatever records and deviations say adds no element, no cell, no line, no mention."""
    made = evil_summary()

    without_code = re.sub(r"`[^`\n]*`", "", made)
    tags = set(re.findall(r"<[^>]*>", without_code))
    assert tags <= {"<br>", "<details>", "</details>", "<summary>", "</summary>"} | {
        "<code>",
        "</code>",
    }
    assert made.count("</details>") == without_code.count("<details>") <= 1
    rows = [line for line in made.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}
    assert not re.search(r"[@#]\w", re.sub(r"<code>.*?</code>", "", without_code))
    assert made.encode()


LONG = "a very long word indeed " * 40


@pytest.mark.parametrize(
    ("subjects", "claims", "sections"), [(1, 3000, 1), (60, 5, 40), (2, 1500, 700), (400, 1, 1)]
)
def test_bounded(subjects: int, claims: int, sections: int) -> None:
    """However much there is, the summary fits into a comment, and counts what it leaves out."""
    cases = [case(f"s{n % sections}/claim-{n}", BROKEN, LONG) for n in range(claims)]
    records = [record(*cases, flax=f"0.12.{n}") for n in range(subjects)]

    made = markdown(told(*records))

    assert len(made) <= LIMIT
    shown = sum(line.startswith("- **broken**") for line in made.splitlines())
    (left,) = re.findall(r"^- … and (\d+) more$", made, re.MULTILINE) or ["0"]
    assert shown + int(left) == subjects * claims
    assert made.count("\n| ---") == 1


def test_bounded_causes() -> None:
    """A long list of causes is cut as well, and its fold closed."""
    deviations = [one for n in range(400) for one in known(f"s/claim-{n}", f"{n}: {LONG}")]
    cases = [case(f"s/claim-{n}", BROKEN) for n in range(400)]

    made = markdown(told(record(*cases), by=deviations))

    assert len(made) <= LIMIT
    assert re.search(r"\n- … and \d+ more\n\n</details>\n$", made)
