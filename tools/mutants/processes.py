"""Processes: one run of pytest, its end and its price.

Importing JAX takes longer than most runs take. It is done once, in a process that every run is
forked from; Flax is not, since that is what is mutated.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

PRELOADED = ("jax", "optax", "orbax.checkpoint", "pytest")  # no part of Flax, nor what imports it
_CONTEXT = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (of a signal, the negative number), and CPU seconds."""

    code: int
    cpu: float
    too_long: bool = False


@dataclass(frozen=True)
class Run:
    """A run of pytest.

    Args:
      arguments: what pytest is told.
      folder: where it runs.
      paths: where Python looks first.
      log: the file for its words.
      patience: how many seconds it may take, whether it computes or waits.
    """

    arguments: Sequence[str]
    folder: Path
    paths: Sequence[Path]
    log: Path
    patience: float

    def end(self) -> Ended:
        """Runs it, and waits for its end."""
        here, there = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=self._watch, args=(there,))
        process.start()
        there.close()
        try:
            ended: Ended = here.recv()
        except BaseException:
            process.terminate()
            raise
        finally:
            process.join()
        return ended

    def _watch(self, pipe: Connection) -> None:
        """Makes the run a process of its own, which may end as it likes, and tells how it did."""
        child = os.fork()
        if not child:
            self._become()
        overdue = threading.Event()

        def kill(*_: object) -> None:
            overdue.set()
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

        signal.signal(signal.SIGTERM, kill)
        timer = threading.Timer(self.patience, kill)
        timer.daemon = True
        timer.start()
        _, status, usage = os.wait4(child, 0)
        timer.cancel()
        cpu = usage.ru_utime + usage.ru_stime
        pipe.send(Ended(os.waitstatus_to_exitcode(status), cpu, overdue.is_set()))

    def _become(self) -> None:
        """Runs pytest in this process, and ends it."""
        with self.log.open("wb") as words:
            os.dup2(words.fileno(), 1)
            os.dup2(words.fileno(), 2)
        os.chdir(self.folder)
        paths = [str(path) for path in self.paths]
        sys.path[:0] = paths
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        os.environ.pop("PYTEST_ADDOPTS", None)
        import pytest

        code = 70  # of no meaning to pytest
        try:
            # What is imported already is not what the paths say.
            if not {"conformance", "flax"} & set(sys.modules):
                code = int(pytest.main([*self.arguments]))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def preload() -> None:
    """Has runs be forked from a process that has imported JAX; to be said before the first."""
    _CONTEXT.set_forkserver_preload([*PRELOADED])
