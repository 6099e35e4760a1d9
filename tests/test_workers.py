"""The same verdicts with and without workers, and in any order."""

import re

import pytest

from tests.conftest import Suite
from tests.test_deviations import toml
from tests.test_verdicts import counted

# One case of every verdict, and some of the real subject.
CLAIMS = """
import pytest

@claim("section/real", guide="Guide", across=("jit", "vmap"), styles=STYLES)
def test_real(case: Case) -> None:
    '''It is kept.'''
    case.holds(lambda layer, x: layer(x), Layer)

@claim("section/wrong", guide="Guide", across=("jit",))
def test_wrong(case: Case) -> None:
    '''It is not kept.'''
    case.holds(lambda layer, x: layer(x), Layer, twin=lambda layer, x: -layer(x))

@claim("section/known", guide="Guide")
def test_known(case: Case) -> None:
    '''It is not kept, as is known.'''
    raise KeyError("layer")

@claim("section/stale", guide="Guide")
def test_stale(case: Case) -> None:
    '''It is kept, though it is said not to be.'''

@claim("section/later", guide="Guide", since="99.0.0")
def test_later(case: Case) -> None:
    '''It is yet to come.'''

@claim("section/skip", guide="Guide")
def test_skip(case: Case) -> None:
    '''It is not even tried.'''
    pytest.skip("not today")
"""
OWN = toml(claims=["section/known"], observed="error", error="KeyError", message="layer") + toml(
    claims=["section/stale"]
)


def said(result: pytest.RunResult) -> list[str]:
    """What a run says from its failures on, in no order, without how long it took."""
    start = next(i for i, line in enumerate(result.outlines) if "= FAILURES =" in line)
    lines = (re.sub(r"\[gw\d\].*| in \d+\.\d+s.*", "", line) for line in result.outlines[start:])
    return sorted(line.strip("=_- ") for line in lines if line.strip("=_- "))


def test_same_verdicts(suite: Suite) -> None:
    """Workers change neither a verdict nor a word of what is said about it."""
    suite.section(CLAIMS)
    suite.file("own.toml", OWN)
    options = ("--deviations", "own.toml", "-rx")

    plain, alone, spread = (suite.run(*options, *n) for n in ((), ("-n0",), ("-n2",)))

    assert counted(plain) == {
        "held": 4,
        "broken": 1,
        "known deviations": 1,
        "not applicable": 1,
        "stale": 1,
        "suite errors": 1,
    }
    assert said(plain) == said(alone) == said(spread)
    assert plain.ret == alone.ret == spread.ret == pytest.ExitCode.TESTS_FAILED


def test_order(suite: Suite) -> None:
    """Nor does the order of the cases, nor what runs beside a case."""
    suite.section(CLAIMS)
    suite.file("own.toml", OWN)
    suite.file("conftest.py", "def pytest_collection_modifyitems(items): items.reverse()")
    options = ("--deviations", "own.toml")

    backwards = suite.run(*options)
    suite.file("conftest.py", "")
    forwards = suite.run(*options)
    alone = suite.run(*options, "test_topic.py::test_real[vmap-method-cpu]")

    assert said(backwards) == said(forwards)
    assert counted(alone) == {"held": 1}
