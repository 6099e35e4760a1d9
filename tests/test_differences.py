"""differences: a comparison in words, and what comes from a record is harmless in them."""

import json
from dataclasses import replace

from conformance.report.comparing import Comparison, compare
from conformance.report.differences import SHOWN, as_json, markdown_of, text
from tests.reports import BROKEN, EVIL, HELD, case, known, record, told

ZERO_WIDTH_SPACE = "\u200b"  # keeps GitHub from seeing a mention
CLAIMS = [f"section/{name}" for name in "abcdefgh"]


def lost(says: str = "lost", cause: str = "", details: str = "x") -> Comparison:
    """A comparison in which every claim is newly broken."""
    leaf = {"output": "array int32[] 1"}
    before = [replace(case(c, HELD), outputs=leaf, details={"repr": "a\nb"}) for c in CLAIMS]
    after = [replace(case(c, BROKEN, says), details={"repr": f"a\n{details}"}) for c in CLAIMS]
    by = known("section/*", cause, "<99") if cause else ()
    return compare(*told(record(*before)), *told(record(*after, flax="0.13.0"), by=by))


def test_text() -> None:
    """Subjects come first, then the verdict, then what changed by kind and reason, then details."""
    lines = list(text(lost()))

    assert lines == [
        "flax 0.12.12, jax 0.12.0 -> flax 0.13.0, jax 0.12.0",
        "  flax  0.12.12 -> 0.13.0",
        "worse: 8 newly broken (8 cases in both)",
        "",
        "newly broken (8 cases): WrongResult: lost",
        f"  {', '.join(f'{claim} (1)' for claim in CLAIMS)}",
        *(
            line
            for claim in CLAIMS[:SHOWN]
            for line in (
                f"    {claim}[jit,function,-,cpu,default]",
                "      output: array int32[] 1 -> nothing",
            )
        ),
        "    … and 3 more cases",
        "",
        "details, which nobody promises:",
        "  repr (8 cases, such as section/a[jit,function,-,cpu,default])",
        "    - b",
        "    + x",
    ]


def test_full() -> None:
    """Nothing is left out where all is asked for."""
    assert not any("more" in line for line in text(lost(), full=True))


def test_cause() -> None:
    """What is known is told by its cause, with its evidence."""
    lines = list(text(lost(cause="It is so.")))

    assert "newly broken (8 cases): It is so." in lines


def test_identical() -> None:
    """A record and itself are said to be identical."""
    same = record(case("section/a", HELD))
    found = compare(*told(same), *told(same))

    assert list(text(found)) == ["flax 0.12.12, jax 0.12.0", "identical: 1 case"]
    assert "**identical: 1 case**" in list(markdown_of(found))


def test_markdown() -> None:
    """Markdown has the same, with a heading for each kind."""
    lines = list(markdown_of(lost()))

    assert lines[0] == "## flax 0.12.12, jax 0.12.0 → flax 0.13.0, jax 0.12.0"
    assert "| flax | `0.12.12` | `0.13.0` |" in lines
    assert "### Newly broken: 8" in lines
    assert "- WrongResult: lost (8 cases)" in lines
    assert "    - `output: array int32[] 1 -> nothing`" in lines


def test_evil() -> None:
    """What a record says ends no line, no cell and no element, and commands no terminal."""
    found = lost(EVIL, details=EVIL)
    for line in (*text(found, full=True), *markdown_of(found, full=True)):
        assert line.replace(ZERO_WIDTH_SPACE, "").isprintable(), line
    marked = "\n".join(markdown_of(found))
    assert "<script" not in marked.replace("`- ", "").split("<details>")[0]


def test_json() -> None:
    """JSON has all of it."""
    told = json.loads("\n".join(as_json(lost())))

    assert told["worse"] is True
    assert len(told["changes"]) == 8
    assert told["changes"][0]["kind"] == "newly broken"
    assert told["changes"][0]["leaves"] == [
        {"path": "output", "before": "array int32[] 1", "after": ""}
    ]
