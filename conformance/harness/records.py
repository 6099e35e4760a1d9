"""Records: what one run saw, line by line, in JSON. The schema is described in docs/RECORDS.md.

A record grows while its run goes on. Its last line, the footer, proves that it is whole.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from conformance.harness.verdicts import Observed, Verdict

SCHEMA = 2


class RecordError(Exception):
    """A record cannot be used; the message is one line that says what is wrong, and where."""


class NoRecord(RecordError):
    """There is no such file, or it is no record."""


class UnknownSchema(RecordError):
    """The record was written by a suite that writes them in another way."""


class MalformedLine(RecordError):
    """A line is not what its place in the record asks for."""


class CaseTwice(RecordError):
    """A case is in the record twice."""


class Truncated(RecordError):
    """The record has no footer, or not as many cases as its footer says."""


@dataclass(frozen=True)
class Header:
    """Whose record it is: the suite's version, the subject, the devices of each backend."""

    suite: str
    subject: Mapping[str, str]
    backends: Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """One case: its key, its verdict, and, where it did not hold, what was found.

    `observed`, `error` and `message` tell the failure, be it known or not; `cause` is that of the
    known deviation that explains it. `notes` are what the case noted beside its verdict, `outputs`
    what stood outside afterwards, by path, and `details` what nobody promises, by name.
    """

    case: str
    verdict: Verdict
    observed: str = ""
    error: str = ""
    message: str = ""
    cause: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def claim(self) -> str:
        """The id of its claim."""
        return self.case.partition("[")[0]

    @property
    def section(self) -> str:
        """The section of its claim."""
        return self.case.partition("/")[0]


@dataclass(frozen=True)
class Footer:
    """How the run ended: its exit code, how many cases it saw, and whether it ran every claim."""

    exit_code: int
    cases: int
    full: bool


@dataclass(frozen=True)
class Record:
    """A whole record, its cases by key."""

    header: Header
    cases: Mapping[str, Seen]
    footer: Footer


class Writer:
    """Writes a record as its run goes on; what is written can be read at once."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begins the file anew; raises OSError where it cannot be written."""
        self._file: IO[str] = path.open("w", encoding="utf-8")
        self._cases: set[str] = set()
        self._line(_header_line(header))

    def add(self, seen: Seen) -> None:
        """Writes a case."""
        self._cases.add(seen.case)
        self._line(_case_line(seen))

    def close(self, exit_code: int, full: bool) -> None:
        """Writes the footer."""
        self._line(asdict(Footer(exit_code, len(self._cases), full)))
        self._file.close()

    def _line(self, line: Mapping[str, Any]) -> None:
        self._file.write(_json(line))
        self._file.flush()


def text_of(record: Record) -> str:
    """A whole record as a file has it, with the cases in the order of their keys."""
    cases = [_case_line(seen) for _, seen in sorted(record.cases.items())]
    return "".join(map(_json, (_header_line(record.header), *cases, asdict(record.footer))))


def _header_line(header: Header) -> dict[str, Any]:
    return {"record": SCHEMA, **asdict(header)}


def _case_line(seen: Seen) -> dict[str, Any]:
    return {name: value for name, value in asdict(seen).items() if value}


def _json(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


def read(path: Path) -> Record:
    """A whole record; raises a RecordError that names the file, and the line where there is one.

    A file whose name ends in `.gz` is a compressed one.
    """
    lines = _lines(path)
    number, first = next(lines, (1, {}))
    if "record" not in first:
        raise NoRecord(f"{path}: not a record")
    if first["record"] != SCHEMA:
        raise UnknownSchema(
            f"{path}: a record of schema {first['record']}; this suite reads schema {SCHEMA}"
        )
    header = _header(f"{path}:{number}", first)
    cases: dict[str, Seen] = {}
    for number, line in lines:
        where = f"{path}:{number}"
        if "exit_code" in line:
            footer = _footer(where, line)
            break
        seen = _seen(where, line)
        if seen.case in cases:
            raise CaseTwice(f"{where}: case {seen.case} is here for the second time")
        cases[seen.case] = seen
    else:
        raise Truncated(f"{path}: has no footer after {len(cases)} cases: its run did not end")
    if (after := next(lines, None)) is not None:
        raise MalformedLine(f"{path}:{after[0]}: comes after the footer")
    if footer.cases != len(cases):
        raise Truncated(f"{path}: has {len(cases)} cases, and its footer says {footer.cases}")
    return Record(header, cases, footer)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NoRecord(f"{path}: {error.strerror}") from None
    try:
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error):
        raise NoRecord(f"{path}: not a record") from None
    for number, line in enumerate(text.splitlines(), 1):
        try:
            parsed = json.loads(line)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            kind = NoRecord if number == 1 else MalformedLine
            raise kind(f"{path}:{number}: not a line of a record")
        yield number, parsed


def _header(where: str, line: dict[str, Any]) -> Header:
    fields = {name: line[name] for name in ("suite", "subject", "backends") if name in line}
    if (
        len(fields) != 3
        or not isinstance(fields["suite"], str)
        or not _is_text_by_name(fields["subject"])
        or not _is_text_by_name(fields["backends"])
    ):
        raise MalformedLine(f"{where}: not the header of a record")
    return Header(**fields)


def _seen(where: str, line: dict[str, Any]) -> Seen:
    try:
        seen = Seen(**line | {"verdict": Verdict(line["verdict"])})
    except (KeyError, TypeError, ValueError):
        raise MalformedLine(f"{where}: not a case of a record") from None
    texts = (seen.case, seen.observed, seen.error, seen.message, seen.cause)
    if (
        not all(isinstance(text, str) for text in texts)
        or (seen.observed and seen.observed not in list(Observed))
        or not all(map(_is_text_by_name, (seen.notes, seen.outputs, seen.details)))
    ):
        raise MalformedLine(f"{where}: not a case of a record")
    return seen


def _footer(where: str, line: dict[str, Any]) -> Footer:
    kinds = {"exit_code": int, "cases": int, "full": bool}
    if {name: type(value) for name, value in line.items()} != kinds:
        raise MalformedLine(f"{where}: not the footer of a record")
    return Footer(**line)


def _is_text_by_name(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
