"""Baselines: what each Flax release does, with the JAX of its day and with the newest for it.

A baseline holds the raw truth, as a run with `--no-known-deviations` records it: what is known is
the business of `deviations.toml` alone, so that an edit there leaves no baseline out of date.
"""

import gzip
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from conformance.harness import records
from conformance.harness.records import Footer, Record
from conformance.harness.subject import DEFAULT_MODE
from conformance.harness.verdicts import Verdict

FOLDER = Path(__file__).parent.parent / "baselines"

_RAW = {Verdict.KNOWN_DEVIATION: Verdict.BROKEN, Verdict.STALE_DEVIATION: Verdict.HELD}


class NoBaseline(records.RecordError):
    """A record is not fit to be a baseline; the message is one line that says why."""


def shipped() -> Iterator[Record]:
    """The baselines that the suite ships."""
    for path in sorted(FOLDER.glob("*.jsonl.gz")):
        yield records.read(path)


def name_of(flax: str, jax: str) -> str:
    """The name of the file that holds the baseline of a pair."""
    return f"flax-{flax}-jax-{jax}.jsonl.gz"


def write(record: Record, folder: Path) -> Path:
    """Makes a record a baseline; raises NoBaseline where it is not fit to be one.

    Equal runs give equal bytes: the cases go by their keys, and the file names no time.
    """
    subject = record.header.subject
    _refuse_unfit(record)
    path = folder / name_of(subject["flax"], subject["jax"])
    path.write_bytes(_compressed(records.text_of(_raw(record)).encode()))
    return path


def amend(record: Record, folder: Path) -> Path:
    """Puts the cases of a record into the baseline of its subject, in place of those it has.

    So a claim that is new or changed asks for no other case to be run again. Raises NoBaseline
    where there is no baseline, or the record is of another subject or not fit to be in one.
    """
    subject = record.header.subject
    path = folder / name_of(subject["flax"], subject["jax"])
    if not path.is_file():
        raise NoBaseline(f"there is no {path.name} to put its cases into")
    baseline = records.read(path)
    if record.header != baseline.header:
        raise NoBaseline(f"its header is not that of {path.name}")
    cases = {**baseline.cases, **record.cases}
    return write(replace(baseline, cases=cases), folder)


def _refuse_unfit(record: Record) -> None:
    verdicts = {seen.verdict for seen in record.cases.values()}
    if not record.footer.full:
        raise NoBaseline("its run was not of every claim")
    if fault := record.header.subject.get("fault"):
        raise NoBaseline(f"its subject was broken on purpose, by the fault {fault}")
    if record.header.subject["mode"] != DEFAULT_MODE:
        raise NoBaseline(f"its NNX mode is {record.header.subject['mode']}")
    if list(record.header.backends) != ["cpu"]:
        raise NoBaseline(f"its backends are {', '.join(record.header.backends)}, not the CPU alone")
    if Verdict.SUITE_ERROR in verdicts:
        raise NoBaseline("one of its cases is a suite error")


def _raw(record: Record) -> Record:
    cases = {
        case: replace(seen, verdict=_RAW.get(seen.verdict, seen.verdict), cause="")
        for case, seen in record.cases.items()
    }
    broken = any(seen.verdict is Verdict.BROKEN for seen in cases.values())
    footer = Footer(int(broken), len(cases), full=True)
    return Record(record.header, cases, footer)


def _compressed(content: bytes) -> bytes:
    file = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressor:
        compressor.write(content)
    return file.getvalue()
