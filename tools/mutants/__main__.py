"""Mutates the installed Flax, and has our suite and Flax's own tests look at every mutant.

    python -m tools.mutants measure          # which test runs through which lines: once
    python -m tools.mutants run --count 120  # goes on where it was
    python -m tools.mutants report           # writes docs/MUTANTS.md

The installed Flax stays as it is: a mutant is a copy, which Python finds first. All that is made
is in .conformance/mutants.
"""

import argparse
import importlib.util
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from conformance.guide.passages import GuideError
from conformance.guide.releases import text_of
from conformance.harness.subject import version_of
from conformance.matrix.environments import copy_suite
from tools.mutants import guide_cells, processes, report, results
from tools.mutants.copies import Copy
from tools.mutants.explanations import ExplanationsError
from tools.mutants.operators import compiles, mutations
from tools.mutants.reach import Reach
from tools.mutants.results import ResultsError, Tried
from tools.mutants.sampling import Mutant, ordered
from tools.mutants.suites import Suite, Unclear

FOLDER = Path(".conformance/mutants")
THEIR_FILES = ("tests/nnx/transforms_test.py", "tests/nnx/rngs_test.py")
_BESIDE_THEM = ("tests/nnx/__init__.py", "pyproject.toml")

# The machinery of transforms, relative to the package.
MACHINERY = (
    *("nnx/transforms/*.py", "nnx/extract.py", "nnx/filterlib.py", "nnx/graphlib.py"),
    *("nnx/pytreelib.py", "nnx/rnglib.py", "nnx/spmd.py", "nnx/statelib.py", "nnx/tracers.py"),
    "nnx/variablelib.py",
)


@dataclass(frozen=True)
class Workplace:
    """Where everything is for the Flax that is installed."""

    folder: Path
    flax: Path
    subject: str

    @classmethod
    def here(cls) -> "Workplace":
        """The workplace below the current folder."""
        found = importlib.util.find_spec("flax")
        assert found is not None
        assert found.origin is not None
        versions = [f"{name} {version_of(name)}" for name in ("flax", "jax")]
        name = "-".join(versions).replace(" ", "-")
        return cls((FOLDER / name).resolve(), Path(found.origin).parent, ", ".join(versions))

    @property
    def results(self) -> Path:
        """The file of results."""
        return self.folder / "results.jsonl"

    def ours(self) -> Suite:
        """Our suite as it is now."""
        # Whether the suite is installed or not: its plugin, and that of the copy.
        options = ("-p", "no:nnx-conformance", "-p", "conformance.harness.plugin")
        return Suite("ours", copy_suite(self.folder), ("conformance",), options)

    def theirs(self) -> Suite:
        """Flax's own tests, of the release's source distribution."""
        root = self.folder / "theirs"
        for name in (*THEIR_FILES, *_BESIDE_THEM):
            if not (root / name).exists():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                text = text_of(version_of("flax"), name)
                (root / name).write_text(text, "utf-8")
        return Suite("theirs", root, THEIR_FILES)

    def guide(self) -> Suite:
        """The release's transforms guide: its examples."""
        root = self.folder / "guide"
        root.mkdir(parents=True, exist_ok=True)
        if not (root / guide_cells.GUIDE).exists():
            text = text_of(version_of("flax"))
            (root / guide_cells.GUIDE).write_text(text, "utf-8")
        shutil.copyfile(guide_cells.__file__, root / "test_guide.py")
        return Suite("guide", root, ("test_guide.py",))

    def reach(self, suite: Suite) -> tuple[Reach, list[str]]:
        """How a suite was seen here; it is measured where it was not."""
        folder = self.folder / "reach" / suite.root.name
        try:
            return suite.measured(self.flax, folder)
        except OSError:
            return suite.measure(self.flax, folder)


def candidates(flax: Path, reaches: Sequence[Reach]) -> Iterator[Mutant]:
    """Every mutation of what some test of either suite runs through."""
    for pattern in MACHINERY:
        for path in sorted(flax.glob(pattern)):
            file = path.relative_to(flax).as_posix()
            for found in mutations(path.read_bytes()):
                if any(reach.through(file, found.first, found.last) for reach in reaches):
                    yield Mutant(file, found)


def run(place: Workplace, options: argparse.Namespace) -> None:
    """Tries mutants, until there are as many results as asked for or the time is over."""
    suites = (place.ours(), place.theirs())
    digest = suites[0].root.name
    *reaches, examples = (place.reach(suite)[0] for suite in (*suites, place.guide()))
    wanted = ordered(list(candidates(place.flax, reaches)), options.seed)
    kept = results.read(place.results)
    results.write(place.results, kept)
    known = {result.key for result in kept if result.suite == digest}
    end = time.monotonic() + 60 * options.minutes
    lock, queue = Lock(), iter(wanted)
    taken = 0

    def take() -> Mutant | None:
        nonlocal taken
        with lock:
            while taken < options.count and time.monotonic() < end:
                mutant = next(queue, None)
                if mutant is None:
                    return None
                source = (place.flax / mutant.file).read_bytes()
                if compiles(mutant.mutation, source):
                    taken += 1
                    if mutant.key not in known:
                        return mutant
        return None

    def work(number: int) -> None:
        folder = place.folder / f"worker-{number}"
        copy = Copy.make(place.flax, folder)
        while mutant := take():
            content = mutant.mutation.apply((place.flax / mutant.file).read_bytes())
            does = mutant.mutation
            outcomes = []
            with copy.with_file(mutant.file, content):
                for suite, reach in zip(suites, reaches, strict=True):
                    through = reach.through(mutant.file, does.first, does.last)
                    tests = {test: reach.seconds[test] for test in reach.ordered(through)}
                    outcomes.append(suite.judge(copy.package, folder, tests))
            in_guide = bool(examples.through(mutant.file, does.first, does.last))
            with lock:
                tried = Tried.of(mutant, place.subject, digest, in_guide, *outcomes)
                results.append(place.results, tried)
                _say(tried)

    with ThreadPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(work, number) for number in range(options.jobs)]:
            future.result()


def _say(tried: Tried) -> None:
    ends = ", ".join(f"{side.end} ({side.cpu:.0f} s)" for side in (tried.ours, tried.theirs))
    print(f"{tried.key}: {ends}", flush=True)  # noqa: T201


def measure(place: Workplace) -> None:
    """Measures both suites, and says what it found."""
    for suite in (place.ours(), place.theirs(), place.guide()):
        reach, failed = place.reach(suite)
        seconds = sum(reach.seconds.values())
        print(f"{suite.name}: {len(reach.seconds)} tests, {seconds:.0f} CPU seconds")  # noqa: T201
        for test in failed:
            print(f"  fails without any mutant: {test}")  # noqa: T201


def main(arguments: Sequence[str]) -> int:
    """Does what it is told; 1 where a survivor is unexplained, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("measure", help="see which test runs through which lines")
    trying = commands.add_parser("run", help="try mutants")
    trying.add_argument("--count", type=int, default=120, help="how many (120)")
    trying.add_argument("--seed", type=int, default=0, help="of the sample (0)")
    trying.add_argument("--jobs", type=int, default=1, help="how many at a time (1)")
    trying.add_argument(
        "--minutes", type=float, default=float("inf"), help="begin none after so many"
    )
    commands.add_parser("report", help="write docs/MUTANTS.md")
    options = parser.parse_args(arguments)
    try:
        place = Workplace.here()
        processes.preload()
        if options.command == "measure":
            measure(place)
        elif options.command == "run":
            run(place, options)
        else:
            return report.main(place.results)
    except (GuideError, ResultsError, ExplanationsError, Unclear) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
