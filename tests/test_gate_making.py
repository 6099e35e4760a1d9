"""making: the environment of a subject, out of the index and of source trees."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.gate import making
from conformance.gate.asked import subject
from conformance.gate.making import python_of
from conformance.matrix.environments import Unbuildable
from conformance.matrix.subjects import MatrixError

FLAX_PROJECT = '[project]\nname = "flax"\ndependencies = ["jax>=0.11.1", "optax"]\n'
Made = list[tuple[str, object]]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """What is asked of the index, and which version of which tree is built, in order."""
    calls: Made = []

    def make(folder: Path, requirements: list[str], *_: object, **__: object) -> None:
        calls.append(("index", sorted(requirements)))

    def install(folder: Path, tree: Path, package: str, *, dependencies: bool) -> None:
        calls.append((package, ((tree / package / "version.py").read_text(), dependencies)))

    monkeypatch.setattr(making, "make", make)
    monkeypatch.setattr(making, "install_source", install)
    return calls


def git(place: Path, *words: str) -> str:
    who = ("-c", "user.name=N", "-c", "user.email=n@example.org")
    done = subprocess.run(
        ["git", "-C", str(place), *who, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a source tree of a package, whose version is `now`."""

    def make(package: str) -> Path:
        place = tmp_path / f"{package} checkout"
        (place / package).mkdir(parents=True)
        (place / "pyproject.toml").write_text(FLAX_PROJECT if package == "flax" else "")
        (place / package / "version.py").write_text("now")
        return place

    return make


def test_installed(tmp_path: Path, made: Made) -> None:
    """What is installed here is tested here, and nothing is made."""
    assert python_of(subject("installed", "newest"), tmp_path) == Path(sys.executable)
    assert made == []


def test_release(tmp_path: Path, made: Made) -> None:
    """A release is had from the index."""
    python_of(subject("0.11.2", "of-its-day"), tmp_path)
    assert made == [("index", ["flax==0.11.2", "jax==0.7.1", "jaxlib==0.7.1"])]


def test_source_trees(tmp_path: Path, made: Made, tree: Callable[[str], Path]) -> None:
    """Trees are built upon what they depend on, Flax first, and JAX brings what it asks for."""
    python_of(subject(str(tree("flax")), str(tree("jax"))), tmp_path)
    assert made == [
        ("index", ["jax", "jax>=0.11.1", "optax"]),
        ("flax", ("now", False)),
        ("jax", ("now", True)),
    ]


@pytest.mark.parametrize(
    ("reference", "version"), [("main", "now"), ("old", "then"), ("", "now"), ("commit", "then")]
)
def test_reference(
    reference: str, version: str, tmp_path: Path, made: Made, tree: Callable[[str], Path]
) -> None:
    """A branch, a tag or a commit is fetched, as it is now."""
    place = tree("flax")
    git(place, "init", "--quiet", "--initial-branch", "main")
    git(place, "config", "uploadpack.allowAnySHA1InWant", "true")
    for content in ("then", "now"):
        (place / "flax" / "version.py").write_text(content)
        git(place, "add", ".")
        git(place, "commit", "--quiet", "--message", content)
    git(place, "tag", "old", "HEAD~")
    name = git(place, "rev-parse", "old") if reference == "commit" else reference
    word = f"git+file://{place}" + (f"@{name}" if name else "")

    for _ in range(2):
        python_of(subject(word, "0.12.0.1"), tmp_path / "folder")

    assert [what for package, what in made if package == "flax"] == [(version, False)] * 2


def test_no_such_reference(tmp_path: Path, tree: Callable[[str], Path]) -> None:
    """A reference that is not there is told with its repository."""
    place = tree("flax")
    git(place, "init", "--quiet")
    with pytest.raises(Unbuildable, match=r"^git fetch file://.* nowhere: .*nowhere"):
        python_of(subject(f"git+file://{place}@nowhere", "newest"), tmp_path / "folder")


def test_another_package(tmp_path: Path, made: Made, tree: Callable[[str], Path]) -> None:
    """A tree of Flax is not taken for one of JAX."""
    place = tree("flax")
    with pytest.raises(MatrixError) as refused:
        python_of(subject("0.12.12", str(place)), tmp_path)
    assert str(refused.value) == f"{place}: no source tree of jax"
    assert made == []
