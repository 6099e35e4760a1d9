"""The cells of a guide as pytest's items: one for each cell and backend, in the guide's order."""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from conformance.guide.cells import Cell, Guide
from conformance.guide.mapping import Known
from conformance.guide.notebooks import Found, Notebook, Outcome
from conformance.guide.promises import Promise

_SETTINGS = ("FLAX_", "JAX_", "NNX_", "XLA_")  # of the subject, in the environment
_SHOWN = 160  # characters of an error's message that the line of a cell shows


@dataclass(frozen=True)
class Claims:
    """What is known of each cell by its digest, and what the claims promise."""

    known: Mapping[str, Known]
    promises: Mapping[str, Promise]

    def of(self, cell: Cell) -> tuple[str, ...]:
        """The claims that check a cell."""
        return self.known[cell.digest].claims if cell.digest in self.known else ()

    def line(self, cell: Cell) -> str:
        """The claims that check a cell, or why there are none."""
        if claims := self.of(cell):
            return f"{'claims' if claims[1:] else 'claim'}: {', '.join(claims)}"
        if cell.digest in self.known:
            return f"no claim: {self.known[cell.digest].reason}"
        return "no claim: the cell is in no transforms guide that the suite knows"

    def lines(self, cell: Cell) -> Iterator[str]:
        """The same, with what each claim promises."""
        for claim in self.of(cell):
            yield f"claim: {claim}: {self.promises[claim].sentence}"
        if not self.of(cell):
            yield self.line(cell)


class CellRaised(Exception):
    """A cell raised an error."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{outcome.error}: {outcome.message}")
        self.outcome = outcome


class CellItem(pytest.Item):
    """A cell on a backend."""

    def __init__(self, *, cell: Cell, backend: str, run: "GuideRun", **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.cell = cell
        self.backend = backend
        self.claims = run.claims
        self._run = run
        self.user_properties += [
            ("cell", str(cell.number)),
            ("place", cell.place),
            ("backend", backend),
            ("claims", ", ".join(self.claims.of(cell))),
        ]

    def runtest(self) -> None:
        """Runs the cell after all before it; raises CellRaised."""
        outcome = self._run.notebooks[self.backend].outcome(self.cell)
        for stream, text in outcome.printed:
            getattr(sys, stream).write(text)
        if outcome.skipped:
            pytest.skip(outcome.skipped)
        if outcome.error:
            raise CellRaised(outcome)

    def repr_failure(  # type: ignore[override]
        self, excinfo: pytest.ExceptionInfo[BaseException], style: None = None
    ) -> str:
        """The cell's own traceback, where it is in the guide, and its claims."""
        if not isinstance(excinfo.value, CellRaised):
            return str(super().repr_failure(excinfo, style))
        outcome = excinfo.value.outcome
        return "\n".join(
            (
                outcome.traceback.rstrip() or f"{outcome.error}: {outcome.message}",
                "",
                *([outcome.follows] if outcome.follows else []),
                f"cell:  {self.cell.number}, {self.cell.place}",
                *self.claims.lines(self.cell),
                f"rerun: {shlex.join((*self._run.command, '--', '-k', self.name))}",
            )
        )

    def reportinfo(self) -> tuple[str, int, str]:
        """Where the cell is."""
        return self.cell.file, self.cell.line - 1, self.name


class GuideNode(pytest.Collector):
    """A guide, whose items are its cells."""

    def __init__(self, *, run: "GuideRun", **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self._run = run

    def collect(self) -> Iterator[CellItem]:
        """An item for each cell of each backend, in the guide's order."""
        cells = self._run.guide.cells
        width = max(len(str(cells[-1].number)), 2)
        for backend in self._run.notebooks:
            for cell in cells:
                name = f"cell-{cell.number:0{width}}[{backend}]"
                yield CellItem.from_parent(
                    self, name=name, cell=cell, backend=backend, run=self._run
                )


class GuideRun:
    """pytest's plugin for one run of a guide."""

    def __init__(
        self,
        guide: Guide,
        found: Found,
        notebooks: Mapping[str, Notebook],
        claims: Claims,
        command: Sequence[str],
    ) -> None:
        self.guide = guide
        self.notebooks = notebooks
        self.claims = claims
        self.command = command
        self._found = found
        self._counts = {backend: Counter[str]() for backend in notebooks}
        self._lines: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        """Refuses what would take the cells apart, or look for others."""
        if getattr(config.option, "numprocesses", None) or getattr(config.option, "tx", None):
            raise pytest.UsageError("guide: its cells run one after the other: leave out -n")
        if names := config.known_args_namespace.file_or_dir:
            raise pytest.UsageError(f"guide: {names[0]}: cells are chosen by -k, not by a path")

    def pytest_report_header(self) -> list[str]:
        """What is run, and on what."""
        versions = ", ".join(
            f"{'Python' if package == 'python' else package} {version}"
            for package, version in self._found.versions.items()
        )
        settings = ", ".join(
            f"{name}={value}"
            for name, value in sorted(os.environ.items())
            if name.startswith(_SETTINGS)
        )
        backends = "; ".join(self._found.backends[name] for name in self.notebooks)
        return [
            f"guide: {self.guide.whose}, {len(self.guide.cells)} code cells",
            versions,
            f"backends: {backends}",
            *([f"settings: {settings}"] if settings else []),
        ]

    def pytest_collection(self, session: pytest.Session) -> bool:
        """Takes the cells for the items, and nothing that lies in a folder."""
        name = self.guide.file.rpartition("/")[2]
        node: GuideNode = GuideNode.from_parent(
            session,
            name=name,
            nodeid=name,
            run=self,
        )
        session.items = list(session.genitems(node))
        hook = session.config.hook
        hook.pytest_collection_modifyitems(
            session=session, config=session.config, items=session.items
        )
        hook.pytest_collection_finish(session=session)
        session.testscollected = len(session.items)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        """Counts what runs, and keeps a line of what does not."""
        report: pytest.TestReport = yield  # type: ignore[assignment]
        if isinstance(item, CellItem) and report.when == "call":
            self._counts[item.backend][report.outcome] += 1
            if report.skipped and call.excinfo:
                report.longrepr = (item.cell.file, item.cell.line, str(call.excinfo.value))
            if report.failed and call.excinfo:
                self._lines += _told(item, call.excinfo.value)
        return report  # type: ignore[return-value]

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Says which cells raise, and how many run on each backend."""
        if not any(self._counts.values()):
            return
        terminalreporter.section("guide")
        for line in (*self._lines, *self._totals()):
            terminalreporter.write_line(line)

    def _totals(self) -> Iterator[str]:
        flax = f"flax {self._found.versions['flax']}"
        whose = flax if self.guide.whose == flax else f"{self.guide.whose} on {flax}"
        for backend, counts in self._counts.items():
            executed = counts["passed"] + counts["failed"]
            left = len(self.guide.cells) - executed
            rest = f"; {left} not executed" if left else ""
            yield f"{whose}: {counts['passed']} of {executed} cells run on {backend}{rest}"


def _told(item: CellItem, error: BaseException) -> Sequence[str]:
    words = " ".join(str(error).split())
    shown = words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
    lines = [f"{item.name}  {item.cell.place}: {shown}"]
    if isinstance(error, CellRaised) and error.outcome.follows:
        lines.append(f"    {error.outcome.follows}")
    return [*lines, f"    {item.claims.line(item.cell)}"]
