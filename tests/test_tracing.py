"""tracing: a guide's text held against a mapping."""

import pytest

from conformance.guide.mapping import Known
from conformance.guide.tracing import Trace, listing, of_claim, summary, trace
from tests.guide import GUIDE, all_known, claim_of, passages, text_of

CLAIMS = frozenset(claim_of(passage) for passage in passages())


def traced(text: str = GUIDE, claims: frozenset[str] = CLAIMS, **known: Known) -> Trace:
    return trace(passages(text), all_known() | known, [text_of()], claims)


def lines(found: Trace) -> list[str]:
    """What a person reads, after the table."""
    told = list(summary(found, "guide.md"))
    return told[told.index(next(line for line in told if line.startswith("all "))) + 1 :]


def test_whole() -> None:
    """A text whose every passage is mapped, to claims that exist, is whole."""
    found = traced()

    assert found.is_whole
    assert list(summary(found, "guide.md")) == [
        "guide.md, against the text of flax 1.0 to 1.1",
        "section  passages  covered  not testable  uncovered",
        "Shapes   7         7        0             0",
        "Squares  4         4        0             0",
        "Rotated  1         1        0             0",
        "all      12        12       0             0",
    ]


def test_not_testable() -> None:
    """A passage with a reason is covered by no claim, and lacks none."""
    digest = passages()[0].digest
    found = traced(claims=CLAIMS - {"shapes/sentence-1"}, **{digest: Known((), "says why")})

    assert found.is_whole
    assert list(summary(found, "guide.md"))[2] == "Shapes   7         6        1             0"


EDITS = {
    "edited": (
        "Corners are sharp.",
        "Corners are round.",
        [
            "changed: Shapes: sentence 5 is another",
            "  now: Shapes: sentence 5 ({0}): Corners are round.",
            "  claims touched: shapes/sentence-5",
        ],
    ),
    "deleted": (
        "* Sides are straight.\n",
        "",
        ["changed: Shapes: sentence 4 is gone", "  claims touched: shapes/sentence-4"],
    ),
    "inserted": (
        "It is still",
        "It was one. It is still",
        [
            "changed: something is new",
            "  now: Rotated: sentence 1 ({0}): It was one.",
            "  claims touched: none",
        ],
    ),
    "cell": (
        "square.area",
        "square.sides",
        [
            "changed: Squares: cell 1 is another",
            "  now: Squares: cell 1 ({0}): square = shapes.Square() square.sides",
            "  claims touched: squares/cell-1",
        ],
    ),
    "row": (
        "| Square | 4     |",
        "| Square | 5     |",
        [
            "changed: Squares: row 2 is another",
            "  now: Squares: row 2 ({0}): Square | 5",
            "  claims touched: squares/row-2",
        ],
    ),
}


@pytest.mark.parametrize(("old", "new", "told"), EDITS.values(), ids=EDITS)
def test_changed(old: str, new: str, told: list[str]) -> None:
    """An edit of the text is told with its place, the words now, and the claims it touches."""
    found = traced(GUIDE.replace(old, new))
    (change,) = found.changes
    digest = change.after[0].digest if change.after else ""

    assert not found.is_whole
    assert lines(found) == [line.format(digest) for line in told]


def test_uncovered() -> None:
    """A passage of the very text that was mapped, but not in the mapping, is uncovered."""
    known = all_known()
    gone = passages()[0]
    del known[gone.digest]
    found = trace(passages(), known, [text_of()], CLAIMS - {claim_of(gone)})

    assert not found.is_whole
    assert lines(found) == [f"uncovered: Shapes: sentence 1 ({gone.digest}): A shape has sides."]


def test_deleted_claim() -> None:
    """A claim that the mapping names and no test has is missing; its passages are named."""
    found = traced(claims=CLAIMS - {"squares/cell-1"})

    assert not found.is_whole
    assert lines(found) == ["no such claim: squares/cell-1, which is to check Squares: cell 1"]


def test_unfounded_claim() -> None:
    """A claim that no passage is mapped to is told."""
    found = traced(claims=CLAIMS | {"shapes/round"})

    assert not found.is_whole
    assert lines(found) == ["no passage: shapes/round checks nothing that any text says"]


def test_reference() -> None:
    """A text is compared with the most similar one; among equals, with the newest."""
    older = GUIDE.replace("still a square", "no square")
    texts = [text_of(older, "0.9"), text_of(GUIDE, "1.0"), text_of(GUIDE, "1.1")]
    known = all_known(older) | all_known()

    assert trace(passages(older), known, texts, CLAIMS).reference.releases == ("0.9",)
    assert trace(passages(), known, texts, CLAIMS).reference.releases == ("1.1",)


def test_listing() -> None:
    """Every passage is listed with its claims, or with the reason why it has none."""
    digest = passages()[0].digest
    listed = list(listing(traced(**{digest: Known((), "says why")})))

    assert listed[:4] == [
        f"Shapes: sentence 1 ({digest}): A shape has sides.",
        "    says why",
        f"Shapes: sentence 2 ({passages()[1].digest}): It is closed, i.e. it has an inside!",
        "    shapes/sentence-2",
    ]
    assert len(listed) == 2 * len(passages())


def test_of_claim() -> None:
    """The passages of a claim are shown in full."""
    assert list(of_claim(traced(), "squares/cell-1")) == [
        "Squares: cell 1:",
        "    square = shapes.Square()",
        "    ",
        "    square.area",
    ]
