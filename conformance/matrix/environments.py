"""Environments: made by uv out of its cache, and kept for as long as they are what is asked for."""

import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from conformance.harness.deviations import SHIPPED_FILE
from conformance.matrix.subjects import MatrixError

_PACKAGE = Path(__file__).parent.parent
_NO_PART_OF_A_RUN = {
    *("__pycache__", "baselines", "bisect", "gate", "guide", "matrix", "report", "repro"),
}
_STAMP = "made-of.json"
_COMPLAINT = 300  # characters of what uv says that are passed on
SETTINGS = "pytest.ini"  # of a copy
_SETTINGS = """[pytest]
addopts = -rfE
filterwarnings = ignore::DeprecationWarning
"""


class Unbuildable(MatrixError):
    """An environment cannot be made; the message is what uv says of each Python, in one line."""


def interpreter(folder: Path) -> Path:
    """The Python of the environment in `folder`."""
    windows = folder / "Scripts" / "python.exe"
    return windows if windows.exists() else folder / "bin" / "python"


def make(
    folder: Path,
    requirements: Sequence[str],
    pythons: Sequence[str],
    *,
    prerelease: bool = False,
    anew: bool = False,
) -> None:
    """Makes an environment with the requirements and what the suite needs, unless it is there.

    It has the first of `pythons` that all of them can be had for. What the index chose where it
    had a choice stays chosen until the folder is removed, or it is asked for `anew`. Raises
    Unbuildable.
    """
    asked = {
        "requirements": [*requirements, *_suite_requirements()],
        "prerelease": prerelease,
        "pythons": list(pythons),
    }
    stamp = folder / _STAMP
    if anew or not _says(stamp, asked):
        options = ["--prerelease", "allow"] if prerelease else []
        _make(folder, pythons, [*options, *asked["requirements"]])
        stamp.write_text(json.dumps(asked), encoding="utf-8")


def source_requirements(tree: Path) -> list[str]:
    """What a source tree of Flax depends on; raises MatrixError where it is none."""
    file = tree / "pyproject.toml"
    try:
        project: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))["project"]
    except OSError as error:
        raise MatrixError(f"{file}: {error.strerror}: no source tree of Flax") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError):
        raise MatrixError(f"{file}: not the project file of a source tree") from None
    if project.get("name") != "flax":
        raise MatrixError(f"{file}: a source tree of {project.get('name')}, not of Flax")
    return list(project.get("dependencies", ()))


def install_source(
    folder: Path, tree: Path, package: str = "flax", *, dependencies: bool = False
) -> None:
    """Builds the package in `tree` as it is now into the environment; writes nothing to the tree.

    Its dependencies are left as they are unless they are asked for. Raises Unbuildable.
    """
    copy = folder / ("source" if package == "flax" else f"source-{package}")
    shutil.rmtree(copy, ignore_errors=True)
    left_out = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "docs*", "tests")
    shutil.copytree(tree, copy, ignore=left_out, symlinks=True)
    # Reinstalled by name: uv would take a tree from its cache as it was when it was last built.
    alone = [] if dependencies else ["--no-deps"]
    _pip_install(folder, *alone, "--reinstall-package", package, str(copy))


def copy_suite(folder: Path) -> Path:
    """A copy of the suite below `folder`, to run from: no edit reaches a run.

    Its name is a digest of all that the cases depend on: not of the known deviations, nor of the
    rooms that only read what runs have seen.
    """
    digest = hashlib.sha256()
    for path in (path for path in _suite_files() if path != SHIPPED_FILE):
        digest.update(str(path.relative_to(_PACKAGE)).encode())
        digest.update(path.read_bytes())
    place = folder / "suites" / digest.hexdigest()[:16]
    if not place.exists():
        making = place.with_suffix(".part")
        shutil.rmtree(making, ignore_errors=True)
        for path in _suite_files():
            target = making / _PACKAGE.name / path.relative_to(_PACKAGE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        shutil.copy(_PACKAGE.parent / "nnx_conformance.py", making)
        making.rename(place)
    shutil.copyfile(SHIPPED_FILE, place / SHIPPED_FILE.relative_to(_PACKAGE.parent))
    (place / SETTINGS).write_text(_SETTINGS, encoding="utf-8")
    return place


def _suite_files() -> list[Path]:
    found = (path for path in _PACKAGE.rglob("*") if not _NO_PART_OF_A_RUN & set(path.parts))
    return sorted(path for path in found if path.is_file())


def _suite_requirements() -> list[str]:
    try:
        asked = map(Requirement, metadata.requires("nnx-conformance") or ())
    except metadata.PackageNotFoundError:
        raise MatrixError("the suite is not installed: python -m pip install -e .") from None
    return sorted(str(each) for each in asked if each.marker is None)


def _says(stamp: Path, asked: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(stamp.read_text("utf-8")) == asked)
    except (OSError, ValueError):
        return False


def _make(folder: Path, pythons: Sequence[str], words: Sequence[str]) -> None:
    said = []
    folder.parent.mkdir(parents=True, exist_ok=True)
    for python in pythons:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _uv("venv", "--no-project", "--python", python, str(folder))
            _pip_install(folder, *words)
        except Unbuildable as error:
            said.append(f"Python {python}: {error}")
        else:
            return
    raise Unbuildable("; ".join(said))


def _pip_install(folder: Path, *arguments: str) -> None:
    _uv("pip", "install", "--python", str(interpreter(folder)), *arguments)


def uv() -> str:
    """The program; raises Unbuildable where it is not installed."""
    program = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if program is None:
        raise Unbuildable(
            "uv is not installed: python -m pip install uv, or the suite with its extra [matrix]"
        )
    return program


def _uv(*arguments: str) -> None:
    ended = subprocess.run(
        [uv(), "--quiet", *arguments], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        said = " ".join(ended.stderr.split()).removeprefix("error: ")
        raise Unbuildable(said[:_COMPLAINT] or f"uv ended with {ended.returncode}")
