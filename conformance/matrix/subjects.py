"""Which subjects a matrix is made of: pairs of a Flax and a JAX, in the words of their user."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from conformance.harness.subject import Release
from conformance.harness.subject import releases as known_releases

PYTHONS = ("3.11", "3.12", "3.13", "3.14")  # that the suite runs on, oldest first
OF_ITS_DAY, NEWEST, PLAIN = "of-its-day", "newest", "plain"
PRERELEASE = "prerelease"


class MatrixError(Exception):
    """What was asked for cannot be run; the message is one line that says what and why."""


@dataclass(frozen=True)
class Wanted:
    """A subject to be: what is asked of the package index, and what it is called.

    What is empty is open: the index chooses `flax` and `jax`. `prerelease` admits versions that are
    not released yet.
    """

    flax: str
    jax: str = ""
    prerelease: bool = False
    python: str = ""

    @property
    def name(self) -> str:
        """A name for files and for people."""
        chosen = self.jax or ("prerelease" if self.prerelease else "plain")
        python = ["python", self.python] if self.python else []
        return "-".join(("flax", self.flax or "newest", "jax", chosen, *python))

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Pythons to try in turn: without a version of JAX the newest gets the newest one."""
        if self.python:
            return (self.python,)
        return PYTHONS if self.jax else PYTHONS[::-1]

    @property
    def requirements(self) -> tuple[str, ...]:
        """What is asked of the package index."""
        flax = f"flax=={self.flax}" if self.flax else "flax"
        return (flax, *([f"jax=={self.jax}", f"jaxlib=={self.jax}"] if self.jax else ["jax"]))


def wanted(releases: Sequence[str], jax: Sequence[str], python: str = "") -> list[Wanted]:
    """The subjects that these words make, oldest Flax first, none of them twice.

    `releases` are versions of the table, specifiers over it (`>=0.12`), or `prerelease`; none
    means all of the table. `jax` are versions, or words: `of-its-day`, `newest` (that the release
    is known to run with), `plain` (what the index gives who asks for Flax alone). Raises
    MatrixError where a word means nothing.
    """
    table = [row for row in known_releases() if row.jax_of_its_day]
    rows = [row for word in releases for row in _rows(word, table)] if releases else table
    found = [
        Wanted(str(row.version), version, python=python)
        for row in sorted(rows, key=lambda row: row.version)
        for version in (_jax(word, row) for word in jax or (OF_ITS_DAY,))
    ]
    if PRERELEASE in releases:
        found.append(Wanted("", prerelease=True, python=python))
    return list(dict.fromkeys(found))


def _rows(word: str, table: Sequence[Release]) -> Iterator[Release]:
    if word == PRERELEASE:
        return
    exact = word[:1].isdigit()
    try:
        asked = SpecifierSet(f"=={word}" if exact else word)
    except InvalidSpecifier:
        raise MatrixError(
            f"{word!r} is neither a Flax release, a specifier nor {PRERELEASE!r}"
        ) from None
    rows = [row for row in table if row.version in asked]
    if not rows:
        raise MatrixError(f"no release of conformance/releases.toml is {word!r}")
    yield from rows


def _jax(word: str, row: Release) -> str:
    if word == PLAIN:
        return ""
    if word in (OF_ITS_DAY, NEWEST):
        return str(row.jax_of_its_day if word == OF_ITS_DAY else row.newest_jax)
    try:
        return str(Version(word))
    except InvalidVersion:
        choices = ", ".join((OF_ITS_DAY, NEWEST, PLAIN))
        raise MatrixError(f"--jax {word!r}: neither a version nor one of {choices}") from None
