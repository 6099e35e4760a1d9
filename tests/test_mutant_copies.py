"""mutants.copies: another file in a copy of a package, and the package as it was."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutants.copies import Copy


def value(folder: Path) -> str:
    """What Python finds in the package that a folder holds."""
    return subprocess.run(
        [sys.executable, "-c", "import made_up.part; print(made_up.part.VALUE)"],
        env={"PYTHONPATH": str(folder)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A package of two files."""
    package = tmp_path / "site" / "made_up"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("VALUE = 1\n")
    return package


def test_with_file(source: Path, tmp_path: Path) -> None:
    """The copy has the other file for as long as it is wanted, even one of the same size."""
    copy = Copy.make(source, tmp_path / "copy")
    assert value(tmp_path / "copy") == "1"
    with copy.with_file("part.py", b"VALUE = 2\n"):
        assert value(tmp_path / "copy") == "2"
        assert value(source.parent) == "1"
    assert value(tmp_path / "copy") == "1"


def test_with_file_interrupted(source: Path, tmp_path: Path) -> None:
    """Whatever happens meanwhile, the file is put back."""
    copy = Copy.make(source, tmp_path / "copy")
    with pytest.raises(KeyboardInterrupt), copy.with_file("part.py", b"VALUE = 2\n"):
        raise KeyboardInterrupt
    assert (copy.package / "part.py").read_text() == "VALUE = 1\n"


def test_make_again(source: Path, tmp_path: Path) -> None:
    """What an earlier run has left is not taken for the package."""
    copy = Copy.make(source, tmp_path / "copy")
    (copy.package / "part.py").write_text("VALUE = 3\n")
    (copy.package / "more.py").write_text("")
    copy = Copy.make(source, tmp_path / "copy")
    assert value(tmp_path / "copy") == "1"
    assert not (copy.package / "more.py").exists()
