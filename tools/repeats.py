"""Runs the suite again and again on one subject, each time another way: nothing must change.

    python tools/repeats.py [--times 20] [--busy N] [--folder DIR] [-- PYTEST ARGUMENTS]

The subject is that of the environment. A run has an order, a hash seed and a number of workers of
its own, and every other one has a machine that is busy with something else. Exits with 1 where two
records differ in anything but their order, and names the cases.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.harness import records
from conformance.harness.records import Record, RecordError, Seen

WORKERS = (2, 0, 3, 1)
_BUSY = "while True: pass"
_WITH_A_VERDICT = (0, 1)  # pytest's codes of a run that came to its end and had cases


@dataclass(frozen=True)
class Way:
    """One way to run the suite: `number` seeds both orders, that of cases and that of hashes."""

    number: int

    @property
    def workers(self) -> int:
        """How many processes run the cases; 0 is pytest's own."""
        return WORKERS[self.number // 2 % len(WORKERS)]

    @property
    def is_loaded(self) -> bool:
        """Whether every processor has something else to do beside."""
        return self.number % 2 == 1

    @property
    def arguments(self) -> list[str]:
        """What pytest is told."""
        order = ("--random-order-bucket=global", f"--random-order-seed={self.number}")
        return [f"-n{self.workers}", *order]

    def __str__(self) -> str:
        load = ", under load" if self.is_loaded else ""
        return f"order and hash seed {self.number}, -n{self.workers}{load}"


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Keeps so many processes busy."""
    busy = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run(way: Way, folder: Path, arguments: Sequence[str], busy: int) -> Record:
    """The record of a run; raises RecordError where it came to no end.

    `busy` is how many processes a loaded machine has to do with beside.
    """
    path, log = folder / f"{way.number}.jsonl", folder / f"{way.number}.log"
    path.unlink(missing_ok=True)
    own = ["-q", "-p", "no:cacheprovider", "--record", str(path)]
    command = [sys.executable, "-m", "pytest", *own, *way.arguments, *arguments]
    environ = os.environ | {"PYTHONHASHSEED": str(way.number)}
    with log.open("w", encoding="utf-8") as words, load(way.is_loaded * busy):
        code = subprocess.run(
            command, env=environ, stdout=words, stderr=subprocess.STDOUT, check=False
        ).returncode
    if code not in _WITH_A_VERDICT:
        raise RecordError(f"the run ended with {code}: see {log}")
    return records.read(path)


def differing(one: Mapping[str, Seen], other: Mapping[str, Seen]) -> list[str]:
    """The cases that two records do not tell alike, and in what."""
    lines = []
    for case in sorted({*one, *other}):
        if case not in one or case not in other:
            lines.append(f"{case}: in one of them only")
        elif one[case] != other[case]:
            fields = vars(one[case]).items()
            parts = [name for name, value in fields if value != getattr(other[case], name)]
            lines.append(f"{case}: another {', another '.join(parts)}")
    return lines


def main(arguments: Sequence[str]) -> int:
    """Runs, compares, and says what differs; 0 where nothing does."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=20, help="how many runs")
    parser.add_argument(
        "--busy",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many processes are a load; by default one per processor",
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(".conformance/repeats"), help="for records and logs"
    )
    parser.add_argument("pytest", nargs="*", default=["--pyargs", "conformance"])
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    first: Record | None = None
    found = 0
    for way in map(Way, range(options.times)):
        try:
            record = run(way, options.folder, options.pytest, options.busy)
        except RecordError as error:
            print(f"{way}: {error}")  # noqa: T201
            return 1
        first = first or record
        lines = differing(first.cases, record.cases)
        if record.header != first.header:
            lines.append("another subject, or other backends")
        found += bool(lines)
        print(f"{way}: {len(record.cases)} cases, {len(lines) or 'none'} differ", flush=True)  # noqa: T201
        for line in lines:
            print(f"  {line}", flush=True)  # noqa: T201
    print(f"{options.times} runs, {found or 'none'} unlike the first")  # noqa: T201
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
