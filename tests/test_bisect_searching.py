"""searching: where a row of verdicts changes, and how few of them are looked at."""

import pytest

from conformance.bisect.searching import Change, changes, search

VERDICTS = {"+": "held", "-": "broken", "?": ""}


def row(words: str) -> list[tuple[int, str]]:
    """Items by number, with the verdicts that a picture of them shows."""
    return [(number, VERDICTS[word]) for number, word in enumerate(words)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("+-", (0, 1, "held", ())),
        ("++++----", (3, 4, "held", ())),
        ("-+++++++", (0, 1, "broken", ())),
        ("+++++++-", (6, 7, "held", ())),
        ("++?-----", (1, 3, "held", (2,))),
        ("+??????-", (0, 7, "held", (1, 2, 3, 4, 5, 6))),
        ("??++--??", (3, 4, "held", ())),
        ("+?+?-?-?", (2, 4, "held", (3,))),
        ("++++", None),
        ("????", None),
        ("?+??", None),
        ("", None),
    ],
)
def test_search(words: str, found: tuple[int, int, str, tuple[int, ...]] | None) -> None:
    """The change is found wherever it is; what cannot be judged is skipped, at the ends too."""
    verdicts = dict(row(words))
    change = search(list(verdicts), verdicts.__getitem__)

    if found is None:
        assert change is None
    else:
        before, after, was, between = found
        now = "broken" if was == "held" else "held"
        assert change == Change(before, after, was, now, between)


@pytest.mark.parametrize("at", range(1, 64))
def test_search_is_short(at: int) -> None:
    """Of 64 items no more than the ends and six between them are looked at, none of them twice."""
    looked: list[int] = []

    def look(item: int) -> str:
        looked.append(item)
        return "held" if item < at else "broken"

    change = search(range(64), look)
    assert change is not None
    assert (change.before, change.after) == (at - 1, at)
    assert len(looked) == len(set(looked)) <= 8


@pytest.mark.parametrize("words", ["+-+-", "+--++--", "-++-?+?-"])
def test_search_finds_some_change(words: str) -> None:
    """Of several changes it finds one, though it presumes that there is but one."""
    verdicts = dict(row(words))
    change = search(list(verdicts), verdicts.__getitem__)

    assert change in (changes(row(words)) if verdicts[0] != verdicts[len(words) - 1] else [None])


def test_changes() -> None:
    """Every change in a row is told, with what lies between and cannot be judged."""
    assert changes(row("?++?-?+-")) == [
        Change(2, 4, "held", "broken", (3,)),
        Change(4, 6, "broken", "held", (5,)),
        Change(6, 7, "held", "broken"),
    ]
    assert changes(row("??+?+?")) == []
