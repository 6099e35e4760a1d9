"""Choosing cases with pytest's own means: paths, -k and -m."""

import pytest

from tests.conftest import Suite

CLAIMS = """
@claim("section/share-variable", guide="Guide", across=("jit", "vmap"), styles=STYLES)
def test_share_variable(case: Case) -> None:
    '''It is kept.'''

@claim("section/axes", guide="Guide", across=("vmap",), variants=("axis-1", "negative"))
def test_axes(case: Case) -> None:
    '''It is kept.'''

@claim("section/plain", guide="Guide")
def test_plain(case: Case) -> None:
    '''It is kept.'''
"""
OTHER = """
@claim("other/plain", guide="Guide", across=("jit",), styles=STYLES)
def test_plain(case: Case) -> None:
    '''It is kept.'''
"""

ALL = [
    "one/test_topic.py::test_share_variable[jit-function-cpu]",
    "one/test_topic.py::test_share_variable[jit-method-cpu]",
    "one/test_topic.py::test_share_variable[vmap-function-cpu]",
    "one/test_topic.py::test_share_variable[vmap-method-cpu]",
    "one/test_topic.py::test_axes[vmap-axis-1-cpu]",
    "one/test_topic.py::test_axes[vmap-negative-cpu]",
    "one/test_topic.py::test_plain[cpu]",
    "two/test_other.py::test_plain[jit-function-cpu]",
    "two/test_other.py::test_plain[jit-method-cpu]",
]

SELECTIONS = {
    "everything": ((), ALL),
    "section": (("two",), ALL[7:]),
    "file": (("one/test_topic.py",), ALL[:7]),
    "claim": (("one/test_topic.py::test_axes",), ALL[4:6]),
    "case": ((ALL[3],), ALL[3:4]),
    "claim-by-keyword": (("-k", "share_variable"), ALL[:4]),
    "transform": (("-m", "vmap"), ALL[2:6]),
    "style": (("-m", "method"), [ALL[1], ALL[3], ALL[8]]),
    "backend": (("-m", "cpu"), ALL),
    "no-backend": (("-m", "not cpu"), []),
    "transform-and-style": (("-m", "vmap and method"), [ALL[3]]),
    "section-and-style": (("two", "-m", "method"), [ALL[8]]),
    "variant-by-keyword": (("-k", "negative"), [ALL[5]]),
    "transform-by-keyword": (("-k", "jit and not plain"), ALL[:2]),
}


@pytest.mark.parametrize(("arguments", "selected"), SELECTIONS.values(), ids=SELECTIONS)
def test_selection(arguments: tuple[str, ...], selected: list[str], suite: Suite) -> None:
    """Case ids say claim, transform, style, variant and backend, and all of them select."""
    suite.section(CLAIMS, "one/test_topic.py")
    suite.section(OTHER, "two/test_other.py")

    result = suite.run("--strict-markers", "--collect-only", "-q", "--backend", "cpu", *arguments)

    assert [line for line in result.outlines if "::" in line] == selected
