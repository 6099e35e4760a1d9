"""Reach: which test of a suite runs through which lines, and how long it takes."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coverage import CoverageData


@dataclass(frozen=True)
class Reach:
    """A suite as it was seen on the Flax that is installed.

    Args:
      seconds: CPU seconds of each test.
      lines: by file, relative to the package, and line, the tests that run it.
    """

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, frozenset[str]]]

    def through(self, file: str, first: int, last: int) -> set[str]:
        """The tests that run one of these lines."""
        lines = self.lines.get(file, {})
        return {test for line in range(first, last + 1) for test in lines.get(line, ())}

    def ordered(self, tests: Iterable[str]) -> list[str]:
        """The cheapest case of each test, cheap ones first; then the next of each; and so on."""
        cases = defaultdict(list)
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            cases[group(test)].append(test)
        rounds = {test: number for each in cases.values() for number, test in enumerate(each)}
        return sorted(rounds, key=lambda test: (rounds[test], self.seconds[test], test))


def group(test: str) -> str:
    """The test that a parametrized one is a case of: pytest's brackets, absl's number."""
    return re.sub(r"(\[.*|\d+)$", "", test, flags=re.DOTALL)


def load(flax: Path, coverage: Path, events: Path) -> Reach:
    """The reach that a measuring run of the plugin left in two files; raises OSError."""
    coverage.stat()  # written when all is over
    seconds = {}
    for told in events.read_text("utf-8").splitlines():
        event, test, took = json.loads(told)
        if event == "passed":
            seconds[test] = took
    data = CoverageData(str(coverage))
    data.read()
    lines: dict[str, dict[int, frozenset[str]]] = {}
    same: dict[frozenset[str], frozenset[str]] = {}  # most lines of a file have the same tests
    for name in data.measured_files():
        of_file = lines[Path(name).relative_to(flax).as_posix()] = {}
        for line, contexts in data.contexts_by_lineno(name).items():
            tests = frozenset(contexts).intersection(seconds)
            if tests:
                of_file[line] = same.setdefault(tests, tests)
    return Reach(seconds, lines)
