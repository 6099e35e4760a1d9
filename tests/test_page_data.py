"""data: what the page knows, how large it is, and that it stays in its element."""

import json
from dataclasses import replace
from typing import Any

import pytest

from conformance.guide.promises import Promise
from conformance.harness.records import Record, Seen
from conformance.report.outcomes import WORST_FIRST
from conformance.report.page.data import LIMIT, THRIFTS, data, escaped
from conformance.report.page.making import page
from tests.reports import BROKEN, EVIL, HELD, MISSING, case, known, record, told

PAGE_LIMIT = 5_000_000  # bytes
PROMISES = {
    one.id: one
    for one in (Promise("b/first", "It is.", "Guide"), Promise("b/a-later-one", "Is too.", "Other"))
}


def parsed(*records: Record, by: str = "", limit: int = LIMIT) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        data(told(*records, by=known(by) if by else ()), PROMISES, limit)
    )
    return made


def words(made: dict[str, Any], numbers: list[int]) -> list[str]:
    return [made["texts"][number] for number in numbers]


def test_escaped() -> None:
    """The text is in the JSON, without a character that HTML or a script could take for its own."""
    made = escaped([EVIL])

    assert not set(made) & set("<>&\u2028\u2029\n")
    assert json.loads(made) == [EVIL]


def test_claims_and_cases() -> None:
    """Claims are in the suite's order by section, nests come after single transforms."""
    keys = [("b/unknown", "jit"), ("b/a-later-one", "vmap-of-jit"), ("b/a-later-one", "while_loop")]
    cases = [case(claim, HELD, transform=name) for claim, name in (*keys, ("a/x", "jit"))]

    made = parsed(record(*cases, case("b/first", HELD)))

    assert [words(made, claim) for claim in made["claims"]] == [
        ["a/x", "", ""],
        ["b/first", "It is.", "Guide"],
        ["b/a-later-one", "Is too.", "Other"],
        ["b/unknown", "", ""],
    ]
    assert [(number, *words(made, rest)) for number, *rest in made["cases"]] == [
        (0, "jit", "function", "-"),
        (1, "jit", "function", "-"),
        (2, "while_loop", "function", "-"),
        (2, "vmap-of-jit", "function", "-"),
        (3, "jit", "function", "-"),
    ]


def test_columns() -> None:
    """A column for each backend of a record, the newest record first, as the header has them."""
    both = record(
        case("b/first", HELD, backend="gpu"),
        case("b/first", BROKEN, backend="cpu"),
        backends=("gpu", "cpu"),
        full=True,
    )
    made = parsed(record(case("b/first", HELD), flax="0.9.9"), both)

    shown = [(one["flax"], one["backend"], one["devices"], one["full"]) for one in made["columns"]]
    assert shown == [
        ("0.12.12", "gpu", "gpu (1 x gpu)", True),
        ("0.12.12", "cpu", "cpu (1 x cpu)", True),
        ("0.9.9", "cpu", "cpu (1 x cpu)", False),
    ]
    assert len(made["cases"]) == 1


def test_findings() -> None:
    """What was found is there once, however many cases it was found in; -1 is no case."""
    lost = replace(case("b/first", BROKEN, "lost"), notes={"answer": "done"})
    cases = (lost, replace(lost, case=lost.case.replace("jit", "vmap")), case("a/x", MISSING))

    made = parsed(record(*cases), record(case("a/x", HELD), flax="0.9"), by="b/first")

    assert [one["found"] for one in made["columns"]] == [[1, 0, 0], [2, -1, -1]]
    first, *others = made["findings"]
    assert others == [[WORST_FIRST.index(MISSING)], [WORST_FIRST.index(HELD)]]
    verdict, *texts, notes = first
    assert made["verdicts"][verdict] == "known deviation"
    assert words(made, texts) == [
        *("wrong result", "WrongResult", "lost"),
        *("It is so.", "https://example.org/It is so."),
    ]
    assert words(made, made["mappings"][notes]) == ["answer", "done"]


def many(subjects: int, cases: int, *, outputs: str = "", says: str = "lost") -> list[Record]:
    """Records of so many cases, a fifth of them broken; `outputs` and `says` are formats."""

    def seen(subject: int, number: int) -> Seen:
        verdict = BROKEN if number % 5 == 0 else HELD
        one = case(
            f"section{number % 13}/claim-{number % 150}",
            verdict,
            says.format(case=number, subject=subject),
            transform=f"transform{number // 150}",
        )
        came_out = outputs.format(case=number, subject=subject)
        return replace(one, outputs={"object0.kernel": came_out, "y": "1."} if outputs else {})

    return [
        record(*(seen(subject, number) for number in range(cases)), flax=f"0.12.{subject}")
        for subject in range(subjects)
    ]


ARRAY = "Param float32[3,4] [[ 2.,22.,42.,62.], [ 4.,24.,44.,64.], [ 6.,26.,46.,66.]]"


@pytest.mark.parametrize(
    ("texts", "thrift"),
    [
        ({}, 0),
        ({"outputs": f"{{case}} {ARRAY}", "says": f"{{case}} {ARRAY}" * 9}, 0),
        ({"outputs": f"{{subject}} {{case}} {ARRAY}"}, 1),
        ({"outputs": "{subject} {case}" + ARRAY * 10}, 2),
        ({"says": "{subject} {case}" + ARRAY * 20}, 3),
    ],
    ids=["plain", "same-on-each", "outputs", "long-outputs", "long-messages"],
)
def test_size(texts: dict[str, str], thrift: int) -> None:
    """A page of 25 subjects with 1,500 cases is small; what is left out for that is said."""
    outcomes = told(*many(25, 1500, **texts))

    made = page(outcomes, {})

    assert len(made.encode()) < PAGE_LIMIT
    assert json.loads(data(outcomes, {}))["left_out"] == THRIFTS[thrift].says


def test_worst_size() -> None:
    """Where every case of the suite says something else at length, the page is still no larger."""
    says = "{subject} {case} " + ARRAY * 40
    worst = many(25, 2019, says=says)
    worst = [
        replace(one, cases={k: replace(v, message=f"{k}{says}") for k, v in one.cases.items()})
        for one in worst
    ]

    assert len(page(told(*worst), {}).encode()) < PAGE_LIMIT


def test_thrift() -> None:
    """Outputs of cases that hold go first; those of cases that fail are kept as long as may be."""
    held = replace(case("a/x", HELD), outputs={"y": "held" * 500}, details={"d": "1"})
    lost = replace(case("a/y", BROKEN), outputs={"y": "lost"})

    made = [parsed(record(held, lost), limit=limit) for limit in (LIMIT, 1500, 700)]

    assert ["held" * 500 in one["texts"] for one in made] == [True, False, False]
    assert ["lost" in one["texts"] for one in made] == [True] * 3
    assert [one["left_out"] for one in made] == [each.says for each in THRIFTS[:2]] + [
        made[2]["left_out"]
    ]
