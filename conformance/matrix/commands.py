"""The commands `matrix` and `source` of `nnx-conformance`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from conformance.harness import deviations
from conformance.matrix.environments import (
    copy_suite,
    install_source,
    interpreter,
    make,
    source_requirements,
)
from conformance.matrix.runs import (
    Failed,
    Result,
    Workplace,
    suite_arguments,
    suite_environment,
)
from conformance.matrix.subjects import NEWEST, OF_ITS_DAY, PLAIN, PRERELEASE, Wanted, wanted
from conformance.matrix.table import LEGEND, cell, table
from conformance.options import add_deviations

CLEAN, FINDINGS, INTERRUPTED = 0, 1, 130
FOLDER = Path(".conformance")


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds both commands to the parser of `nnx-conformance`."""
    many = commands.add_parser(
        "matrix",
        help="run the suite on many releases of Flax, each in an environment of its own",
        description="Runs the suite on releases of Flax, and ends with a table of them all. What "
        "has been run is not run again while suite and subject are the same; so an interrupted "
        "matrix goes on where it was. Exits with 1 where a run found something or could not be "
        "made. What follows -- goes to pytest.",
    )
    many.add_argument(
        "release",
        nargs="*",
        metavar="RELEASE",
        help=f"a release, a specifier ('>=0.12'), or {PRERELEASE!r} for the newest Flax and JAX "
        "with pre-releases; by default all since 0.10.0",
    )
    many.add_argument(
        "--jax",
        action="append",
        default=[],
        metavar="JAX",
        help=f"a version, {OF_ITS_DAY!r} (the default), {NEWEST!r} (that the release is known to "
        f"run with) or {PLAIN!r} (what the index gives with Flax); repeatable",
    )
    many.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many subjects at a time; by default one per processor",
    )
    add_deviations(many)
    many.add_argument(
        "--no-known-deviations", action="store_true", help="the raw truth: every deviation fails"
    )
    many.set_defaults(run=_matrix)
    one = commands.add_parser(
        "source",
        help="run the suite on a source tree of Flax",
        description="Builds a copy of a source tree of Flax into an environment of its own and "
        "runs the suite there. The tree and your environment stay as they are. Exits as pytest "
        "does. What follows -- goes to pytest.",
    )
    one.add_argument("tree", type=Path, metavar="TREE", help="a checkout of Flax")
    one.add_argument(
        "--jax", default="", metavar="VERSION", help="by default the newest that the tree takes"
    )
    one.add_argument("--pre", action="store_true", help="take pre-releases of JAX too")
    one.set_defaults(run=_source)
    for parser in (many, one):
        parser.add_argument(
            "--python",
            default="",
            metavar="VERSION",
            help="by default the oldest from 3.11 on that Flax and JAX can be had for, or the "
            "newest where the index chooses the JAX",
        )
        parser.add_argument(
            "--folder",
            type=Path,
            default=FOLDER,
            metavar="DIR",
            help="where environments, records and logs are kept (default: %(default)s)",
        )


def _matrix(options: argparse.Namespace) -> int:
    subjects = wanted(options.release, options.jax, options.python)
    folder = options.folder.resolve()
    known = deviations.load_all(options.deviations, shipped=not options.no_known_deviations)
    workplace = Workplace(folder, copy_suite(folder), known, tuple(options.pytest))
    results: list[Result | Failed] = []
    code = CLEAN
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        runs = [pool.submit(workplace.run, subject) for subject in subjects]
        try:
            for result in _finished(runs):
                results.append(result)
                _say(f"[{len(results)}/{len(subjects)}] {_in_a_line(result)}")
        except KeyboardInterrupt:
            pool.shutdown(wait=True, cancel_futures=True)
            code = INTERRUPTED
    results.sort(key=lambda result: subjects.index(result.wanted))
    tabled = [result for result in results if isinstance(result, Result)]
    for line in ("", *table(tabled), "", LEGEND):
        _say(line)
    problems = [f"{result.wanted.name}: {line}" for result in results for line in result.problems]
    for line in problems:
        _say(line)
    return code or (FINDINGS if problems else CLEAN)


def _finished(runs: Sequence[Future[Result | Failed]]) -> Iterator[Result | Failed]:
    for run in as_completed(runs):
        yield run.result()


def _in_a_line(result: Result | Failed) -> str:
    if isinstance(result, Failed):
        return f"{result.wanted.name}: {result.problem}"
    made = "as before" if result.kept else f"{result.seconds:.0f} s"
    return f"{result.wanted.name}: {cell(result.verdicts)} ({made})"


def _source(options: argparse.Namespace) -> int:
    tree, folder = options.tree.resolve(), options.folder.resolve()
    asked = Wanted("", options.jax, python=options.python)
    place = folder / "environments" / f"source-{tree.name}-jax-{options.jax or 'newest'}"
    requirements = [*source_requirements(tree), *asked.requirements[1:]]
    make(place, requirements, asked.pythons, prerelease=options.pre)
    install_source(place, tree)
    (folder / "records").mkdir(parents=True, exist_ok=True)
    suite = copy_suite(folder)
    ended = subprocess.run(
        [
            *(str(interpreter(place)), "-m", "pytest"),
            *suite_arguments(suite, folder / "records" / f"{place.name}.jsonl"),
            *("-n", "auto"),
            *options.pytest,
        ],
        env=suite_environment(suite),
        check=False,
    )
    return ended.returncode


def _say(line: str) -> None:
    print(line, file=sys.stdout, flush=True)  # noqa: T201
