"""The environment of a subject: made by uv, out of the index and of source trees."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conformance.gate.asked import Asked, Subject
from conformance.matrix.environments import (
    Unbuildable,
    install_source,
    interpreter,
    make,
    source_requirements,
)
from conformance.matrix.subjects import MatrixError


def python_of(subject: Subject, folder: Path) -> Path:
    """The Python of an environment below `folder` that has the subject.

    Where the index has a choice it chooses anew, and a source tree is built as it is now.

    Raises:
      MatrixError: what is called a source tree is none.
      Unbuildable: the environment cannot be made.
    """
    if subject.is_installed:
        return Path(sys.executable)
    place = folder / "environments" / subject.name
    trees = {
        asked: _tree(asked, folder) for asked in (subject.flax, subject.jax) if asked.is_source
    }
    requirements = [*subject.jax.requirements]
    if subject.flax in trees:
        requirements += source_requirements(trees[subject.flax])
    else:
        requirements += subject.flax.requirements
    make(
        place,
        requirements,
        subject.pythons,
        prerelease=subject.prerelease,
        anew=subject.is_open,
    )
    for asked, tree in trees.items():
        # JAX says what it depends on, a certain jaxlib too, in nothing but its setup.py.
        install_source(place, tree, asked.package, dependencies=asked.package == "jax")
    return interpreter(place)


def _tree(asked: Asked, folder: Path) -> Path:
    """The source tree, fetched where it is a reference of git."""
    tree = asked.tree or _fetched(asked, folder)
    if not (tree / asked.package / "version.py").is_file():
        raise MatrixError(f"{asked.word}: no source tree of {asked.package}")
    return tree


def _fetched(asked: Asked, folder: Path) -> Path:
    place = folder / "sources" / asked.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    _git(place, "init", "--quiet")
    _git(place, "fetch", "--quiet", "--depth", "1", "--", asked.repository, asked.reference)
    _git(place, "checkout", "--quiet", "--force", "FETCH_HEAD")
    return place


def _git(place: Path, *arguments: str) -> None:
    environ = os.environ | {"GIT_TERMINAL_PROMPT": "0"}
    try:
        ended = subprocess.run(
            ["git", "-C", str(place), *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise Unbuildable(f"git: {error.strerror}") from None
    if ended.returncode:
        said = " ".join(ended.stderr.split()).removeprefix("fatal: ")
        raise Unbuildable(f"git {arguments[0]} {' '.join(arguments[-2:])}: {said}")
