"""One step of a bisection: `git bisect run` starts it in a tree of Flax, and reads its code."""

import json
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from conformance.asked import Asked, NotKnown
from conformance.bisect.standing import Standing
from conformance.harness.records import RecordError, read
from conformance.matrix.environments import install_source
from conformance.matrix.runs import run_suite
from conformance.matrix.subjects import MatrixError

_WORD = re.compile(r"(?!(and|or|not|default)$)\w[\w-]*")  # of a pattern and of a test's name
OLD, NEW, SKIP = 0, 1, 125  # what git takes the codes for
STEP = "  step: "  # how a line begins that is for the user


@dataclass(frozen=True)
class Plan:
    """What every step needs: the claim, the environment that Flax is built into, and the suite.

    `was` is the verdict of the older end. `jax` is the version that the environment has, empty
    where the index chose it.
    """

    claim: str
    pattern: str
    environment: str
    folder: str
    suite: str
    jax: str = ""
    arguments: tuple[str, ...] = ()
    limit: float = 1800
    was: str = ""

    @property
    def asked(self) -> Asked:
        """The claim or its cases."""
        return Asked(self.claim, self.pattern)

    def meaning(self, was: str) -> "Plan":
        """The plan where the older end has this verdict."""
        return replace(self, was=was)

    def write(self, path: Path) -> None:
        """Puts the plan where a step finds it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """The plan that was written."""
        told = json.loads(path.read_text("utf-8"))
        return cls(**told | {"arguments": tuple(told["arguments"])})


def selection(asked: Asked) -> tuple[str, ...]:
    """What pytest is told so that it runs no other claim, and few other cases of it."""
    words = [word for word in asked.pattern.split(",") if _WORD.fullmatch(word)]
    return ("-k", " and ".join((asked.claim.partition("/")[0], asked.test, *words)))


def take(plan: Plan, tree: Path) -> int:
    """Builds the Flax of a tree, runs what is asked for, says so, and gives git's code."""
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%h %as %s"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    environment, folder = Path(plan.environment), Path(plan.folder)
    record = folder / "step.jsonl"
    started = time.monotonic()
    try:
        install_source(environment, tree)
        arguments = (*selection(plan.asked), *plan.arguments)
        log = folder / "step.log"
        run_suite(environment, Path(plan.suite), record, log, arguments, plan.limit)
        standing = Standing.of(plan.asked, read(record))
    except (MatrixError, NotKnown, RecordError) as error:
        _say(f"{commit}: skipped: {error}")
        return SKIP
    _say(f"{commit}: {standing} ({time.monotonic() - started:.0f} s)")
    if not standing.verdict:
        return SKIP
    return OLD if standing.verdict == plan.was else NEW


def _say(line: str) -> None:
    print(f"{STEP}{line}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(take(Plan.read(Path(sys.argv[1])), Path.cwd()))
