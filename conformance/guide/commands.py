"""The command `guide` of `nnx-conformance`."""

import argparse
import math
import os
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from packaging.version import Version

from conformance.guide.cells import Guide, guide_named, guide_of_release
from conformance.guide.items import Claims, GuideRun
from conformance.guide.mapping import load_mapping
from conformance.guide.notebooks import Found, Notebook, look
from conformance.guide.passages import GuideError
from conformance.guide.promises import promises
from conformance.guide.releases import GUIDE_FILE

INTERRUPTED = 130
# A run of its own: no settings, tests or plugins of the folder that it is started in.
_ALONE = (
    *("-c", os.devnull, "--noconftest"),
    *("-p", "no:cacheprovider", "-p", "no:nnx-conformance"),
    "-rN",  # the run says itself what failed
)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser of `nnx-conformance`."""
    parser = commands.add_parser(
        "guide",
        help="run the code cells of a transforms guide",
        description="Runs the code cells of a guide in order, on each backend in a process of its "
        "own, as pytest's items. Exits with 0 where every cell runs, with 1 where one raises, with "
        "2 for bad input, and else as pytest does. What follows -- goes to pytest.",
    )
    parser.add_argument(
        "guide",
        nargs="?",
        metavar="GUIDE",
        help="a Flax release, whose guide is fetched from the package index; a checkout of Flax; "
        "or a file (.md, .ipynb). By default the guide of the installed release",
    )
    parser.add_argument(
        "--file",
        default=GUIDE_FILE,
        metavar="PATH",
        help="another guide of that release or checkout (default: %(default)s)",
    )
    for option, words in (
        ("--backend", "run on this backend only (repeatable); the default is every backend"),
        ("--require-backend", "fail at once unless this backend is here (repeatable)"),
    ):
        parser.add_argument(option, action="append", default=[], metavar="NAME", help=words)
    parser.add_argument(
        "--python",
        default=sys.executable,
        metavar="PROGRAM",
        help="the Python whose Flax is to run the cells; nothing else is needed there. By default "
        "this one",
    )
    parser.add_argument(
        "--cell-timeout",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="how long a cell may take (default: %(default)g); 0 for as long as it likes",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    limit: float = options.cell_timeout
    if not (math.isfinite(limit) and limit >= 0):
        raise GuideError(f"--cell-timeout {limit:g}: not a number of seconds")
    python = _program(options.python)
    if options.guide:
        guide, found = guide_named(options.guide, options.file), look(python)
    else:
        found = look(python)
        guide = _guide_of_installed(Version(found.versions["flax"]), options.file)
    backends = _chosen(options.backend, options.require_backend, found)
    claims = Claims(load_mapping(), promises())
    with ExitStack() as stack:
        notebooks = {
            name: stack.enter_context(Notebook(guide.cells, python, found.environ(name), limit))
            for name in backends
        }
        run = GuideRun(guide, found, notebooks, claims, _command(options))
        words = [*_ALONE, "--rootdir", str(Path.cwd()), *options.pytest]
        code = pytest.main(words, plugins=[run])
    return INTERRUPTED if code == pytest.ExitCode.INTERRUPTED else int(code)


def _program(word: str) -> str:
    """Where a program is, wherever it is started from; a link to it stays one."""
    found = shutil.which(word)
    if found is None:
        raise GuideError(f"--python {word}: no such program")
    return os.path.abspath(found)  # noqa: PTH100  # an environment is known by its link


def _command(options: argparse.Namespace) -> list[str]:
    """The words that name this guide and this Flax again."""
    words = ["nnx-conformance", "guide", *([options.guide] if options.guide else [])]
    for option, value, default in (
        ("--file", options.file, GUIDE_FILE),
        ("--python", options.python, sys.executable),
    ):
        words += [option, value] if value != default else []
    return words


def _guide_of_installed(flax: Version, file: str) -> Guide:
    try:
        return guide_of_release(flax, file)
    except GuideError as error:
        raise GuideError(f"{error}; name another guide, such as that of a checkout") from None


def _chosen(wanted: list[str], required: list[str], found: Found) -> list[str]:
    for name in (*wanted, *required):
        if name not in found.backends:
            here = ", ".join(found.backends)
            raise GuideError(f"backend {name!r} is not here: JAX reports {here}")
    return [name for name in found.backends if not wanted or name in wanted]
