"""Processes: one run of pytest, its end and its price."""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (of a signal, the negative number), and CPU seconds."""

    code: int
    cpu: float
    too_long: bool = False


def run(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], log: Path, limit: float
) -> Ended:
    """Runs a command in a folder, for no longer than `limit` seconds; its words go to `log`."""
    with log.open("wb") as words:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdout=words, stderr=subprocess.STDOUT
        )
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(limit, end)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(process.returncode, usage.ru_utime + usage.ru_stime, overdue.is_set())
