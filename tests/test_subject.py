"""subject: who is tested, and the one line for who cannot be."""

import sys
from collections.abc import Callable
from typing import Any

import flax
import jax
import pytest

from conformance.harness import subject
from conformance.harness.subject import SubjectError
from tests.conftest import Suite

MINE = {name: subject.version_of(name) for name in ("flax", "jax", "jaxlib")}


def installs(monkeypatch: pytest.MonkeyPatch, **versions: str | None) -> None:
    """Makes these the installed versions; None is what is not installed."""

    def version(package: str) -> str:
        if package not in versions:
            return str(MINE[package])
        found = versions[package]
        if found is None:
            raise subject.metadata.PackageNotFoundError(package)
        return found

    monkeypatch.setattr(subject.metadata, "version", version)
    monkeypatch.setattr(subject, "version_of", subject.version_of.__wrapped__)


# A subject that can be tested


def test_load() -> None:
    """The subject is what is installed, in the default mode."""
    found = subject.load()

    assert {name: getattr(found, name) for name in MINE} == MINE
    assert found.mode == "default"
    assert found.lines() == [
        f"flax {flax.__version__}, jax {jax.__version__}, jaxlib {MINE['jaxlib']}, "
        f"Python {found.python}",
        f"NNX mode: default; PRNG: {found.prng}",
    ]


@pytest.mark.parametrize(
    ("version", "release", "expected"),
    [
        ("0.12.1", "0.12.1", True),
        ("0.12.1", "0.12.2", False),
        ("0.12.10", "0.12.9", True),
        ("0.13.0.dev0", "0.13.0", True),
        ("0.12.1+local", "0.12.1", True),
        ("0.12.1rc1", "0.12.1", True),
    ],
)
def test_at_least(
    version: str, release: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Releases are compared as numbers; a development version counts as its release."""
    installs(monkeypatch, flax=version)

    assert subject.at_least(release) == expected


# One that cannot


def old(patch: pytest.MonkeyPatch) -> None:
    installs(patch, flax="0.9.0")


def no_flax(patch: pytest.MonkeyPatch) -> None:
    installs(patch, flax=None)
    patch.setattr(subject.importlib.util, "find_spec", lambda name: None)


def no_jax(patch: pytest.MonkeyPatch) -> None:
    installs(patch, jax=None)
    patch.setattr(subject.importlib.util, "find_spec", lambda name: None)


def no_jaxlib(patch: pytest.MonkeyPatch) -> None:
    installs(patch, jaxlib=None)
    patch.setattr(subject.importlib.util, "find_spec", lambda name: None)


def source_only(patch: pytest.MonkeyPatch) -> None:
    installs(patch, flax=None)


def pair(patch: pytest.MonkeyPatch) -> None:
    installs(patch, flax="0.10.0", jax="0.99.0")
    patch.setitem(sys.modules, "flax.nnx", None)


def pair_unknown(patch: pytest.MonkeyPatch) -> None:
    installs(patch, flax="0.99.0")
    patch.setitem(sys.modules, "flax.nnx", None)


def another(patch: pytest.MonkeyPatch) -> None:
    installs(patch, flax="0.99.0")


REFUSED: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    old: "flax 0.9.0 is older than 0.10.0, the first release with the transforms guide: "
    "install flax>=0.10.0",
    no_flax: "flax is not installed: install the flax to be tested, for example with "
    "`python -m pip install flax`",
    no_jax: "jax is not installed: install the jax to be tested, for example with "
    "`python -m pip install jax`",
    no_jaxlib: "jaxlib is not installed: install the jaxlib to be tested, for example with "
    "`python -m pip install jaxlib`",
    source_only: f"flax is found at {flax.__file__} but not installed, so its version is unknown: "
    "install that source tree with `python -m pip install --no-deps -e`",
    pair: "flax 0.10.0 cannot be imported with jax 0.99.0 (ModuleNotFoundError: import of "
    "flax.nnx halted; None in sys.modules); it runs with jax 0.4.34 up to 0.8.1",
    pair_unknown: f"flax 0.99.0 cannot be imported with jax {MINE['jax']} (ModuleNotFoundError: "
    "import of flax.nnx halted; None in sys.modules); no pair of this Flax and a JAX is known: "
    "see conformance/releases.toml",
    another: f"flax 0.99.0 is installed, but flax {flax.__version__} is what Python imports, "
    f"from {flax.__file__}: remove the one that is not to be tested",
}


@pytest.mark.parametrize("subject_is", REFUSED, ids=lambda subject_is: subject_is.__name__)
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["n0", "n2"])
def test_refused(
    subject_is: Any, workers: tuple[str, ...], suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who cannot be tested is told so in one line; nothing is collected, and it is usage error."""
    suite.section("raise SystemExit('collected')")
    subject_is(monkeypatch)

    result = suite.run(*workers)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [f"ERROR: {REFUSED[subject_is]}"]
    assert result.outlines == []


@pytest.mark.parametrize("option", ["--help", "--version", "--markers"])
def test_help_needs_no_subject(option: str, suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks how to use the suite gets an answer without a Flax."""
    no_flax(monkeypatch)

    assert suite.run(option).ret == pytest.ExitCode.OK


def test_a_real_old_flax(suite: Suite) -> None:
    """In a process of its own, the metadata that Python finds first is what counts."""
    metadata = "Metadata-Version: 2.1\nName: flax\nVersion: 0.8.5\n"
    suite.file("old/flax-0.8.5.dist-info/METADATA", metadata)

    result = suite.run_apart(PYTHONPATH=str(suite.path / "old"))

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: flax 0.8.5 is older than 0.10.0, *"])


def test_a_real_flax_that_cannot_be_imported(suite: Suite) -> None:
    """A Flax that raises when it is imported is one line, with the last of what it said."""
    suite.file("broken/flax/__init__.py", "raise ImportError('cannot import\\nname from jax')")

    result = suite.run_apart(PYTHONPATH=str(suite.path / "broken"))

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"ERROR: flax {MINE['flax']} cannot be imported with jax {MINE['jax']} "
            "(ImportError: cannot import name from jax); it runs with jax *"
        ]
    )
    assert "Traceback" not in result.stderr.str()


# Modes

# What the environment may hold; the first release whose Flax reads it, if it is Flax that does.
SETTINGS = {
    "JAX_DISABLE_JIT": ("1", "jax_disable_jit=true", "0.10.0"),
    "JAX_NUMPY_RANK_PROMOTION": ("raise", "jax_numpy_rank_promotion=raise", "0.10.0"),
    "FLAX_PYTREE_MODULE": ("0", "flax_pytree_module=false", "0.11.0"),
    "FLAX_ALWAYS_SHARD_VARIABLE": ("0", "flax_always_shard_variable=false", "0.12.0"),
    "FLAX_HIJAX_VARIABLE": ("1", "flax_hijax_variable=true", "0.12.0"),
    "NNX_GRAPH_MODE": ("0", "nnx_graph_mode=false", "0.12.5"),
    "NNX_GRAPH_UPDATES": ("0", "nnx_graph_updates=false", "0.12.6"),
}


@pytest.mark.parametrize(("environ", "expected"), [({}, "default"), ({"HOME": "/"}, "default")])
def test_mode_of_no_setting(environ: dict[str, str], expected: str) -> None:
    """What has nothing to do with NNX makes no mode."""
    assert subject._mode(environ) == expected


def test_a_setting_at_its_default_is_no_mode() -> None:
    """Only what differs from the default makes a mode."""
    assert subject._mode(dict.fromkeys(SETTINGS, "as in this process")) == "default"


@pytest.fixture(scope="module")
def in_another_mode(request: pytest.FixtureRequest) -> str:
    """The mode that all settings make, so far as the running Flax knows them."""
    return "+".join(
        sorted(words for _, words, since in SETTINGS.values() if subject.at_least(since))
    )


def test_settings_are_refused(suite: Suite, in_another_mode: str) -> None:
    """Settings that change what NNX means are named, in one line, and nothing runs."""
    result = suite.run_apart(**{name: value for name, (value, *_) in SETTINGS.items()})

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line.startswith("ERROR")] == [
        f"ERROR: the settings in the environment make the NNX mode {in_another_mode!r}, not "
        f"'default': unset them, or ask for that mode with --mode '{in_another_mode}'"
    ]


def test_another_mode_than_the_one_asked_for() -> None:
    """Asking for a mode does not make it."""
    with pytest.raises(SubjectError, match=r"make the NNX mode 'default', not 'x=1'"):
        subject.load("x=1")
