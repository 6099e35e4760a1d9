"""Copies: the installed Flax again, with one file at a time another. What is installed stays."""

import compileall
import importlib.util
import py_compile
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Copy:
    """A copy of a package, for PYTHONPATH to name its parent."""

    package: Path

    @classmethod
    def make(cls, source: Path, parent: Path) -> "Copy":
        """Copies the package in `source` into a folder, where an earlier copy may be."""
        package = parent / source.name
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(package, quiet=2)
        return cls(package)

    @contextmanager
    def with_file(self, name: str, content: bytes) -> Iterator[None]:
        """Has a file of the package be another for a while.

        Python tells a source from its compiled form by its size and second; so that goes too.
        """
        file = self.package / name
        before = file.read_bytes()
        try:
            self._write(file, content)
            yield
        finally:
            self._write(file, before)
            py_compile.compile(str(file))

    def _write(self, file: Path, content: bytes) -> None:
        Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
        file.write_bytes(content)
