"""asked: which Flax and which JAX some words name."""

from pathlib import Path

import pytest

from conformance.gate.asked import subject
from conformance.matrix.subjects import PYTHONS, MatrixError

GIT = "git+https://github.com/google/flax"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree, below the folder that the words are said in."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "checkouts" / "flax"
    made.mkdir(parents=True)
    (made / "pyproject.toml").touch()
    return made


@pytest.mark.parametrize(
    ("flax", "jax", "flax_wants", "jax_wants"),
    [
        ("0.11.2", "newest", ["flax==0.11.2"], ["jax==0.8.1", "jaxlib==0.8.1"]),
        ("0.11.2", "of-its-day", ["flax==0.11.2"], ["jax==0.7.1", "jaxlib==0.7.1"]),
        ("0.11.2", "0.8.0", ["flax==0.11.2"], ["jax==0.8.0", "jaxlib==0.8.0"]),
        ("0.11.2", "plain", ["flax==0.11.2"], ["jax"]),
        (
            *("0.11.2", "newest[cuda12]", ["flax==0.11.2"]),
            ["jax[cuda12]==0.8.1", "jaxlib==0.8.1"],
        ),
        ("0.11.2", "plain[cuda12]", ["flax==0.11.2"], ["jax[cuda12]"]),
        ("0.99.0", "newest", ["flax==0.99.0"], ["jax"]),
        ("newest", "newest", ["flax"], ["jax"]),
        ("prerelease", "prerelease", ["flax"], ["jax"]),
        ("checkouts/flax", "newest", ["flax"], ["jax"]),
        (f"{GIT}@main", "0.11.0", ["flax"], ["jax==0.11.0", "jaxlib==0.11.0"]),
    ],
)
@pytest.mark.usefixtures("tree")
def test_requirements(flax: str, jax: str, flax_wants: list[str], jax_wants: list[str]) -> None:
    """A version is asked for exactly; where the word leaves a choice the index has it."""
    found = subject(flax, jax)

    assert list(found.flax.requirements) == flax_wants
    assert list(found.jax.requirements) == jax_wants
    assert found.is_open == (not all("==" in each for each in (*flax_wants, *jax_wants)))
    assert found.prerelease == (flax == "prerelease")


def test_source_tree(tree: Path) -> None:
    """A folder with a project file is a source tree, wherever it is named from."""
    assert subject("checkouts/flax", "newest").flax.tree == tree
    assert subject(str(tree), "newest").flax.tree == tree


@pytest.mark.parametrize(
    ("word", "repository", "reference"),
    [
        (f"{GIT}@main", "https://github.com/google/flax", "main"),
        (f"{GIT}@refs/pull/1/head", "https://github.com/google/flax", "refs/pull/1/head"),
        (GIT, "https://github.com/google/flax", "HEAD"),
        ("git+ssh://git@github.com/google/flax@v1", "ssh://git@github.com/google/flax", "v1"),
        ("git+file:///srv/flax@0123abc", "file:///srv/flax", "0123abc"),
    ],
)
def test_reference(word: str, repository: str, reference: str) -> None:
    """What stands after the @ of a path is the reference; without one it is HEAD."""
    asked = subject(word, "newest").flax
    assert (asked.repository, asked.reference) == (repository, reference)


def test_python() -> None:
    """The oldest Python that fits is for a JAX that is given, the newest for one that is open."""
    assert subject("0.12.12", "newest").pythons == PYTHONS
    assert subject("newest", "newest").pythons == PYTHONS[::-1]
    assert subject("newest", "newest", "3.12").pythons == ("3.12",)


JAXES = ("newest", "plain", "0.11.0", "newest[cuda12]", "0.11.0[cuda12]")


def test_names(tree: Path, tmp_path: Path) -> None:
    """No two subjects share a folder, and a name is fit for one."""
    other = tmp_path / "other" / "flax"
    other.mkdir(parents=True)
    (other / "pyproject.toml").touch()
    words = ("0.12.12", "newest", "prerelease", str(tree), str(other), f"{GIT}@a/b", f"{GIT}@a-b")
    names = [subject(flax, jax).name for flax in words for jax in JAXES]

    assert len(set(names)) == len(names)
    assert not [name for name in names if set(name) & set("/\\: @")]


def test_installed() -> None:
    """What is installed here is Flax and JAX together."""
    found = subject("installed", "newest")
    assert found.is_installed
    assert found.jax.word == "installed"


@pytest.mark.parametrize(
    ("flax", "jax", "python", "complaint"),
    [
        ("nothing", "newest", "", "--flax 'nothing': neither a version, git+URL@REFERENCE, a"),
        ("0.12.12", "nothing", "", "--jax 'nothing': neither a version, git+URL@REFERENCE, a"),
        ("plain", "newest", "", "--flax 'plain': neither"),
        ("newest", "of-its-day", "", "--jax of-its-day: conformance/releases.toml knows no day"),
        ("installed", "0.11.0", "", "--flax installed --jax 0.11.0: installed is said of both"),
        ("newest", "installed", "", "--flax newest --jax installed: installed is said of both"),
        ("installed", "newest", "3.12", "--python 3.12: what is installed has its own Python"),
        ("git+https://host@ref", "newest", "", "--flax 'git+https://host@ref': not git+URL@REF"),
        ("git+ext::sh -c x", "newest", "", "--flax 'git+ext::sh -c x': not git+URL@REFERENCE, of"),
        (f"{GIT}@--upload-pack=x", "newest", "", f"--flax '{GIT}@--upload-pack=x': not git+URL@"),
        ("/nowhere", "newest", "", "--flax '/nowhere': neither"),
    ],
)
def test_means_nothing(flax: str, jax: str, python: str, complaint: str) -> None:
    """A word that means nothing, or not beside the other, is refused in a line that names it."""
    with pytest.raises(MatrixError) as refused:
        subject(flax, jax, python)
    assert str(refused.value).startswith(complaint)
