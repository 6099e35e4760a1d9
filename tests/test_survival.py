"""The run survives its subject: a case that goes wild is broken, alone, and the run goes on."""

import pytest

from conformance.harness.records import Seen, read
from conformance.harness.verdicts import Verdict
from tests.conftest import Suite

HEAD = """
import collections, itertools, os, signal, sys, time
import jax
import flax

def kept(case):
    case.equal({"value": 1}, {"value": 1})
"""
CLAIM = '''
@claim("section/{name}", guide="Guide", variants=("one-of-it",))
def test_{name}(case: Case) -> None:
    """It is kept."""
    {body}

@claim("section/after-{name}", guide="Guide")
def test_after_{name}(case: Case) -> None:
    """It is kept."""
    kept(case)
'''
TAME = {
    "hangs": ("while True: time.sleep(0.01)", "TimedOut", "still running after 1 s, in"),
    "swallows": (
        "exec('while True:\\n try:\\n  time.sleep(9)\\n except Exception: pass')",
        "TimedOut",
        "still running after 1 s, in",
    ),
    "exits": ("sys.exit(0)", "SystemExit", "0"),
    "starves": ("bytearray(1 << 60)", "MemoryError", ""),
    "leaks": (
        "jax.config.update('jax_enable_x64', True)",
        "ConfigurationLeaked",
        "jax_enable_x64 was False, is True",
    ),
    "leakstoo": (
        "flax.config.update('flax_profile', False)",
        "ConfigurationLeaked",
        "flax_profile was True, is False",
    ),
}
WILD = {
    "dies": "os._exit(0)",
    "aborts": "os.abort()",
    "faults": "os.kill(os.getpid(), signal.SIGSEGV)",
    "sticks": "collections.deque(itertools.repeat(0), maxlen=0)",
}


def seen(suite: Suite, bodies: dict[str, str], *options: str) -> dict[str, Seen]:
    """What the record has of each claim, when these are run with a timeout of a second."""
    claims = (CLAIM.format(name=name, body=body) for name, body in bodies.items())
    suite.section(HEAD + "".join(claims))
    suite.run("--record", "run.jsonl", "--backend", "cpu", "--case-timeout", "1", *options)
    record = read(suite.path / "run.jsonl")
    return {found.claim.removeprefix("section/"): found for found in record.cases.values()}


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
def test_tame(suite: Suite, workers: tuple[str, ...]) -> None:
    """What can be stopped, or put right, breaks its own case and no other."""
    found = seen(suite, {name: body for name, (body, *_) in TAME.items()}, *workers)

    for name, (_, error, message) in TAME.items():
        assert (found[name].verdict, found[name].error) == (Verdict.BROKEN, error), name
        assert message in found[name].message
        assert found[f"after-{name}"].verdict is Verdict.HELD


def test_wild(suite: Suite) -> None:
    """A case that takes its worker along is broken, and named; another worker goes on."""
    found = seen(suite, WILD, "-n2", "--dist", "load")

    for name in WILD:
        assert (found[name].verdict, found[name].error) == (Verdict.BROKEN, "ProcessEnded"), name
        assert found[name].case == f"section/{name}[-,-,one-of-it,cpu,default]"
        assert "crashed while running" in found[name].message
        assert found[f"after-{name}"].verdict is Verdict.HELD


def test_where(suite: Suite) -> None:
    """A case that hangs says where."""
    found = seen(suite, {"hangs": "while True: time.sleep(0.01)"})

    assert "test_hangs" in found["hangs"].message
    assert "time.sleep(0.01)" in found["hangs"].message


def test_no_limit(suite: Suite) -> None:
    """A limit of 0 is none."""
    suite.section(HEAD + CLAIM.format(name="sleeps", body="time.sleep(1.2)"))

    suite.run("--case-timeout", "0", "--backend", "cpu").assert_outcomes(passed=2)
