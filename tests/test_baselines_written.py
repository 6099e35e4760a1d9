"""baselines.write, and tools/baselines.py: a baseline out of a record."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.harness import records
from conformance.harness.records import Footer, Header, Record, Seen
from conformance.harness.verdicts import Verdict
from conformance.report import baselines
from tools.baselines import main

NAME = "flax-0.12.12-jax-0.12.0.1.jsonl.gz"
HEADER = Header(
    "0.1.0", {"flax": "0.12.12", "jax": "0.12.0.1", "mode": "default"}, {"cpu": "cpu (8 x cpu)"}
)


def case(name: str, verdict: Verdict, *failure: str, **fields: Any) -> Seen:
    return Seen(f"section/{name}[jit,function,-,cpu,default]", verdict, *failure, **fields)


def record(*cases: Seen) -> Record:
    return Record(HEADER, {seen.case: seen for seen in cases}, Footer(0, len(cases), full=True))


FAILURE = ("error", "TypeError", "no\nway: é")
KNOWN = case("b", Verdict.KNOWN_DEVIATION, *FAILURE, cause="It is so.")
HELD = case("a", Verdict.HELD, notes={"answer": "done"})


def test_raw_truth(tmp_path: Path) -> None:
    """A baseline is what a run without known deviations says, whatever the run knew."""
    written = baselines.write(record(KNOWN, case("c", Verdict.STALE_DEVIATION), HELD), tmp_path)

    assert written == tmp_path / NAME
    expected = record(HELD, case("b", Verdict.BROKEN, *FAILURE), case("c", Verdict.HELD))
    assert records.read(written) == replace(expected, footer=Footer(1, cases=3, full=True))


def test_nothing_broken(tmp_path: Path) -> None:
    """Where all holds, that run ended well."""
    assert records.read(baselines.write(record(HELD), tmp_path)) == record(HELD)


def test_equal_bytes(tmp_path: Path) -> None:
    """Records that differ in the order of cases make the same baseline."""
    one, other = (
        baselines.write(record(*cases), folder).read_bytes()
        for cases, folder in (((KNOWN, HELD), tmp_path), ((HELD, KNOWN), tmp_path))
    )

    assert one == other


UNFIT = {
    "part": (
        lambda found: replace(found, footer=replace(found.footer, full=False)),
        "its run was not of every claim",
    ),
    "mode": (
        lambda found: replace(
            found, header=replace(HEADER, subject={**HEADER.subject, "mode": "x=1"})
        ),
        "its NNX mode is x=1",
    ),
    "backend": (
        lambda found: replace(found, header=replace(HEADER, backends={"cpu": "", "gpu": ""})),
        "its backends are cpu, gpu, not the CPU alone",
    ),
    "suite-error": (
        lambda found: record(case("a", Verdict.SUITE_ERROR, *FAILURE)),
        "one of its cases is a suite error",
    ),
}


@pytest.mark.parametrize(("edit", "message"), UNFIT.values(), ids=UNFIT)
def test_unfit(edit: Callable[[Record], Record], message: str, tmp_path: Path) -> None:
    """What is no whole run of the suite's own, on the CPU in the default mode, is refused."""
    with pytest.raises(baselines.NoBaseline, match=f"^{message}$"):
        baselines.write(edit(record(HELD)), tmp_path)

    assert list(tmp_path.iterdir()) == []


PART = record(case("c", Verdict.HELD), case("a", Verdict.BROKEN, *FAILURE))


def part_of(found: Record) -> Record:
    return replace(found, footer=replace(found.footer, full=False))


def test_amend(tmp_path: Path) -> None:
    """The cases of a part take the place of those that are there; the others stay."""
    baselines.write(record(HELD, KNOWN), tmp_path)

    written = baselines.amend(part_of(PART), tmp_path)

    expected = record(*PART.cases.values(), case("b", Verdict.BROKEN, *FAILURE))
    assert records.read(written) == replace(expected, footer=Footer(1, cases=3, full=True))


OTHERS = {
    "suite": replace(HEADER, suite="0.0.9"),
    "jaxlib": replace(HEADER, subject={**HEADER.subject, "jaxlib": "0.1"}),
}


@pytest.mark.parametrize("header", OTHERS.values(), ids=OTHERS)
def test_amend_another(header: Header, tmp_path: Path) -> None:
    """What another suite or subject shows is refused, and nothing happens."""
    before = baselines.write(record(HELD), tmp_path).read_bytes()

    with pytest.raises(baselines.NoBaseline, match=f"its header is not that of {NAME}"):
        baselines.amend(replace(PART, header=header), tmp_path)
    assert (tmp_path / NAME).read_bytes() == before


def test_amend_nothing(tmp_path: Path) -> None:
    """There must be a baseline."""
    with pytest.raises(baselines.NoBaseline, match=f"there is no {NAME} to put its cases into"):
        baselines.amend(PART, tmp_path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the tool writes."""
    folder = tmp_path / "baselines"
    folder.mkdir()
    monkeypatch.setattr(baselines, "FOLDER", folder)
    return folder


def run_file(path: Path, *, full: bool) -> str:
    writer = records.Writer(path, HEADER)
    writer.add(HELD)
    writer.close(0, full)
    return str(path)


def test_tool(tmp_path: Path, folder: Path) -> None:
    """The tool writes the baseline of each record."""
    assert main([run_file(tmp_path / "run.jsonl", full=True)]) is None
    assert list(baselines.shipped()) == [record(HELD)]


def test_tool_adds(tmp_path: Path, folder: Path) -> None:
    """With --add a part will do, if there is a baseline."""
    whole, part = run_file(tmp_path / "run.jsonl", full=True), tmp_path / "part.jsonl"
    run_file(part, full=False)

    assert main(["--add", str(part)]) == f"{part}: there is no {NAME} to put its cases into"
    assert main([whole]) is None
    assert main(["--add", str(part)]) is None
    assert list(baselines.shipped()) == [record(HELD)]


def test_tool_refuses(tmp_path: Path, folder: Path) -> None:
    """The tool names the record that it refuses, and why."""
    part, cut = tmp_path / "part.jsonl", tmp_path / "cut.jsonl"
    cut.write_text(Path(run_file(part, full=False)).read_text("utf-8").partition('{"exit')[0])

    assert main([str(part)]) == f"{part}: its run was not of every claim"
    assert main([str(cut)]) == f"{cut}: has no footer after 1 cases: its run did not end"
    assert list(folder.iterdir()) == []
