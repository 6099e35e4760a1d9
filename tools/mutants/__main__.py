"""Mutates the installed Flax, and has our suite and Flax's own tests look at every mutant.

    python -m tools.mutants measure          # which test runs through which lines: once
    python -m tools.mutants run --count 120  # goes on where it was
    python -m tools.mutants report           # writes docs/MUTANTS.md

The installed Flax stays as it is: a mutant is a copy, which Python finds first. All that is made
is in .conformance/mutants.
"""

import argparse
import importlib.util
import math
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
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
from tools.mutants.suites import NOTHING, Suite, Unclear

FOLDER = Path(".conformance/mutants")
THEIR_FILES = ("tests/nnx/transforms_test.py", "tests/nnx/rngs_test.py")
_BESIDE_THEM = ("tests/nnx/__init__.py",)

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


def candidates(flax: Path, suites: Sequence[Reach] | None, examples: Reach) -> Iterator[Mutant]:
    """Every mutation of what the guide's own examples run through, or tests of all the suites.

    Elsewhere, one of the suites could notice nothing: in other modes than the default, or in what
    transforms are not about. Without suites, the examples alone decide.
    """

    def is_run(file: str, first: int, last: int) -> bool:
        if examples.through(file, first, last):
            return True
        return suites is not None and all(suite.through(file, first, last) for suite in suites)

    for pattern in MACHINERY:
        for path in sorted(flax.glob(pattern)):
            file = path.relative_to(flax).as_posix()
            for found in mutations(path.read_bytes()):
                if is_run(file, found.first, found.last):
                    yield Mutant(file, found)


@dataclass
class Trial:
    """A run over the first mutants of a sample, of which some may have been tried before."""

    place: Workplace
    options: argparse.Namespace

    def __post_init__(self) -> None:
        kept = {(tried.suite, tried.key): tried for tried in results.read(self.place.results)}
        self.place.folder.mkdir(parents=True, exist_ok=True)
        results.write(self.place.results, list(kept.values()))
        self._suites = (self.place.ours(), self.place.theirs())
        self._digest = self._suites[0].root.name
        *self._reaches, self._examples = (
            self.place.reach(suite)[0] for suite in (*self._suites, self.place.guide())
        )
        self._known = {key: tried for (suite, key), tried in kept.items() if suite == self._digest}
        self._end = time.monotonic() + 60 * self.options.minutes
        self._lock = Lock()

    def run(self) -> None:
        """Tries mutants, several at a time, until all are tried or the time is over."""
        suites = None if self.options.guide else self._reaches
        found = list(candidates(self.place.flax, suites, self._examples))
        mutants = ordered(found, self.options.seed)
        able = (mutant for mutant in mutants if compiles(mutant.mutation, self._source(mutant)))
        queue = filter(self._is_wanted, islice(able, self.options.count))
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for future in [pool.submit(self._work, n, queue) for n in range(self.options.jobs)]:
                future.result()

    def _source(self, mutant: Mutant) -> bytes:
        return (self.place.flax / mutant.file).read_bytes()

    def _is_wanted(self, mutant: Mutant) -> bool:
        known = self._known.get(mutant.key)
        return not known or (
            self.options.seconds == math.inf and not (known.ours.final and known.theirs.final)
        )

    def _work(self, number: int, queue: Iterator[Mutant]) -> None:
        folder = self.place.folder / f"worker-{number}"
        copy = Copy.make(self.place.flax, folder)
        self._check(copy, folder)
        while True:
            with self._lock:
                mutant = next(queue, None) if time.monotonic() < self._end else None
            if mutant is None:
                return
            with copy.with_file(mutant.file, mutant.mutation.apply(self._source(mutant))):
                tried = self._try(mutant, copy, folder)
            with self._lock:
                results.append(self.place.results, tried)
                _say(tried)

    def _check(self, copy: Copy, folder: Path) -> None:
        """Raises Unclear where a suite would kill what is no mutant."""
        for suite, reach in zip(self._suites, self._reaches, strict=True):
            test = reach.ordered(reach.seconds)[0]
            found = suite.judge(copy.package, folder, {test: reach.seconds[test]})
            if found.killed:
                raise Unclear(f"{suite.name}: kills what is no mutant: see {folder}")

    def _try(self, mutant: Mutant, copy: Copy, folder: Path) -> Tried:
        does, known = mutant.mutation, self._known.get(mutant.key)
        earlier = (known.ours, known.theirs) if known else (NOTHING, NOTHING)
        outcomes = []
        for suite, reach, before in zip(self._suites, self._reaches, earlier, strict=True):
            through = reach.ordered(reach.through(mutant.file, does.first, does.last))
            tests = {test: reach.seconds[test] for test in through}
            outcomes.append(suite.judge(copy.package, folder, tests, before, self.options.seconds))
        in_guide = bool(self._examples.through(mutant.file, does.first, does.last))
        return Tried.of(mutant, self.place.subject, self._digest, in_guide, *outcomes)


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
    trying.add_argument(
        "--guide", action="store_true", help="only in lines that the guide's own examples run"
    )
    trying.add_argument("--jobs", type=int, default=1, help="how many at a time (1)")
    trying.add_argument("--minutes", type=float, default=math.inf, help="begin none after so many")
    trying.add_argument(
        "--seconds",
        type=float,
        default=math.inf,
        help="of CPU that either suite has for a mutant in this run; another run may go on there",
    )
    commands.add_parser("report", help="write docs/MUTANTS.md")
    options = parser.parse_args(arguments)
    try:
        place = Workplace.here()
        processes.preload()
        if options.command == "measure":
            measure(place)
        elif options.command == "run":
            Trial(place, options).run()
        else:
            return report.main(place.results)
    except (GuideError, ResultsError, ExplanationsError, Unclear) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
