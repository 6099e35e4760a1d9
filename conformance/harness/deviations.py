"""Known deviations: a claim that named releases break, in a stated way, for a stated cause."""

import fnmatch
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from conformance.harness.claims import CaseKey
from conformance.harness.subject import DEFAULT_MODE
from conformance.harness.verdicts import Observed

SHIPPED_FILE = Path(__file__).parent.parent / "deviations.toml"

_ANY = ("*",)
_REQUIRED = ("claims", "flax", "observed", "message", "cause", "evidence")
_GLOBS = ("claims", "transforms", "styles", "variants", "backends")
_OPTIONAL = ("transforms", "styles", "variants", "backends", "jax", "error")


class DeviationsError(Exception):
    """A deviations file is malformed; the message is one line that names file, entry and field."""


@dataclass(frozen=True)
class Deviation:
    """One entry: which cases deviate, for which Flax and JAX, what is observed, and why.

    `claims`, `transforms`, `styles`, `variants` and `backends` are globs, any of which may match.
    `message` is part of what the failure says; `error` is the class name of what is raised, where
    `observed` is an error.
    """

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

    def concerns(self, flax: Version, jax: Version, backends: Sequence[str]) -> bool:
        """Whether the entry speaks of this Flax and JAX, and of one of these backends."""
        return (
            self.flax.contains(flax, prereleases=True)
            and self.jax.contains(jax, prereleases=True)
            and any(_matches(self.backends, backend) for backend in backends)
        )

    def matches(self, key: CaseKey) -> bool:
        """Whether the entry names this case; entries speak of the default mode only."""
        return key.mode == DEFAULT_MODE and all(
            _matches(globs, value)
            for globs, value in (
                (self.claims, key.claim),
                (self.transforms, key.transform),
                (self.styles, key.style),
                (self.variants, key.variant),
                (self.backends, key.backend),
            )
        )

    def explains(self, observed: Observed, error: BaseException) -> bool:
        """Whether a failure is the one that the entry describes."""
        return (
            observed is self.observed
            and self.message in str(error)
            and (observed is not Observed.ERROR or type(error).__name__ == self.error)
        )


def load(path: Path) -> tuple[Deviation, ...]:
    """The entries of a file; raises DeviationsError where one is not what it should be."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeviationsError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeviationsError(f"{path}: not TOML: {error}") from None
    entries = document.pop("deviation", [])
    if document:
        raise DeviationsError(f"{path}: unknown table {next(iter(document))!r}")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DeviationsError(f"{path}: 'deviation' must be an array of tables")
    return tuple(
        _parse(f"{path}: deviation {number}", entry) for number, entry in enumerate(entries, 1)
    )


def _parse(where: str, entry: Mapping[str, Any]) -> Deviation:
    for name in _REQUIRED:
        if name not in entry:
            raise DeviationsError(f"{where}: field {name!r} is missing")
    for name, value in entry.items():
        if name not in (*_REQUIRED, *_OPTIONAL):
            raise DeviationsError(f"{where}: field {name!r} is unknown")
        if name in _GLOBS:
            if not isinstance(value, list) or not value or not all(map(_is_text, value)):
                raise DeviationsError(f"{where}: field {name!r} must be a list of strings")
        elif not _is_text(value):
            raise DeviationsError(f"{where}: field {name!r} must be a string that says something")
    try:
        observed = Observed(entry["observed"])
    except ValueError:
        choices = ", ".join(repr(str(choice)) for choice in Observed)
        raise DeviationsError(f"{where}: field 'observed' must be one of {choices}") from None
    if (observed is Observed.ERROR) != ("error" in entry):
        raise DeviationsError(f"{where}: field 'error' goes with observed = 'error', and only then")
    return Deviation(
        source=where,
        **{name: tuple(entry.get(name, _ANY)) for name in _GLOBS},
        flax=_specifier(where, "flax", entry["flax"]),
        jax=_specifier(where, "jax", entry.get("jax", "")),
        observed=observed,
        error=entry.get("error", ""),
        message=entry["message"],
        cause=entry["cause"],
        evidence=entry["evidence"],
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _specifier(where: str, name: str, text: str) -> SpecifierSet:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        raise DeviationsError(
            f"{where}: field {name!r} is no version specifier: {text!r}"
        ) from None


def _matches(globs: Sequence[str], value: str) -> bool:
    return any(fnmatch.fnmatchcase(value, glob) for glob in globs)
