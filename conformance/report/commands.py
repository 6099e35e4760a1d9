"""The commands `report`, `diff` and `merge` of `nnx-conformance`."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from conformance.guide.promises import promises
from conformance.harness import deviations
from conformance.harness.records import text_of
from conformance.options import add_deviations
from conformance.report import files
from conformance.report.badge import badge
from conformance.report.chosen import BASELINES, chosen, one
from conformance.report.comparing import compare
from conformance.report.differences import as_json, markdown_of, text
from conformance.report.markdown import markdown
from conformance.report.merging import merge
from conformance.report.outcomes import Outcome, outcomes
from conformance.report.page.making import page
from conformance.report.terminal import show

DONE, WORSE = 0, 1
PAGE = "index.html"
_STDOUT = Path("-")
_FORMATS = {"text": text, "markdown": markdown_of, "json": as_json}


class Missing(Exception):
    """A package that the command needs is not installed; the message is one line."""


_RECORD = "a file that pytest --record wrote (.gz too), or a Flax release: its baseline is meant"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands to the parser of `nnx-conformance`."""
    _add_report(commands)
    comparing = commands.add_parser(
        "diff",
        help="what changed between two records, or two releases",
        description="Compares two records: verdicts first, then what is not run any more, then "
        "what is left otherwise, leaf by leaf, then details. Exits with 0 where nothing is worse "
        "in AFTER, and with 1 where a case is newly broken or no longer run.",
    )
    comparing.add_argument("before", metavar="BEFORE", help=_RECORD)
    comparing.add_argument("after", metavar="AFTER", help="the same")
    comparing.add_argument(
        "--format", choices=list(_FORMATS), default="text", help="by default text"
    )
    comparing.add_argument(
        "--full", action="store_true", help="every case, leaf and line, not some of each"
    )
    add_deviations(comparing)
    comparing.set_defaults(run=_diff)
    merging = commands.add_parser(
        "merge",
        help="join records of one subject: of several backends, machines, or parts of a run",
        description="Joins records of one subject. A case that is in two of them, another suite or "
        "subject, and a record that is not whole are refused with exit code 2.",
    )
    merging.add_argument("record", nargs="+", type=Path, metavar="RECORD", help="a file")
    merging.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="where to write it"
    )
    merging.set_defaults(run=_merge)


def _add_report(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "report",
        help="show what records say: a table, a page, a summary, a badge",
        description="Judges records by what is known now, and shows them: as a table in any case, "
        "and as what else is asked for. Exits with 0 whatever the records say.",
    )
    parser.add_argument(
        "record",
        nargs="*",
        metavar="RECORD",
        help="a file that pytest --record wrote (.gz too), a Flax release, whose baseline is then "
        f"shown, or {BASELINES!r}: that of every release with the JAX of its day, the default",
    )
    parser.add_argument(
        "--html", type=Path, metavar="DIR", help=f"write {PAGE}, a page of one file, in this folder"
    )
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="write a summary for a pull request; with '-' to the standard output, and the table "
        "to the standard error",
    )
    parser.add_argument(
        "--badge",
        type=Path,
        metavar="FILE",
        help="write a badge of the one subject, as JSON for an endpoint of shields.io",
    )
    add_deviations(parser)
    parser.add_argument(
        "--no-known-deviations",
        action="store_true",
        help="leave out those that the suite ships: what they explain is broken",
    )
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    _refuse_without("jinja2", "rich")
    known = deviations.load_all(options.deviations, shipped=not options.no_known_deviations)
    told = outcomes(chosen(options.record), known)
    piped = options.markdown == _STDOUT
    texts: dict[Path, str] = {}
    if options.badge:
        texts[options.badge] = badge(told)
    if options.markdown and not piped:
        texts[options.markdown] = markdown(told)
    if options.html:
        texts[options.html / PAGE] = page(told, promises())
    files.write(texts)
    show(told, sys.stderr if piped else sys.stdout)
    if piped:
        sys.stdout.write(markdown(told))
    return DONE


def _diff(options: argparse.Namespace) -> int:
    known = deviations.load_all(options.deviations, shipped=True)
    found = compare(*(Outcome.of(one(word), known) for word in (options.before, options.after)))
    for line in _FORMATS[options.format](found, full=options.full):
        sys.stdout.write(f"{line}\n")
    return WORSE if found.worse else DONE


def _merge(options: argparse.Namespace) -> int:
    files.write({options.output: text_of(merge(options.record))})
    return DONE


def _refuse_without(*packages: str) -> None:
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise Missing(
            f"`report` needs {' and '.join(missing)}: pip install 'nnx-conformance[report]'"
        )
