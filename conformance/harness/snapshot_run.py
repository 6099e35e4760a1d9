"""What becomes of snapshots in a run: which were written, which belong to no case."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from conformance.harness import snapshot_files
from conformance.harness.claims import CaseKey
from conformance.harness.snapshot_files import MalformedSnapshots

PACKAGE = Path(__file__).parent.parent


class SnapshotRun:
    """The snapshots of one run, as the process that controls it sees them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._updates = config.option.update_snapshots or config.option.update_new_snapshots_only
        self.missing = 0  # cases that held, and have no snapshot to be held against
        self._problems: list[str] = []
        self._notes: list[str] = []

    def finish(self, cases: Iterable[str], full: bool) -> bool:
        """Ends the run; gives whether all is well.

        Of a `full` run of these cases, what belongs to none of them is removed where snapshots are
        updated, and a problem where they are not, or where only new ones are written.
        """
        syrupy = self._config.pluginmanager.unregister(name="syrupy")  # what it would say is ours
        if self._updates and syrupy:
            report = self._config._syrupy.report  # type: ignore[attr-defined]
            self._notes.append(
                f"snapshots: {report.num_created} made, {report.num_updated} changed; "
                "a case that did not pass, or is a known deviation, leaves its snapshot alone"
            )
        if full:
            names = {snapshot_files.name_of(CaseKey.parse(case)) for case in cases}
            for path in sorted(PACKAGE.glob("*/__snapshots__/*.txt")):
                self._clear(path, names)
        return not self._problems

    def _clear(self, path: Path, names: set[str]) -> None:
        try:
            stored = snapshot_files.read(path)
        except MalformedSnapshots as error:
            self._problems.append(str(error))
            return
        used = {n: text for n, text in stored.items() if snapshot_files.base_of(n) in names}
        if not (names_of_none := sorted(stored.keys() - used.keys())):
            return
        first, *others = names_of_none
        named = f"{first} and {len(others)} more" if others else first
        line = f"{path.relative_to(PACKAGE.parent)}: no case has the snapshot {named}"
        if self._config.option.update_snapshots:
            snapshot_files.write(path, used)
            self._notes.append(f"{line}: removed")
        else:
            self._problems.append(line)

    def say(self, terminal: pytest.TerminalReporter) -> None:
        """Says at the end of the run what happened."""
        if self.missing and not self._updates:
            terminal.write_line(f"{self.missing} cases held that have no snapshot")
        for line in self._notes:
            terminal.write_line(line)
        for line in self._problems:
            terminal.write_line(line, red=True)
