"""Suites: two bodies of tests that judge a Flax, each by pytest in a process of its own."""

import json
import math
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from tools.mutants.plugin import IMPORTING, Plan
from tools.mutants.processes import Ended, Run
from tools.mutants.reach import Reach, load

CHECKOUT = Path(__file__).parent.parent.parent
MORE_SECONDS = 30  # of CPU that a test may take beyond three times what it takes otherwise


class End(StrEnum):
    """How a run ended: all its tests passed, or what made an end of it."""

    SURVIVED = "survived"
    UNREACHED = "unreached"
    TEST = "test"
    IMPORT = "import"
    TIME = "time"
    PROCESS = "process"


@dataclass(frozen=True)
class Outcome:
    """What a suite makes of a mutant.

    Args:
      end: how its run ended.
      by: the test that was running then.
      cpu: the CPU seconds of the process, from its start.
      begun: how many tests had begun.
      through: how many tests run through the mutated lines; where none of those that began
        failed, and these are more, the suite has not had its say yet.
    """

    end: End
    by: str
    cpu: float
    begun: int
    through: int

    @property
    def killed(self) -> bool:
        """Whether the suite noticed."""
        return self.end not in (End.SURVIVED, End.UNREACHED)

    @property
    def final(self) -> bool:
        """Whether more tests could change nothing."""
        return self.killed or self.begun == self.through


NOTHING = Outcome(End.UNREACHED, "", 0.0, 0, 0)


class Unclear(Exception):
    """A run says nothing of the mutant; the message is one line, and names the log."""


@dataclass(frozen=True)
class Suite:
    """Tests for pytest.

    Args:
      name: of its files in the workplace.
      root: pytest's root folder, where it runs.
      tests: what pytest is to collect, relative to the root.
      options: what else pytest is told.
    """

    name: str
    root: Path
    tests: tuple[str, ...]
    options: tuple[str, ...] = ()

    def measure(self, flax: Path, folder: Path) -> tuple[Reach, list[str]]:
        """Runs all tests on an unharmed Flax, for their reach; gives those that fail there too."""
        plan = Plan(
            str(flax),
            str(folder / f"{self.name}.events"),
            coverage=str(folder / f"{self.name}.coverage"),
        )
        Path(plan.coverage).unlink(missing_ok=True)
        ended, log = self._run(flax, folder, plan, self.tests, (), 3600)
        told = _events(plan)
        if ended.code not in (0, 1) or ["configured", ""] not in [event[:2] for event in told]:
            raise Unclear(f"{self.name}: the run ended with {ended.code}: see {log}")
        return self.measured(flax, folder)

    def measured(self, flax: Path, folder: Path) -> tuple[Reach, list[str]]:
        """What `measure` has left in a folder; raises OSError where it has not."""
        events = folder / f"{self.name}.events"
        told = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
        failed = [test for event, test, _ in told if event == "failed"]
        return load(flax, folder / f"{self.name}.coverage", events), failed

    def judge(
        self,
        flax: Path,
        folder: Path,
        through: Mapping[str, float],
        before: Outcome = NOTHING,
        seconds: float = math.inf,
    ) -> Outcome:
        """Runs tests until one fails; each may take three times what it does, and MORE_SECONDS.

        Args:
          flax: the mutant.
          folder: for what the run leaves.
          through: the tests that run through the mutated lines, in order, with their CPU seconds on
            the unharmed Flax.
          before: what those that have been run already made of it.
          seconds: for how long the others may run on an unharmed Flax, all together.

        Raises:
          Unclear: the run says nothing.
        """
        tests: dict[str, float] = {}
        for test in list(through)[before.begun :]:
            if tests and sum(tests.values()) + through[test] > seconds:
                break
            tests[test] = through[test]
        if before.killed or not tests:
            return before
        limits = {test: 3 * seconds + MORE_SECONDS for test, seconds in tests.items()}
        plan = Plan(str(flax), str(folder / f"{self.name}.events"), limits)
        files = tuple(dict.fromkeys(test.partition("::")[0] for test in tests))
        # The machine may be busy: what computes is ended by its CPU seconds, what waits by these.
        patience = 10 * (sum(tests.values()) + IMPORTING)
        ended, log = self._run(flax, folder, plan, files, ("-x",), patience)
        try:
            found = outcome(ended, _events(plan), len(tests))
        except Unclear as error:
            raise Unclear(f"{self.name}: {error}: see {log}") from None
        return replace(
            found,
            cpu=round(before.cpu + found.cpu, 1),
            begun=before.begun + found.begun,
            through=len(through),
        )

    def _run(
        self,
        flax: Path,
        folder: Path,
        plan: Plan,
        tests: Sequence[str],
        options: Sequence[str],
        patience: float,
    ) -> tuple[Ended, Path]:
        folder.mkdir(parents=True, exist_ok=True)
        file, log = folder / f"{self.name}.plan", folder / f"{self.name}.log"
        Path(plan.events).unlink(missing_ok=True)
        plan.write(file)
        arguments = [
            *("-q", "-p", "no:cacheprovider", "-p", "tools.mutants.plugin", f"--plan={file}"),
            # What lies above the root, such as the settings and the conftest of a checkout, is of
            # another suite.
            *("-c", os.devnull, f"--rootdir={self.root}", f"--confcutdir={self.root}"),
            *(*self.options, *options, *tests),
        ]
        paths = (flax.parent, self.root, CHECKOUT)
        return Run(arguments, self.root, paths, log, patience).end(), log


def outcome(ended: Ended, events: Sequence[Sequence[str]], planned: int) -> Outcome:
    """What an ended run, and what it told, say of a mutant; raises Unclear."""
    words = [event for event, *_ in events]
    if "configured" not in words:
        raise Unclear(f"pytest ended with {ended.code} before it began")
    if "missing" in words:
        raise Unclear(f"there is no test {events[words.index('missing')][1]}")
    begun = [test for event, test, *_ in events if event == "began"]
    failed = [test for event, test, *_ in events if event == "failed"]

    def tell(end: End, by: str = "") -> Outcome:
        return Outcome(end, by, round(ended.cpu, 1), len(begun), planned)

    if ended.too_long or ended.code == -signal.SIGXCPU:
        return tell(End.TIME, begun[-1] if begun else "")
    if failed:
        return tell(End.TEST, failed[0])
    if not begun and ended.code:
        return tell(End.IMPORT)
    passed = words.count("passed")
    if ended.code or passed < len(begun):
        return tell(End.PROCESS, begun[-1])
    if passed < planned:
        raise Unclear(f"{passed} of {planned} tests passed, none failed")
    return tell(End.SURVIVED)


def _events(plan: Plan) -> list[list[str]]:
    try:
        text = Path(plan.events).read_text("utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines()]
