"""What a gate is told: by options and, where an option is not given, by the environment."""

import argparse
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from conformance.gate.asked import INSTALLED
from conformance.matrix.subjects import NEWEST
from conformance.options import add_deviations

FOLDER = Path(".conformance")
_VARIABLE = "CONFORMANCE_"
TEXTS = {
    "flax": INSTALLED,
    "jax": NEWEST,
    "python": "",
    "mode": "",
    "baseline": "",
    "jobs": "auto",
    "folder": str(FOLDER),
    "output": "",
}
LISTS = ("backend", "require_backend", "section", "deviations", "pytest")
FLAGS = ("new_only", "no_known_deviations", "report_only")
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


class BadInput(Exception):
    """What was asked for makes no sense; the message is one line."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the gate, which are empty where they are not given."""
    text = {
        "flax": "a version, 'newest', 'prerelease', a source tree's folder, git+URL@REFERENCE, or "
        f"{INSTALLED!r} in this environment, which is the default",
        "jax": "the same, or 'of-its-day' or 'plain'; by default the newest that the release of "
        "Flax is known to run with, or that the index gives",
        "python": "the Python to test with; by default one that fits",
        "mode": "the NNX mode that the environment sets",
        "baseline": "fail where a case is worse than in this record: a file, or a Flax release",
        "jobs": "how many workers; by default one per core",
        "folder": f"where environments are kept; by default {FOLDER}",
        "output": "where to leave record.jsonl, junit.xml, log.txt, summary.md and "
        "page/index.html; by default `gate` in that folder",
    }
    several = {
        "backend": "run on this backend only (repeatable)",
        "require-backend": "fail unless this backend is here (repeatable)",
        "section": "run this section of the claims only (repeatable)",
    }
    flags = {
        "new-only": "fail for what is worse than in the baseline, and for nothing else",
        "no-known-deviations": "leave out the known deviations that the suite ships",
        "report-only": "exit with 0 whatever is found; that there is no verdict is said still",
    }
    for name, what in text.items():
        parser.add_argument(f"--{name}", default="", metavar=name.upper(), help=what)
    for name, what in several.items():
        parser.add_argument(f"--{name}", action="append", default=[], metavar="NAME", help=what)
    add_deviations(parser)
    for name, what in flags.items():
        parser.add_argument(f"--{name}", action="store_true", help=what)


def settle(options: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> None:
    """Gives each option that was not given what the environment says, or its default.

    `--require-backend` is CONFORMANCE_REQUIRE_BACKEND there, several values are written like the
    words of a shell, and CONFORMANCE_PYTEST has what would follow `--`.

    Raises:
      BadInput: a variable is not what its option takes.
    """
    for name, default in TEXTS.items():
        found = environ.get(_VARIABLE + name.upper(), "").strip()
        setattr(options, name, getattr(options, name) or found or default)
    for name in LISTS:
        setattr(options, name, getattr(options, name) or _words(name, environ))
    for name in FLAGS:
        setattr(options, name, getattr(options, name) or _flag(name, environ))
    options.deviations = [Path(file) for file in options.deviations]


def _words(name: str, environ: Mapping[str, str]) -> list[str]:
    variable = _VARIABLE + name.upper()
    try:
        return shlex.split(environ.get(variable, ""))
    except ValueError as error:
        raise BadInput(f"{variable}: {str(error).lower()}") from None


def _flag(name: str, environ: Mapping[str, str]) -> bool:
    variable = _VARIABLE + name.upper()
    text = environ.get(variable, "").strip().lower()
    if text not in (*_TRUE, *_FALSE, ""):
        raise BadInput(f"{variable}: {text!r} is neither true nor false")
    return text in _TRUE
