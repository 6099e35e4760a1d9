"""Runs: the suite on one subject in a process of its own, and what became of it."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from conformance.harness.deviations import Deviation
from conformance.harness.records import Record, RecordError, read
from conformance.harness.verdicts import FINDINGS, Verdict
from conformance.matrix.environments import SETTINGS, interpreter, make
from conformance.matrix.subjects import MatrixError, Wanted
from conformance.report.judging import Judged, judge_again

_NOT_OURS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
_WITH_A_VERDICT = (0, 1, 5)  # pytest's codes of a run that came to its end


@dataclass(frozen=True)
class Result:
    """What became of a subject: a whole record and its judgement, or why there is none."""

    wanted: Wanted
    record: Record
    judged: Judged
    seconds: float = 0.0
    kept: bool = False

    @property
    def verdicts(self) -> Counter[Verdict]:
        """How many cases have which verdict."""
        return Counter(self.judged.verdicts.values())

    @property
    def problems(self) -> list[str]:
        """What somebody must look at: a line for each claim at fault, or for the whole run."""
        found = Counter(
            (verdict, case.partition("[")[0])
            for case, verdict in self.judged.verdicts.items()
            if verdict in FINDINGS
        )
        lines = [f"{verdict}: {claim} ({n} cases)" for (verdict, claim), n in sorted(found.items())]
        if not set(self.verdicts) - {Verdict.NOT_APPLICABLE}:
            lines.append("no case was executed")
        if self.record.footer.full:
            lines += [f"{deviation.source} explains no case" for deviation in self.judged.idle]
        return lines


@dataclass(frozen=True)
class Failed:
    """A subject that could not be made or tested, and a line that says why."""

    wanted: Wanted
    problem: str

    @property
    def problems(self) -> list[str]:
        """That line."""
        return [self.problem]


@dataclass(frozen=True)
class Workplace:
    """A folder with the environments, records and logs of a matrix, and how its runs are made.

    `suite` is the copy of the suite that runs. A run records the raw truth; by `known` it is
    judged afterwards, so that an edit there asks for no run. `arguments` go to pytest; a run that
    takes longer than `limit` seconds is ended. Records and logs are kept in the folder's folder
    of the name `kept_in`.
    """

    folder: Path
    suite: Path
    known: tuple[Deviation, ...] = ()
    arguments: tuple[str, ...] = ()
    limit: float = 1800
    kept_in: str = "records"

    def run(self, wanted: Wanted) -> Result | Failed:
        """Runs the suite on a subject, unless the record of that very run is still here."""
        ticket, record = self._file(wanted, "ticket.json"), self._file(wanted, "jsonl")
        asked = self._asked(wanted)
        try:
            if json.loads(ticket.read_text("utf-8")) == asked:
                return replace(self._judged(wanted, record), kept=True)
        except (OSError, ValueError, RecordError):
            pass  # nothing is kept, or nothing that can be used
        ticket.unlink(missing_ok=True)  # what is written from here on is of another run
        started = time.monotonic()
        try:
            place = self._environment(wanted)
            make(place, wanted.requirements, wanted.pythons, prerelease=wanted.prerelease)
            self._run(wanted, record)
            result = self._judged(wanted, record)
        except (MatrixError, RecordError) as error:
            return Failed(wanted, str(error))
        ticket.write_text(json.dumps(asked), "utf-8")
        return replace(result, seconds=time.monotonic() - started)

    def _judged(self, wanted: Wanted, path: Path) -> Result:
        record = read(path)
        return Result(wanted, record, judge_again(record, self.known))

    def _environment(self, wanted: Wanted) -> Path:
        return self.folder / "environments" / wanted.name

    def _file(self, wanted: Wanted, suffix: str) -> Path:
        place = self.folder / self.kept_in
        place.mkdir(parents=True, exist_ok=True)
        return place / f"{wanted.name}.{suffix}"

    def _asked(self, wanted: Wanted) -> dict[str, Any]:
        """All that a record depends on, as JSON gives it back."""
        arguments = list(self.arguments)
        return {"subject": asdict(wanted), "suite": self.suite.name, "arguments": arguments}

    def _run(self, wanted: Wanted, record: Path) -> None:
        """Raises MatrixError where the run says that there is nothing to test, or does not end."""
        environment, log = self._environment(wanted), self._file(wanted, "log")
        run_suite(environment, self.suite, record, log, self.arguments, self.limit)


def run_suite(
    environment: Path,
    suite: Path,
    record: Path,
    log: Path,
    arguments: Sequence[str],
    limit: float,
) -> None:
    """Runs a copy of the suite in an environment; its record has the raw truth.

    Raises MatrixError where the run says that there is nothing to test, or does not end in
    `limit` seconds.
    """
    record.unlink(missing_ok=True)
    command = [
        *(str(interpreter(environment)), "-m", "pytest"),
        *suite_arguments(suite, record),
        *("-q", "--no-known-deviations"),
        *arguments,
    ]
    with log.open("w", encoding="utf-8") as words:
        try:
            ended = subprocess.run(
                command,
                cwd=log.parent,
                env=suite_environment(suite),
                stdout=words,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MatrixError(f"did not end in {limit:.0f} s: see {log}") from None
    if ended.returncode not in _WITH_A_VERDICT:
        said = log.read_text("utf-8", errors="replace").splitlines()
        refusals = (line for line in said if line.startswith("ERROR: "))
        why = next(refusals, f"ended with {ended.returncode}: see {log}")
        raise MatrixError(why.removeprefix("ERROR: "))


def suite_arguments(
    suite: Path, record: Path, targets: Sequence[str] = ("conformance",)
) -> list[str]:
    """What pytest is told so that it runs the copy that `suite_environment` shows it.

    The copy has settings of its own. Of a checkout that the folder is in neither settings nor a
    conftest count: Flax's, and JAX's, make errors of warnings.
    """
    own = ["-c", str(suite / SETTINGS), "--rootdir", str(suite), "--noconftest"]
    # Where the suite is installed beside the subject, it is the copy that runs all the same.
    plugins = ["-p", "no:nnx-conformance", "-p", "nnx_conformance", "-p", "no:cacheprovider"]
    return [*own, *plugins, "--record", str(record), "--pyargs", *targets]


def suite_environment(suite: Path) -> dict[str, str]:
    """The process's own variables, with a copy of the suite for Python to find.

    What a developer or a CI tells pytest by them is for runs of its own.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    return kept | {"PYTHONPATH": str(suite)}
