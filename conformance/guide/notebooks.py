"""The cells of a guide, run in order in a process of their own; and what came of each."""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from conformance.guide import kernel, probe
from conformance.guide.cells import MAY_RAISE, SKIPPED, Cell, NotPython, python_of
from conformance.guide.passages import GuideError
from conformance.harness import environment

_GRACE = 10  # seconds after which a process that does not end itself is ended


@dataclass(frozen=True)
class Found:
    """What a Python has: the versions of Flax, JAX, jaxlib and itself, and a line per backend."""

    versions: Mapping[str, str]
    backends: Mapping[str, str]

    def environ(self, backend: str) -> dict[str, str]:
        """The variables under which JAX takes this backend for its default."""
        environ = _environ()
        if backend != next(iter(self.backends)):
            environ["JAX_PLATFORMS"] = backend if backend == "cpu" else f"{backend},cpu"
        return environ


def look(python: str) -> Found:
    """What this Python has; raises GuideError where it lacks Flax or JAX, or is none."""
    try:
        ended = subprocess.run(
            [python, "-P", probe.__file__],
            env=_environ(),
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise GuideError(f"{python}: {error.strerror}") from None
    try:
        said: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        words = (ended.stderr.splitlines() or [f"ended with {ended.returncode}"])[-1]
        raise GuideError(f"{python}: cannot be asked for its Flax: {words}") from None
    if "refused" in said:
        raise GuideError(f"{python}: {said['refused']}")
    return Found(**said)


def _environ() -> dict[str, str]:
    environ = dict(os.environ)
    if "PYTHONPATH" in environ:  # which says the same wherever a process is started
        paths = filter(None, environ["PYTHONPATH"].split(os.pathsep))
        environ["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in paths)
    environment.prepare(environ)
    return environ


@dataclass(frozen=True)
class Outcome:
    """What came of a cell: its error, if it raised one, and what was printed meanwhile.

    `skipped` says why a cell is none to run. `follows` says which earlier cell the error comes
    from, where it does. `line` is where the cell stopped, and `ended` whether the process did.
    """

    error: str = ""
    message: str = ""
    name: str | None = None
    line: int = 0
    traceback: str = ""
    printed: tuple[tuple[str, str], ...] = ()
    skipped: str = ""
    follows: str = ""
    ended: bool = False


class Notebook:
    """The cells of a guide on one backend. It is a context manager."""

    def __init__(
        self, cells: Sequence[Cell], python: str, environ: Mapping[str, str], limit: float
    ) -> None:
        self._cells = cells
        self._python = python
        self._environ = environ
        self._limit = limit
        self._outcomes: dict[Cell, Outcome] = {}
        self._unbound: dict[str, Cell] = {}  # the names that a cell failed to define
        self._process: _Process | None = None

    def __enter__(self) -> "Notebook":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def outcome(self, cell: Cell) -> Outcome:
        """What comes of a cell after all before it, which are run first if they have not been."""
        for each in self._cells[: self._cells.index(cell) + 1]:
            if each not in self._outcomes:
                outcome = self._run(each)
                self._outcomes[each] = self._explained(each, outcome)
        return self._outcomes[cell]

    def close(self) -> None:
        """Ends the process."""
        if self._process:
            self._process.close()
            self._process = None

    def _run(self, cell: Cell) -> Outcome:
        if SKIPPED in cell.tags:
            return Outcome(skipped=f"the guide tags it {SKIPPED}")
        try:
            python_of(cell.source)
        except NotPython as error:
            return Outcome(skipped=str(error))
        try:
            process = self._process or self._started()
            outcome = process.run(cell, self._limit)
        except _Ended as error:
            self.close()
            printed = tuple(error.printed)
            return Outcome("ProcessEnded", str(error), printed=printed, ended=True)
        if outcome.error and MAY_RAISE in cell.tags:
            told = ("stderr", outcome.traceback)
            return Outcome(printed=(*outcome.printed, told), line=outcome.line)
        return outcome

    def _started(self) -> "_Process":
        """A process in which the cells so far have run, but for those that end it."""
        self._process = process = _Process(self._python, self._environ)
        for cell, before in self._outcomes.items():
            if not (before.skipped or before.ended):
                process.run(cell, self._limit)
        return process

    def _explained(self, cell: Cell, outcome: Outcome) -> Outcome:
        """Says of an error which earlier one it follows from, and keeps what this cell lacks."""
        if outcome.skipped:
            return outcome
        stopped = outcome.error or outcome.line  # the latter where the guide expects it to raise
        lacking = cell.names(after=outcome.line) if stopped else frozenset()
        earlier = {name: self._unbound[name] for name in cell.borrowed() if name in self._unbound}
        for name in cell.names() - lacking:
            self._unbound.pop(name, None)
        self._unbound |= dict.fromkeys(lacking, cell)
        if not outcome.error or not earlier:
            return outcome
        if outcome.name in earlier:
            number = earlier[outcome.name].number
            return replace(outcome, follows=f"follows from cell {number}, which defines it")
        numbers = ", ".join(f"`{name}` of cell {by.number}" for name, by in sorted(earlier.items()))
        return replace(outcome, follows=f"may follow from what is not there anew: {numbers}")


class _Ended(Exception):
    """The process ended, or did not in time; the message says how. `printed` is what it said."""

    def __init__(self, message: str, printed: Sequence[tuple[str, str]]) -> None:
        super().__init__(message)
        self.printed = printed


class _Process:
    """A kernel, in an empty folder that goes with it."""

    def __init__(self, python: str, environ: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="guide-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [python, "-P", kernel.__file__],
            env=environ,
            cwd=self._folder.name,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # an interrupt is for us
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._answers.put(line)
        self._answers.put("")  # the end

    def run(self, cell: Cell, limit: float) -> Outcome:
        """Runs a cell; raises _Ended where it takes the process along, or more time than that."""
        assert self._process.stdin
        request = {
            "file": cell.file,
            "line": cell.line,
            "source": python_of(cell.source),
            "limit": limit,
        }
        printed: list[tuple[str, str]] = []
        started = time.monotonic()
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            while answer := self._answers.get(timeout=limit + _GRACE if limit else None):
                said = json.loads(answer)
                if "done" in said:
                    return Outcome(**said["done"] or {}, printed=tuple(printed))
                printed.append((said["stream"], said["text"]))
        except (queue.Empty, BrokenPipeError):
            self._process.kill()
        code = self._process.wait()
        if limit and time.monotonic() - started >= limit:
            raise _Ended(f"still running after {limit:g} s", printed)
        raise _Ended(f"the process ended with {_named(code)}", printed)

    def close(self) -> None:
        """Ends it, and removes its folder."""
        assert self._process.stdin
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._process.stdin.close()
        self._folder.cleanup()


def _named(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"exit code {code}"
