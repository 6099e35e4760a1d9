"""Merging records of one subject: of several backends, of several machines, of parts of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.harness import records
from conformance.harness.records import Footer, Header, Record, RecordError, Seen

# What makes two subjects the same; of the rest, a merged record names all that there are.
_SAME = ("flax", "jax", "mode", "prng", "fault")


class Unmergeable(RecordError):
    """Two records do not belong together; the message is one line that says which and why."""


def merge(paths: Sequence[Path]) -> Record:
    """One record with the cases of all; raises RecordError where they do not belong together.

    It is of every claim if each of them is, and its exit code is the gravest.
    """
    read = {path: records.read(path) for path in dict.fromkeys(paths)}
    if len(read) < 2:
        raise Unmergeable("there is nothing to merge in fewer than two records")
    (first, model), *others = read.items()
    for path, record in others:
        _refuse_unlike(first, model.header, path, record.header)
    cases: dict[str, Seen] = {}
    places: dict[str, Path] = {}
    for path, record in read.items():
        for case, seen in record.cases.items():
            if case in places:
                raise records.CaseTwice(f"{path}: case {case} is in {places[case]} too")
            places[case] = path
            cases[case] = seen
    headers = [record.header for record in read.values()]
    header = Header(
        model.header.suite,
        _joined([header.subject for header in headers]),
        _joined([header.backends for header in headers]),
    )
    footers = [record.footer for record in read.values()]
    worst = max(footer.exit_code for footer in footers)
    full = all(footer.full for footer in footers)
    return Record(header, cases, Footer(worst, len(cases), full))


def _refuse_unlike(first: Path, model: Header, path: Path, header: Header) -> None:
    sides = [{"suite": each.suite, **each.subject} for each in (model, header)]
    for name in ("suite", *_SAME):
        one, other = (side.get(name, "nothing") for side in sides)
        if one != other:
            raise Unmergeable(f"{path}: its {name} is {other}, that of {first} is {one}")


def _joined(tables: Sequence[Mapping[str, str]]) -> dict[str, str]:
    names = dict.fromkeys(name for table in tables for name in table)
    found = {name: dict.fromkeys(t[name] for t in tables if name in t) for name in names}
    return {name: " / ".join(values) for name, values in found.items()}
