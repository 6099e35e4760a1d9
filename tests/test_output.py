"""What a run says: the header, a case that fails, the table, and the line that reruns a case."""

import os
import re
import shlex

import pytest

import conformance
from conformance.harness import subject
from tests.conftest import Suite

CLAIMS = """
def swap(layer, x):
    layer.kernel, layer.count = layer.count, layer.kernel
    return layer(x)

@claim("section/kept", guide="Guide", across=("jit", "vmap"), styles=STYLES)
def test_kept(case: Case) -> None:
    '''It is kept.'''
    case.holds(swap, Layer, edit=Edit.REWIRE)

@claim("section/not-kept", guide="Graph updates", across=("jit", "vmap"), styles=STYLES)
def test_not_kept(case: Case) -> None:
    '''What is promised here
    is not kept.

    This is for readers of the source.
    '''
    case.holds(swap, Layer, edit=Edit.REWIRE, twin=lambda layer, x: layer(x))

@claim("other/crash", guide="Other section", variants=("a", "b"))
def test_crash(case: Case) -> None:
    '''It does not crash.'''
    if case.variant == "b":
        {}["layer"]
"""


@pytest.fixture
def run(suite: Suite) -> pytest.RunResult:
    suite.section(CLAIMS)
    return suite.run()


def test_header(run: pytest.RunResult) -> None:
    """The head of the run says what is tested, on what."""
    versions = ", ".join(f"{name} {subject.version_of(name)}" for name in ("flax", "jax", "jaxlib"))

    run.stdout.fnmatch_lines(
        [
            f"conformance {conformance.__version__}",
            f"{versions}, Python *",
            "NNX mode: default; PRNG: *, *partitionable",
            "backends: *cpu (8 x *)*",
        ]
    )


def test_table(run: pytest.RunResult) -> None:
    """The end of the run is a table of sections."""
    run.stdout.fnmatch_lines(
        [
            "section  backend  claims  held  broken  known deviations  not applicable",
            "other    cpu      1       1     1       0                 0",
            "section  cpu      2       4     4       0                 0",
            "all               3       5     5       0                 0",
        ],
        consecutive=True,
    )
    assert run.ret == pytest.ExitCode.TESTS_FAILED
    run.assert_outcomes(passed=5, failed=5)


def test_broken_case(run: pytest.RunResult) -> None:
    """A broken claim shows the differences, its sentence, where the guide makes it, and no more."""
    title = next(line for line in run.outlines if "_ test_not_kept[jit-function-cpu] _" in line)
    report = run.outlines[run.outlines.index(title) :]
    end = next(i for i, line in enumerate(report) if line.startswith("rerun: "))

    assert report[1 : end + 1] == [
        "object0.count: expected Count int32[] 1, found Param float32[3] [2.,3.,4.]",
        "object0.kernel: expected Param float32[3] [1.,2.,3.], found Count int32[] 0",
        "held object0.count: expected same object as object0.count, "
        "found same object as object0.kernel",
        "held object0.kernel: expected same object as object0.kernel, "
        "found same object as object0.count",
        report[5],
        "claim: What is promised here is not kept.",
        "guide: Graph updates",
        "case:  section/not-kept[jit,function,-,cpu,default]",
        "rerun: python -m pytest 'test_topic.py::test_not_kept[jit-function-cpu]'",
    ]
    assert re.fullmatch(r"-+ section/not-kept -+", report[5])


def test_crashed_case(run: pytest.RunResult) -> None:
    """A crash shows where it happened, and the same words below."""
    run.stdout.fnmatch_lines(
        [
            "*_ test_crash[[]b-cpu[]] _*",
            "test_topic.py:*: in test_crash",
            "E   KeyError: 'layer'",
            "*- other/crash -*",
            "claim: It does not crash.",
            "guide: Other section",
            "case:  other/crash[[]-,-,b,cpu,default[]]",
            "rerun: python -m pytest 'test_topic.py::test_crash[[]b-cpu[]]'",
        ]
    )
    run.stdout.no_fnmatch_line("*_pytest/*")


def reruns(result: pytest.RunResult) -> list[list[str]]:
    """The arguments of every line that reruns a case."""
    lines = [line for line in result.outlines if line.startswith("rerun: python -m pytest ")]
    return [shlex.split(line)[4:] for line in lines]


@pytest.mark.parametrize("place", [".", "deep/er/still"])
def test_rerun(place: str, suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line reruns just that case, from where the run was started."""
    suite.file("pytest.ini", "[pytest]\n")
    suite.section(CLAIMS, "deep/er/test_topic.py")
    (suite.path / "deep/er/still").mkdir()
    monkeypatch.chdir(suite.path / place)
    first = suite.run(os.path.relpath(suite.path))

    lines = reruns(first)
    again = [suite.run(*line) for line in (lines[0], lines[-1])]

    assert len(lines) == 5
    for line, result in zip((lines[0], lines[-1]), again, strict=True):
        result.assert_outcomes(failed=1)
        assert reruns(result) == [line]


def test_rerun_of_an_installed_suite(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the suite is not under the directory of the run, the line goes by module."""
    suite.section(CLAIMS, "elsewhere/package/test_topic.py")
    suite.file("elsewhere/package/__init__.py", "")
    suite.file("here/pytest.ini", "[pytest]\n")
    monkeypatch.syspath_prepend(suite.path / "elsewhere")
    monkeypatch.chdir(suite.path / "here")
    first = suite.run("--pyargs", "package", "-k", "crash")

    (line,) = reruns(first)
    again = suite.run(*line)

    assert line == ["--pyargs", "package.test_topic::test_crash[b-cpu]"]
    again.assert_outcomes(failed=1)


def test_rerun_keeps_deviations(suite: Suite) -> None:
    """A case that fails by the user's own file fails by it again."""
    suite.section(CLAIMS)
    suite.file(
        "my own.toml",
        "[[deviation]]\nclaims = ['section/kept']\ntransforms = ['jit']\nstyles = ['method']\n"
        "flax = ''\nobserved = 'no error'\nmessage = 'x'\ncause = 'x'\nevidence = 'x'\n".replace(
            "flax = ''", "flax = '<99'"
        ),
    )
    first = suite.run("--deviations", "my own.toml", "-k", "test_kept")

    (line,) = reruns(first)

    assert line == ["--deviations", "my own.toml", "test_topic.py::test_kept[jit-method-cpu]"]
    suite.run(*line).assert_outcomes(failed=1)


def test_quiet_without_claims(suite: Suite) -> None:
    """A run that meets no claim has no table."""
    suite.file("test_other.py", "def test_other(): pass")

    suite.run().stdout.no_fnmatch_line("*conformance =*")
