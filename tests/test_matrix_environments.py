"""environments: made once, by uv, and never in the user's own."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.harness.deviations import SHIPPED_FILE
from conformance.matrix import environments
from conformance.matrix.environments import (
    Unbuildable,
    copy_suite,
    install_source,
    make,
    source_requirements,
)
from conformance.matrix.subjects import PYTHONS, MatrixError

FLAX_TREE = '[project]\nname = "flax"\ndependencies = ["jax>=0.11.1", "optax"]\n'


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What uv was asked for; a `venv` makes its folder, and Python 3.11 has no `late`."""
    calls: list[tuple[str, ...]] = []

    def uv(*arguments: str) -> None:
        calls.append(arguments)
        if arguments[0] == "venv":
            Path(arguments[-1]).mkdir(parents=True)
            (Path(arguments[-1]) / "python").write_text(arguments[-2])
        elif "late" in arguments and "3.11" in (calls[-2]):
            raise Unbuildable("late has no wheel for 3.11")
        elif "never" in arguments:
            raise Unbuildable(f"never, says {calls[-2][-2]}")

    monkeypatch.setattr(environments, "_uv", uv)
    return calls


def pythons(calls: Sequence[tuple[str, ...]]) -> list[str]:
    return [call[-2] for call in calls if call[0] == "venv"]


def test_made_once(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    """What is there as it is asked for is not made again; anything else is."""
    folder = tmp_path / "environment"
    make(folder, ["flax==0.10.0"], PYTHONS)
    make(folder, ["flax==0.10.0"], PYTHONS)
    assert pythons(asked) == ["3.11"]

    make(folder, ["flax==0.10.1"], PYTHONS)
    make(folder, ["flax==0.10.1"], PYTHONS, prerelease=True)
    assert pythons(asked) == ["3.11", "3.11", "3.11"]


def test_made_anew(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    """Where the index is to choose as it would today, the environment is made whenever asked."""
    folder = tmp_path / "environment"
    make(folder, ["flax"], PYTHONS)
    make(folder, ["flax"], PYTHONS, anew=True)
    assert pythons(asked) == ["3.11", "3.11"]


def test_half_made(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    """An environment whose making was cut short is made anew."""
    folder = tmp_path / "environment"
    folder.mkdir()
    (folder / "made-of.json").write_text('{"requirements"')
    make(folder, ["flax"], PYTHONS)

    assert pythons(asked) == ["3.11"]


def test_the_suites_requirements_come_along(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    """Beside the subject an environment has what the suite needs, without its extras."""
    make(tmp_path / "environment", ["flax"], PYTHONS)
    packages = [word.partition(">")[0].partition("<")[0] for word in asked[-1]]

    assert {"flax", "pytest", "pytest-xdist", "syrupy", "chex"} <= set(packages)
    assert "ruff" not in packages


def test_the_first_python_that_can(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    """Where a Python has no wheels for what is asked, the next one is tried."""
    make(tmp_path / "environment", ["late"], PYTHONS)
    assert pythons(asked) == ["3.11", "3.12"]


def test_unbuildable(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    """Where none can, the complaint of each is told in a line, and the next run tries again."""
    for _ in range(2):
        with pytest.raises(
            Unbuildable, match=r"^Python 3\.11: never, says 3\.11; Python 3\.12: never"
        ):
            make(tmp_path / "environment", ["never"], PYTHONS)
    assert len(pythons(asked)) == 2 * len(PYTHONS)


def test_uv_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uv it is said how to get it."""
    monkeypatch.setattr(environments.shutil, "which", lambda *_, **__: None)
    with pytest.raises(Unbuildable, match="uv is not installed: python -m pip install uv"):
        make(tmp_path / "environment", ["flax"], PYTHONS)


def test_copy_of_the_suite(tmp_path: Path) -> None:
    """A copy holds what the suite reads and runs; it is made once, but for known deviations."""
    copy = copy_suite(tmp_path)

    assert (copy / "nnx_conformance.py").is_file()
    assert (copy / "conformance" / "deviations.toml").is_file()
    assert not list(copy.rglob("__pycache__"))
    assert (copy / "pytest.ini").is_file()  # so that pytest looks for settings no further up
    (copy / "mark").touch()
    (copy / "conformance" / "deviations.toml").write_text("of yesterday")
    assert copy_suite(tmp_path) == copy
    assert (copy / "mark").exists()
    assert (copy / "conformance" / "deviations.toml").read_bytes() == SHIPPED_FILE.read_bytes()


def test_source_tree(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    """A tree's Flax is built from a copy, whatever uv has in its cache; the tree stays as it is."""
    tree, folder = tmp_path / "flax", tmp_path / "environment"
    (tree / "flax").mkdir(parents=True)
    (tree / ".git").mkdir()
    (tree / "pyproject.toml").write_text(FLAX_TREE)
    before = sorted(tree.rglob("*"))
    install_source(folder, tree)
    install_source(folder, tree)

    assert source_requirements(tree) == ["jax>=0.11.1", "optax"]
    assert asked[-1][-3:] == ("--reinstall-package", "flax", str(folder / "source"))
    assert (folder / "source" / "flax").is_dir()
    assert not (folder / "source" / ".git").exists()
    assert sorted(tree.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory: no source tree of Flax"),
        ("[project", "not the project file of a source tree"),
        ("[tool]\n", "not the project file of a source tree"),
        ('[project]\nname = "optax"\n', "a source tree of optax, not of Flax"),
    ],
)
def test_no_source_tree(tmp_path: Path, content: str | None, message: str) -> None:
    """What is no tree of Flax is refused in one line that names the file."""
    file = tmp_path / "pyproject.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(MatrixError) as refused:
        source_requirements(tmp_path)
    assert str(refused.value) == f"{file}: {message}"
