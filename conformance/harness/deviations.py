"""Known deviations: a claim that named releases break, in a stated way, for a stated cause."""

import fnmatch
import functools
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from conformance.harness.claims import CaseKey
from conformance.harness.subject import DEFAULT_MODE
from conformance.harness.verdicts import Failure, Observed, Verdict

SHIPPED_FILE = Path(__file__).parent.parent / "deviations.toml"

_ANY = ("*",)
_GLOBS = ("claims", "transforms", "styles", "variants", "backends")
# The fields of a table by name, and whether it must have them.
_OF_ENTRY = {"cause": True, "evidence": True, "flax": True, "jax": False}
_OF_FOUND = {
    "claims": True,
    **dict.fromkeys(_GLOBS[1:], False),
    "observed": True,
    "error": False,
    "message": True,
}


class DeviationsError(Exception):
    """A deviations file is malformed; the message is one line that names file, entry and field."""


@dataclass(frozen=True)
class Deviation:
    """One way in which the cause of an entry shows: in which cases, for whom, and what is found.

    `claims`, `transforms`, `styles`, `variants` and `backends` are globs, any of which may match.
    `message` is part of what the failure says; `error` is the class name of what is raised, where
    `observed` is an error. `entry` and `source` say where the file has it.
    """

    entry: str
    source: str
    claims: tuple[str, ...]
    transforms: tuple[str, ...]
    styles: tuple[str, ...]
    variants: tuple[str, ...]
    backends: tuple[str, ...]
    flax: SpecifierSet
    jax: SpecifierSet
    observed: Observed
    error: str
    message: str
    cause: str
    evidence: str

    def concerns(self, flax: Version, jax: Version, backends: Collection[str]) -> bool:
        """Whether it is said of this Flax and JAX, and of one of these backends.

        A development version, a pre-release or a local build is judged as the release that it
        leads to, or was made from.
        """
        return (
            self.flax.contains(Version(flax.base_version))
            and self.jax.contains(Version(jax.base_version))
            and any(_matches(self.backends, backend) for backend in backends)
        )

    def matches(self, key: CaseKey) -> bool:
        """Whether it names this case; entries speak of the default mode only."""
        return (
            _matches(self.claims, key.claim)
            and _matches(self.transforms, key.transform)
            and _matches(self.styles, key.style)
            and _matches(self.variants, key.variant)
            and _matches(self.backends, key.backend)
            and key.mode == DEFAULT_MODE
        )

    def explains(self, failure: Failure) -> bool:
        """Whether a failure is the one that is described."""
        return (
            failure.observed is self.observed
            and self.message in failure.message
            and (failure.observed is not Observed.ERROR or failure.error == self.error)
        )


def concerning(
    known: Iterable[Deviation], flax: Version, jax: Version, mode: str, backends: Collection[str]
) -> tuple[Deviation, ...]:
    """Those that are said of this subject and of one of these backends."""
    if mode != DEFAULT_MODE:
        return ()
    return tuple(deviation for deviation in known if deviation.concerns(flax, jax, backends))


def judge(
    known: Iterable[Deviation], key: CaseKey, failure: Failure | None
) -> tuple[Verdict, Deviation | None]:
    """The verdict of a case that was executed, and the deviation that the verdict is about.

    Nothing but texts decides: a run and a record of it are judged alike.
    """
    matching = [deviation for deviation in known if deviation.matches(key)]
    if failure is None:
        return (Verdict.STALE_DEVIATION, matching[0]) if matching else (Verdict.HELD, None)
    for deviation in matching:
        if deviation.explains(failure):
            return Verdict.KNOWN_DEVIATION, deviation
    return Verdict.BROKEN, None


def load(path: Path) -> tuple[Deviation, ...]:
    """What the entries of a file say is found; raises DeviationsError where one is malformed."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeviationsError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeviationsError(f"{path}: not TOML: {error}") from None
    entries = document.pop("deviation", [])
    if document:
        raise DeviationsError(f"{path}: unknown table {next(iter(document))!r}")
    if not _is_tables(entries):
        raise DeviationsError(f"{path}: 'deviation' must be an array of tables")
    return tuple(
        deviation
        for number, entry in enumerate(entries, 1)
        for deviation in _parse(f"{path}: deviation {number}", entry)
    )


def load_all(own: Iterable[Path], *, shipped: bool) -> tuple[Deviation, ...]:
    """The deviations of a user's `own` files, after those that the suite ships if they count too.

    Raises DeviationsError where one is malformed.
    """
    files = (SHIPPED_FILE, *own) if shipped else own
    return tuple(deviation for file in files for deviation in load(file))


def _parse(where: str, entry: dict[str, Any]) -> Iterator[Deviation]:
    """What an entry says is found: in tables of their own, or in the entry itself."""
    if "found" not in entry:
        _check(where, entry, _OF_ENTRY | _OF_FOUND)
        yield _deviation(where, where, entry, entry)
        return
    several = entry.pop("found")
    _check(where, entry, _OF_ENTRY)
    if not several or not _is_tables(several):
        raise DeviationsError(f"{where}: field 'found' must be an array of tables")
    for number, found in enumerate(several, 1):
        source = f"{where}, found {number}"
        _check(source, found, _OF_FOUND | {"flax": False, "jax": False})
        yield _deviation(where, source, entry, found)


def _check(where: str, table: Mapping[str, Any], fields: Mapping[str, bool]) -> None:
    for name, needed in fields.items():
        if needed and name not in table:
            raise DeviationsError(f"{where}: field {name!r} is missing")
    for name, value in table.items():
        if name not in fields:
            raise DeviationsError(f"{where}: field {name!r} is unknown")
        if name in _GLOBS:
            if not isinstance(value, list) or not value or not all(map(_is_text, value)):
                raise DeviationsError(f"{where}: field {name!r} must be a list of strings")
        elif not _is_text(value):
            raise DeviationsError(f"{where}: field {name!r} must be a string that says something")


def _deviation(
    where: str, source: str, entry: Mapping[str, Any], found: Mapping[str, Any]
) -> Deviation:
    try:
        observed = Observed(found["observed"])
    except ValueError:
        choices = ", ".join(repr(str(choice)) for choice in Observed)
        raise DeviationsError(f"{source}: field 'observed' must be one of {choices}") from None
    if (observed is Observed.ERROR) != ("error" in found):
        raise DeviationsError(
            f"{source}: field 'error' goes with observed = 'error', and only then"
        )
    return Deviation(
        entry=where,
        source=source,
        **{name: tuple(found.get(name, _ANY)) for name in _GLOBS},
        flax=_specifier(where, "flax", entry) & _specifier(source, "flax", found),
        jax=_specifier(where, "jax", entry) & _specifier(source, "jax", found),
        observed=observed,
        error=found.get("error", ""),
        message=found["message"],
        cause=entry["cause"],
        evidence=entry["evidence"],
    )


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(table, dict) for table in value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _specifier(where: str, name: str, table: Mapping[str, Any]) -> SpecifierSet:
    text = table.get(name, "")
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        raise DeviationsError(
            f"{where}: field {name!r} is no version specifier: {text!r}"
        ) from None


@functools.cache
def _matches(globs: tuple[str, ...], value: str) -> bool:
    return any(fnmatch.fnmatchcase(value, glob) for glob in globs)
