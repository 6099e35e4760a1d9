"""asked: the names that a user may type for a claim or some of its cases."""

import pytest

from conformance.asked import Asked, NotKnown

CASES = (
    "graph_updates/cycle[jit,function,itself,cpu,default]",
    "graph_updates/cycle[jit,function,parent,cpu,default]",
    "graph_updates/cycle[scan,function,parent,cpu,default]",
    "graph_updates/cycle[scan,function,a[0],cpu,default]",
    "graph_updates/share-object[jit,function,-,cpu,default]",
)


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("graph_updates/cycle", CASES[:4]),
        ("graph_updates/cycle[jit]", CASES[:2]),
        ("graph_updates/cycle[jit", CASES[:2]),
        ("graph_updates/cycle[*,parent]", CASES[1:3]),
        ("graph_updates/cycle[s*,function,p*,cpu,default]", CASES[2:3]),
        ("graph_updates/cycle[scan,function,a[0],cpu,default]", CASES[3:4]),
        ("graph_updates/share-object", CASES[4:]),
    ],
)
def test_chosen(words: str, chosen: tuple[str, ...]) -> None:
    """A claim is all of its cases; parameters narrow them, and may be left out at the end."""
    assert Asked.parse(words).chosen(CASES) == list(chosen)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "graph_updates/cycel",
            "there is no claim 'graph_updates/cycel': did you mean graph_updates/cycle",
        ),
        ("???", "there is no claim '???'"),
    ],
)
def test_no_claim(words: str, message: str) -> None:
    """A claim that there is not is refused in a line, with those that are like it."""
    with pytest.raises(NotKnown) as refused:
        Asked.parse(words)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_no_case() -> None:
    """So is a case."""
    with pytest.raises(NotKnown) as refused:
        Asked.parse("graph_updates/cycle[jit,function,parents]").chosen(CASES)
    assert str(refused.value).startswith(
        "graph_updates/cycle[jit,function,parents] names no case of the suite: did you mean "
        "graph_updates/cycle[jit,function,parent,cpu,default] or "
    )


def test_name_of_the_test() -> None:
    """The test of a claim is named after it."""
    assert Asked("jit_cache/no-net-change").test == "test_no_net_change"
