"""Runs cells one after the other in one namespace, as a notebook does.

A program of its own, which `notebooks` starts with the Python that has the Flax under test: the
standard library is all it may need. It reads each cell as a line of JSON, and answers in such
lines: what is printed while it is, then what came of the cell.
"""

import ast
import codeop
import faulthandler
import io
import json
import linecache
import os
import sys
import threading
import traceback
import types
from typing import Any, TextIO


class Answers:
    """The lines that go back; whole, whichever thread speaks."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def say(self, **answer: Any) -> None:
        """Sends a line."""
        with self._lock:
            self._file.write(json.dumps(answer) + "\n")
            self._file.flush()


class Printed(io.TextIOBase):
    """A standard stream whose text goes back at once, so that none is lost with the process."""

    encoding = "utf-8"

    def __init__(self, answers: Answers, stream: str) -> None:
        self._answers = answers
        self._stream = stream

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Sends the text."""
        self._answers.say(stream=self._stream, text=text)
        return len(text)


class Kernel:
    """A namespace, and the cells that ran in it."""

    def __init__(self) -> None:
        module = types.ModuleType("__main__")
        vars(module)["display"] = print  # IPython's, which a guide may call without importing it
        sys.modules["__main__"] = module  # where pickle and dataclasses look for what a cell makes
        self._namespace = vars(module)
        self._compile = codeop.Compile()  # remembers `from __future__`, as a notebook does
        self._lines: dict[str, list[str]] = {}

    def run(self, file: str, line: int, source: str) -> dict[str, Any] | None:
        """Runs a cell that begins at a line of a file; gives what it raised, if anything."""
        self._show(file, line, source)
        try:
            self._execute(file, "\n" * (line - 1) + source)
        except BaseException as error:  # noqa: BLE001  # a cell may raise whatever it likes
            return _failure(error, file)
        return None

    def _show(self, file: str, line: int, source: str) -> None:
        """Lets tracebacks quote the cell, though no such file need be."""
        lines = self._lines.setdefault(file, [])
        lines += ["\n"] * (line - 1 - len(lines))
        lines[line - 1 :] = [f"{each}\n" for each in source.splitlines()]
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)

    def _execute(self, file: str, text: str) -> None:
        tree = ast.parse(text, file)
        shown = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(self._compile(tree, file, "exec"), self._namespace)  # type: ignore[arg-type]
        if shown is not None:  # its value is printed, and asked for its repr
            last = ast.Interactive([shown])
            exec(self._compile(last, file, "single"), self._namespace)  # type: ignore[arg-type]


def _failure(error: BaseException, file: str) -> dict[str, Any]:
    """What is said of an error; its traceback begins in the cell."""
    inside = error.__traceback__
    while inside and inside.tb_frame.f_globals is globals():
        inside = inside.tb_next
    syntax = isinstance(error, SyntaxError) and error.filename == file
    shown = None if syntax else inside
    return {
        "error": type(error).__name__,
        "message": _text(error),
        "name": error.name if isinstance(error, NameError) else None,
        "line": inside.tb_lineno if inside and not syntax else 0,
        "traceback": "".join(traceback.format_exception(type(error), error, shown)),
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as another:  # noqa: BLE001
        return f"(its message cannot be had: {type(another).__name__})"


def main() -> None:
    """Takes cells from the standard input until it ends."""
    requests, answers = _pipes()
    sys.stdout, sys.stderr = Printed(answers, "stdout"), Printed(answers, "stderr")
    sys.path.insert(0, "")
    sys.argv[1:] = []
    faulthandler.enable(2)
    kernel = Kernel()
    for request in requests:
        cell = json.loads(request)
        limit = cell.pop("limit")
        if limit:  # says where it hangs before it ends
            faulthandler.dump_traceback_later(limit, exit=True, file=2)
        failure = kernel.run(**cell)
        faulthandler.cancel_dump_traceback_later()
        answers.say(done=failure)


def _pipes() -> tuple[TextIO, Answers]:
    """Takes both pipes away from the cells, whose input is empty, and what C prints is an error."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, Answers(answers)


if __name__ == "__main__":
    main()
