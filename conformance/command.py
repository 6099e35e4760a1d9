"""The `nnx-conformance` command. What it does needs neither Flax nor JAX."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.asked import NotKnown
from conformance.bisect import commands as bisect
from conformance.gate import commands as gate
from conformance.guide import commands as guide
from conformance.guide.mapping import claim_ids, load_mapping, load_texts
from conformance.guide.passages import GuideError, Passage, read
from conformance.guide.releases import guide_of, version_named
from conformance.guide.tracing import Trace, listing, of_claim, summary, trace
from conformance.harness.deviations import DeviationsError
from conformance.harness.records import RecordError
from conformance.matrix import commands as matrix
from conformance.matrix.subjects import MatrixError
from conformance.report import commands as report
from conformance.report.badge import SeveralSubjects
from conformance.report.files import Unwritable
from conformance.repro import commands as repro

WHOLE, LACKING, UNUSABLE = 0, 1, 2
REFUSALS = (
    *(DeviationsError, GuideError, MatrixError, NotKnown),
    *(RecordError, SeveralSubjects, Unwritable, report.Missing, repro.Unrepeatable),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, and gives its exit code: 0, or 1 for a finding, or 2 for bad input."""
    own, rest = _parted(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(own, argparse.Namespace(pytest=rest))
    try:
        code: int = options.run(options)
        return code
    except REFUSALS as error:
        print(f"nnx-conformance: {error}", file=sys.stderr)  # noqa: T201
        return UNUSABLE


def _parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The command's own arguments, and those after a --, which are pytest's."""
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nnx-conformance", description="What the conformance suite knows, and how it knows it."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    tracing = commands.add_parser(
        "trace",
        help="which claim checks which sentence of a transforms guide",
        description="Holds a transforms guide against the claims: what is covered, what is not, "
        "and what has changed since its claims were written. Exits with 1 where something is.",
    )
    tracing.add_argument(
        "guide",
        nargs="*",
        metavar="GUIDE",
        help="a file (.md, .ipynb), or a Flax release, whose source distribution is then fetched; "
        "by default the newest release that the suite knows",
    )
    tracing.add_argument("--all", action="store_true", help="every release that the suite knows")
    shown = tracing.add_mutually_exclusive_group()
    shown.add_argument("--list", action="store_true", help="list every passage with its claims")
    shown.add_argument("--claim", metavar="ID", help="show the passages that this claim checks")
    tracing.set_defaults(run=_trace)
    gate.add_to(commands)
    guide.add_to(commands)
    matrix.add_to(commands)
    bisect.add_to(commands)
    report.add_to(commands)
    repro.add_to(commands)
    return parser


def _trace(options: argparse.Namespace) -> int:
    known, texts, claims = load_mapping(), load_texts(), claim_ids()
    if options.claim and options.claim not in claims:
        raise GuideError(f"there is no claim {options.claim!r}")
    releases = [release for text in texts for release in text.releases]
    names = releases if options.all else options.guide or releases[-1:]
    found = [(name, trace(_passages(name), known, texts, claims)) for name in names]
    for line in (line for name, each in found for line in _lines(options, name, each)):
        print(line)  # noqa: T201
    return WHOLE if all(each.is_whole for _, each in found) else LACKING


def _passages(name: str) -> tuple[Passage, ...]:
    path = Path(name)
    version = version_named(name)
    return read(path) if version is None or path.is_file() else guide_of(version)


def _lines(options: argparse.Namespace, name: str, found: Trace) -> Iterator[str]:
    if options.claim:
        yield from of_claim(found, options.claim)
        return
    if options.list:
        yield from listing(found)
    yield from summary(found, name)
    yield ""


if __name__ == "__main__":
    sys.exit(main())
