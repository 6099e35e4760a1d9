"""The run: the suite on a subject in a process of its own, seen line by line."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.matrix.runs import suite_arguments, suite_environment


@dataclass(frozen=True)
class Files:
    """What the gate leaves, in a folder of its own."""

    folder: Path

    @property
    def record(self) -> Path:
        """What the run saw."""
        return self.folder / "record.jsonl"

    @property
    def junit(self) -> Path:
        """The same for programs that know JUnit."""
        return self.folder / "junit.xml"

    @property
    def log(self) -> Path:
        """What pytest said."""
        return self.folder / "log.txt"

    @property
    def summary(self) -> Path:
        """The verdict, in Markdown."""
        return self.folder / "summary.md"

    @property
    def page(self) -> Path:
        """The page of the run, and of its baseline."""
        return self.folder / "page" / "index.html"

    def clear(self) -> None:
        """Removes what an earlier gate left, so that none of it is taken for this one's."""
        self.page.parent.mkdir(parents=True, exist_ok=True)
        for file in (self.record, self.junit, self.log, self.summary, self.page):
            file.unlink(missing_ok=True)


def command(
    python: Path, suite: Path, files: Files, targets: Sequence[str], options: Sequence[str]
) -> list[str]:
    """The command line that runs the copy of the suite that Python is shown."""
    return [
        *(str(python), "-m", "pytest"),
        *suite_arguments(suite, files.record, targets),
        *("--junit-xml", str(files.junit)),
        *options,
    ]


def run(words: Sequence[str], suite: Path, files: Files, say: Callable[[str], None]) -> int:
    """Runs the command and passes on what it says; gives its exit code."""
    environ = suite_environment(suite)
    own = os.environ.get("PYTHONPATH")
    if own:
        environ["PYTHONPATH"] += os.pathsep + own
    with (
        files.log.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            words,
            cwd=files.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            say(line.rstrip("\n"))
    return process.returncode
