"""--mode: settings that change NNX's semantics run where they are asked for by name."""

import pytest

from conformance.harness import subject
from tests.conftest import Suite
from tests.test_deviations import toml
from tests.test_option_deviations import ALL_KNOWN, CLAIMS
from tests.test_verdicts import counted

MODE = "jax_disable_jit=true"

CLAIM = """
@claim("section/name", guide="Guide", across=("jit",), styles=("function",))
def test_name(case: Case) -> None:
    '''It is kept.'''
    case.holds(lambda layer, x: -layer(x), Layer)
    assert case.key.mode == "default"
"""


def test_mode(suite: Suite) -> None:
    """The mode is in the header, in the case's key and in the line that reruns it."""
    suite.section(CLAIM)

    result = suite.run_apart("--mode", MODE, JAX_DISABLE_JIT="1")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            f"NNX mode: {MODE}; *",
            f"case:  section/name[[]jit,function,-,cpu,{MODE}[]]",
            f"rerun: python -m pytest --mode {MODE} 'test_topic.py::test_name*'",
        ]
    )


def test_known_deviations_are_of_the_default_mode(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known of the default mode explains nothing in another, and is not missed there."""
    monkeypatch.setattr(subject, "_mode", lambda environ: MODE)
    suite.section(CLAIMS, "conformance/test_topic.py")
    suite.ships(ALL_KNOWN + toml(claims=["section/held"]))

    result = suite.run("--mode", MODE, "conformance")

    assert counted(result) == {"held": 1, "broken": 3}
    result.stdout.no_fnmatch_line("*explains no case*")


def test_mode_that_is_not_there(suite: Suite) -> None:
    """A mode that the environment does not make is a usage error."""
    result = suite.run("--mode", MODE)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: * make the NNX mode 'default', not '{MODE}': *"])
