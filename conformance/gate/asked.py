"""Which Flax and which JAX are to be tested, in the words of their user."""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.guide.releases import version_named
from conformance.harness.subject import releases
from conformance.matrix.subjects import NEWEST, OF_ITS_DAY, PLAIN, PRERELEASE, PYTHONS, MatrixError

INSTALLED = "installed"
_GIT = "git+"
_SCHEMES = ("https", "http", "ssh", "file")
_EXTRAS = re.compile(r"\[[A-Za-z0-9_.,-]+\]$")
_WORDS = {
    "flax": (INSTALLED, NEWEST, PRERELEASE),
    "jax": (INSTALLED, NEWEST, OF_ITS_DAY, PLAIN, PRERELEASE),
}


@dataclass(frozen=True)
class Asked:
    """A package as it is asked for: a word, a version, a source tree, or a reference of git.

    Of `version`, `tree` and `repository` one says something at most; where none does, the index
    chooses. `extras` are those of a requirement: `[cuda12]`.
    """

    package: str
    word: str
    version: str = ""
    tree: Path | None = None
    repository: str = ""
    reference: str = ""
    extras: str = ""

    @property
    def is_source(self) -> bool:
        """Whether it is built here."""
        return bool(self.tree or self.repository)

    @property
    def requirements(self) -> tuple[str, ...]:
        """What is asked of the package index; of a source tree that is what it is built upon."""
        asked = f"{self.package}{self.extras}"
        if not self.version:
            return (asked,)
        packages = (asked, "jaxlib") if self.package == "jax" else (asked,)
        return tuple(f"{package}=={self.version}" for package in packages)

    @property
    def name(self) -> str:
        """A name for folders: no two that are asked for otherwise have the same."""
        said = re.sub(r"[^A-Za-z0-9._-]+", "-", self.word + self.extras).strip("-.")[-40:]
        words = [self.package, self.version, said]
        if self.is_source:
            whole = str(self.tree or f"{self.repository}@{self.reference}")
            words.append(hashlib.sha256(whole.encode()).hexdigest()[:8])
        return "-".join(dict.fromkeys(filter(None, words)))


@dataclass(frozen=True)
class Subject:
    """A Flax and a JAX to be tested together, and the Python to do it with, if that matters."""

    flax: Asked
    jax: Asked
    python: str = ""

    @property
    def is_installed(self) -> bool:
        """Whether they are those of this very environment."""
        return self.flax.word == INSTALLED

    @property
    def is_open(self) -> bool:
        """Whether the index has a choice, which may be another one tomorrow."""
        return not (self.flax.version and self.jax.version)

    @property
    def prerelease(self) -> bool:
        """Whether the index may choose what is not released yet."""
        return PRERELEASE in (self.flax.word, self.jax.word)

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Pythons to try in turn."""
        if self.python:
            return (self.python,)
        return PYTHONS if self.jax.version else PYTHONS[::-1]

    @property
    def name(self) -> str:
        """A name for folders."""
        python = f"-python-{self.python}" if self.python else ""
        return f"gate-{self.flax.name}-{self.jax.name}{python}"


def subject(flax: str, jax: str, python: str = "") -> Subject:
    """The subject that these words name.

    A word is a version, `newest`, `prerelease`, a source tree's folder, or `git+URL@REFERENCE`;
    `installed` for Flax means that of this environment, with its JAX. A JAX may be `of-its-day`
    or `plain` too, and `newest` is the newest that a release of Flax is known to run with; it may
    have extras, such as `newest[cuda12]`.

    Raises:
      MatrixError: a word means nothing, or not beside the other.
    """
    asked = _asked("flax", flax)
    if INSTALLED in (flax, jax):
        if jax not in (INSTALLED, NEWEST) or flax != INSTALLED:
            raise MatrixError(f"--flax {flax} --jax {jax}: {INSTALLED} is said of both, or of Flax")
        if python:
            raise MatrixError(f"--python {python}: what is {INSTALLED} has its own Python")
        return Subject(asked, _asked("jax", INSTALLED))
    extras = "".join(_EXTRAS.findall(jax))
    word = jax.removesuffix(extras)
    if word in (NEWEST, OF_ITS_DAY):
        chosen = Asked("jax", word, _of_table(asked, word))
    else:
        chosen = _asked("jax", word)
    return Subject(asked, replace(chosen, extras=extras), python)


def _of_table(flax: Asked, word: str) -> str:
    """The JAX that the table of releases has for a Flax; empty where the index is to choose."""
    for row in releases():
        if flax.version and row.version == version_named(flax.version) and row.jax_of_its_day:
            return str(row.jax_of_its_day if word == OF_ITS_DAY else row.newest_jax)
    if word == OF_ITS_DAY:
        raise MatrixError(
            f"--jax {word}: conformance/releases.toml knows no day of flax {flax.word!r}"
        )
    return ""


def _asked(package: str, word: str) -> Asked:
    if word in _WORDS[package]:
        return Asked(package, word)
    if word.startswith(_GIT):
        return Asked(package, word, **_repository(package, word))
    version = version_named(word)
    if version is not None:
        return Asked(package, word, str(version))
    tree = Path(word)
    if not (tree / "pyproject.toml").is_file():
        words = ", ".join(_WORDS[package])
        raise MatrixError(
            f"--{package} {word!r}: neither a version, {_GIT}URL@REFERENCE, a source tree's folder "
            f"nor one of {words}"
        )
    return Asked(package, word, tree=tree.resolve())


def _repository(package: str, word: str) -> dict[str, str]:
    scheme, _, rest = word.removeprefix(_GIT).partition("://")
    host, _, path = rest.partition("/")
    path, _, reference = path.partition("@")
    sane = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./+-]*", reference or "HEAD")
    if scheme not in _SCHEMES or not path or not sane:
        raise MatrixError(
            f"--{package} {word!r}: not {_GIT}URL@REFERENCE, of {', '.join(_SCHEMES)}"
        )
    return {"repository": f"{scheme}://{host}/{path}", "reference": reference or "HEAD"}
