"""The command `report` of `nnx-conformance`."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from conformance.guide.promises import promises
from conformance.harness import deviations
from conformance.report import files
from conformance.report.badge import badge
from conformance.report.chosen import BASELINES, chosen
from conformance.report.markdown import markdown
from conformance.report.outcomes import outcomes
from conformance.report.page.making import page
from conformance.report.terminal import show

DONE = 0
PAGE = "index.html"
_STDOUT = Path("-")


class Missing(Exception):
    """A package that the command needs is not installed; the message is one line."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser of `nnx-conformance`."""
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
    parser.add_argument(
        "--deviations",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="known deviations of your own, beside those that the suite ships (repeatable)",
    )
    parser.add_argument(
        "--no-known-deviations",
        action="store_true",
        help="leave out those that the suite ships: what they explain is broken",
    )
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    _refuse_without("jinja2", "rich")
    shipped = [] if options.no_known_deviations else [deviations.SHIPPED_FILE]
    known = [each for file in (*shipped, *options.deviations) for each in deviations.load(file)]
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


def _refuse_without(*packages: str) -> None:
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise Missing(
            f"`report` needs {' and '.join(missing)}: pip install 'nnx-conformance[report]'"
        )
