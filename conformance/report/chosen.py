"""Which records a report is made of: files, and the baselines that the suite ships."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from conformance.guide.releases import version_named
from conformance.harness import records
from conformance.harness.claims import CaseKey
from conformance.harness.records import Record, RecordError
from conformance.harness.subject import Release, releases
from conformance.report import baselines

BASELINES = "baselines"


class NotReportable(RecordError):
    """A record is well-formed, but does not say what a report needs."""


def chosen(words: Sequence[str]) -> list[Record]:
    """The records that these words name, none of them twice.

    A word is a file, a Flax release (its baseline with the JAX of its day), or `baselines`: those
    of all releases, as no word at all means too. Raises RecordError.
    """
    paths = [path for word in words or (BASELINES,) for path in _paths(word)]
    return [_read(path) for path in dict.fromkeys(paths)]


def one(word: str) -> Record:
    """The one record that a word names; raises RecordError."""
    found = chosen([word])
    if len(found) != 1:
        raise RecordError(f"{word} names {len(found)} records, not one")
    return found[0]


def _paths(word: str) -> Iterator[Path]:
    version = version_named(word)
    if Path(word).is_file():
        yield Path(word)
    elif word == BASELINES:
        yield from map(_baseline, _with_a_day())
    elif version is None:
        yield Path(word)  # which is not there, as reading it will say
    else:
        rows = [row for row in _with_a_day() if row.version == version]
        if not rows:
            raise RecordError(f"no baseline is of flax {word}, and no file is called so")
        yield from map(_baseline, rows)


def _with_a_day() -> list[Release]:
    return [row for row in releases() if row.jax_of_its_day]


def _baseline(row: Release) -> Path:
    return baselines.FOLDER / baselines.name_of(str(row.version), str(row.jax_of_its_day))


def _read(path: Path) -> Record:
    """A whole record whose subject and cases can be told apart."""
    record = records.read(path)
    subject = record.header.subject
    for name in ("flax", "jax", "mode"):
        if name not in subject:
            raise NotReportable(f"{path}: its header does not say which {name} it is of")
    for name in ("flax", "jax"):
        try:
            Version(subject[name])
        except InvalidVersion:
            raise NotReportable(f"{path}: {subject[name]!r} is no version of {name}") from None
    for case in record.cases:
        if not _is_key(case):
            raise NotReportable(f"{path}: {case!r} is not the key of a case")
    return record


def _is_key(case: str) -> bool:
    try:
        return str(CaseKey.parse(case)) == case
    except (TypeError, ValueError):  # too few parameters
        return False
