"""JUnit: pytest's own file says of each case what it is."""

import xml.etree.ElementTree as ElementTree

import pytest

from tests.conftest import Suite

SECTION = '''
@claim("section/kept", guide="Guide", across=("jit",), styles=("function",), variants=("one",))
def test_kept(case: Case) -> None:
    """It is kept."""
    case.equal({"value": 1}, {"value": 1})

@claim("section/broken", guide="Guide")
def test_broken(case: Case) -> None:
    """It is kept."""
    raise WrongResult("<script>")
'''


@pytest.mark.parametrize("workers", [(), ("-n0",), ("-n2",)], ids=["plain", "n0", "n2"])
def test_properties(suite: Suite, workers: tuple[str, ...]) -> None:
    """Each case has its claim, its parameters and its verdict as properties."""
    suite.section(SECTION)

    suite.run("--junit-xml", "junit.xml", "--record", "run.jsonl", "--backend", "cpu", *workers)
    cases = ElementTree.parse(suite.path / "junit.xml").iter("testcase")
    found = {
        properties["claim"]: properties
        for case in cases
        if (properties := {p.get("name"): p.get("value") for p in case.iter("property")})
    }

    assert found["section/kept"] == {
        "case": "section/kept[jit,function,one,cpu,default]",
        "claim": "section/kept",
        "transform": "jit",
        "style": "function",
        "variant": "one",
        "backend": "cpu",
        "mode": "default",
        "verdict": "held",
        "snapshot": "missing",
    }
    assert found["section/broken"]["verdict"] == "broken"
    assert found["section/broken"]["message"] == "<script>"
