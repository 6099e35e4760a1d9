"""merging: records of one subject become one, and what does not belong together does not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.harness.records import (
    CaseTwice,
    Footer,
    NoRecord,
    Record,
    RecordError,
    Truncated,
    read,
    text_of,
)
from conformance.report.merging import Unmergeable, merge
from tests.reports import BROKEN, HELD, case, record

CPU = record(case("section/name", HELD), full=True)
GPU = record(case("section/name", BROKEN, backend="gpu"), backends=("gpu",), full=True)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., list[Path]]:
    """Writes records, and gives their files."""

    def write(*made: Record) -> list[Path]:
        paths = [tmp_path / f"{number}.jsonl" for number, _ in enumerate(made)]
        for path, each in zip(paths, made, strict=True):
            path.write_text(text_of(each))
        return paths

    return write


def test_backends(write: Callable[..., list[Path]]) -> None:
    """Records of several backends become one, which has all cases and can be read again."""
    gpu = replace(GPU, footer=replace(GPU.footer, exit_code=1))
    [path, _] = paths = write(CPU, gpu)
    merged = merge(paths)

    assert set(merged.header.backends) == {"cpu", "gpu"}
    assert merged.cases == {**CPU.cases, **GPU.cases}
    assert merged.footer == Footer(exit_code=1, cases=2, full=True)
    path.write_text(text_of(merged))
    assert read(path) == merged


def test_machines(write: Callable[..., list[Path]]) -> None:
    """What may differ between machines is told of all of them."""
    subject = {**GPU.header.subject, "python": "3.13.0"}
    elsewhere = replace(GPU, header=replace(GPU.header, subject=subject))

    assert merge(write(CPU, elsewhere)).header.subject["python"] == "3.11.7 / 3.13.0"


def test_a_part(write: Callable[..., list[Path]]) -> None:
    """A record with a part that is not of every claim is not of every claim."""
    part = replace(GPU, footer=replace(GPU.footer, full=False))

    assert not merge(write(CPU, part)).footer.full


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (CPU, "1.jsonl: case section/name[jit,function,-,cpu,default] is in "),
        (replace(GPU, header=replace(GPU.header, suite="9")), "1.jsonl: its suite is 9, that of "),
        (record(flax="0.12.1"), "1.jsonl: its flax is 0.12.1, that of "),
        (record(jax="0.9.0"), "1.jsonl: its jax is 0.9.0, that of "),
        (record(mode="tree"), "1.jsonl: its mode is tree, that of "),
    ],
)
def test_refused(write: Callable[..., list[Path]], other: Record, complaint: str) -> None:
    """A case that is there twice, another suite or another subject is refused in one line."""
    with pytest.raises((Unmergeable, CaseTwice)) as refused:
        merge(write(CPU, other))

    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_same_file(write: Callable[..., list[Path]]) -> None:
    """One record, named twice, is nothing to merge."""
    [path] = write(CPU)

    with pytest.raises(Unmergeable, match="fewer than two"):
        merge([path, path])


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda path: path.write_text("".join(path.read_text().splitlines(True)[:-1])), Truncated),
        (lambda path: path.write_text("<html>"), NoRecord),
        (lambda path: path.unlink(), NoRecord),
    ],
)
def test_unreadable(
    write: Callable[..., list[Path]], spoil: Callable[[Path], object], error: type[RecordError]
) -> None:
    """A record that is not whole is refused, by its name."""
    first, second = write(CPU, GPU)
    spoil(second)

    with pytest.raises(error, match=str(second)):
        merge([first, second])
