"""What runs inside pytest, beside either suite: only the tests of a plan, each within its time.

    python -m pytest -p tools.mutants.plugin --plan PLAN ...

It imports neither Flax nor JAX: a mutant may fail to be imported.
"""

import importlib.util
import json
import math
import resource
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest

IMPORTING = 120.0  # CPU seconds until the first test begins


@dataclass(frozen=True)
class Plan:
    """What pytest is to do.

    Args:
      flax: the folder of the package that must be the subject.
      events: the file that is told, line by line, what happens.
      tests: the ids of the tests to run, in order, each with its CPU seconds at most; without them
        all run, for as long as they like.
      coverage: the file for the lines of `flax` that each test runs, if they are wanted.
    """

    flax: str
    events: str
    tests: dict[str, float] = field(default_factory=dict)
    coverage: str = ""

    def write(self, path: Path) -> None:
        """Writes the plan to a file."""
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, path: Path) -> "Plan":
        """The plan in a file."""
        return cls(**json.loads(path.read_text("utf-8")))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option that names the plan."""
    parser.addoption("--plan", type=Path, required=True)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Looks at the subject before a suite imports it."""
    plan = Plan.read(config.option.plan)
    found = importlib.util.find_spec("flax")
    if found is None or found.origin is None or Path(found.origin).parent != Path(plan.flax):
        raise pytest.UsageError(f"the subject is {found and found.origin}, not {plan.flax}")
    config.pluginmanager.register(Planned(plan), "planned")


class Planned:
    """The hooks of a planned run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._events = Path(plan.events).open("w", encoding="utf-8")  # noqa: SIM115
        self._failed: set[str] = set()
        self._tell("configured")
        self._allow(IMPORTING if plan.tests else 0)
        self._coverage = None
        if plan.coverage:
            from coverage import Coverage

            source = [plan.flax]
            self._coverage = Coverage(data_file=plan.coverage, source=source, config_file=False)
            self._coverage.start()

    def _tell(self, event: str, test: str = "", seconds: float = 0.0) -> None:
        self._events.write(json.dumps([event, test, round(seconds, 3)]) + "\n")
        self._events.flush()

    def _allow(self, seconds: float) -> None:
        """Has the system end the process that takes more CPU time than this from now on."""
        if seconds:
            soft = math.ceil(time.process_time() + seconds)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.signal(signal.SIGXCPU, signal.SIG_DFL)
            hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Takes the tests of the plan, in its order; none where a file could not be imported."""
        if not self.plan.tests or session.testsfailed:
            return
        found = {item.nodeid: item for item in items}
        if missing := [name for name in self.plan.tests if name not in found]:
            self._tell("missing", missing[0])
            raise pytest.UsageError(f"{len(missing)} tests are not here, such as {missing[0]}")
        chosen = [found.pop(name) for name in self.plan.tests]
        config.hook.pytest_deselected(items=list(found.values()))
        items[:] = chosen

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Times a test, and tells what became of it."""
        self._allow(self.plan.tests.get(item.nodeid, 0))
        self._tell("began", item.nodeid)
        started = time.process_time()
        if self._coverage:
            self._coverage.switch_context(item.nodeid)
        result: object = yield
        if self._coverage:
            self._coverage.switch_context("")
        word = "failed" if item.nodeid in self._failed else "passed"
        self._tell(word, item.nodeid, time.process_time() - started)
        return result  # type: ignore[return-value]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remembers a failure, of whatever phase."""
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_unconfigure(self) -> None:
        """Saves what was covered."""
        if self._coverage:
            self._coverage.stop()
            self._coverage.save()
        self._events.close()
