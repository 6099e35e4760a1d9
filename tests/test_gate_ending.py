"""ending: what fails a gate, what does not, and the code that says which."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.gate.ending import Ending, NoVerdict, beside, ending, problems, whole
from conformance.gate.running import Files
from conformance.harness.deviations import Deviation
from conformance.harness.records import Record, Seen
from conformance.report.outcomes import Outcome
from tests.reports import BROKEN, ERROR, HELD, MISSING, case, known, record, written

ONE, TWO = "section/one", "section/two"
KEPT, LOST = case(ONE, HELD), case(ONE, BROKEN)
NOT_HAD, WRONG = case(ONE, MISSING), case(ONE, ERROR)
IN_VMAP = case(ONE, HELD, transform="vmap")
OTHER, OTHER_LOST = case(TWO, HELD), case(TWO, BROKEN)
ENTRY = known(ONE)


def judged(
    run: Record,
    before: Record | None = None,
    entries: Sequence[Deviation] = (),
    part: Sequence[str] | None = (),
    *,
    new_only: bool = False,
) -> tuple[Ending, list[tuple[Ending, str]]]:
    """How a gate ends, and each problem with its claim."""
    outcome = Outcome.of(run, entries)
    comparison = beside(before, outcome, entries, part) if before else None
    found = problems(outcome, entries, comparison, new_only=new_only)
    return ending(found), [(one.ending, one.claim) for one in found]


@pytest.mark.parametrize(
    ("cases", "entries", "expected"),
    [
        pytest.param([KEPT, OTHER], (), Ending.PASSED, id="all held"),
        pytest.param([LOST], ENTRY, Ending.PASSED, id="known deviation"),
        pytest.param([KEPT, case(TWO, MISSING)], (), Ending.PASSED, id="not applicable"),
        pytest.param([LOST], (), Ending.BROKEN, id="broken without an entry"),
        pytest.param([case(ONE, BROKEN, "else")], ENTRY, Ending.BROKEN, id="broken otherwise"),
        pytest.param([KEPT], ENTRY, Ending.STALE, id="stale entry"),
        pytest.param([WRONG, OTHER], (), Ending.SUITE_ERROR, id="suite error"),
        pytest.param([KEPT, OTHER_LOST], ENTRY, Ending.BROKEN, id="broken counts more than stale"),
        pytest.param([WRONG, OTHER_LOST], (), Ending.BROKEN, id="broken counts more than errors"),
    ],
)
def test_without_a_baseline(
    cases: list[Seen], entries: Sequence[Deviation], expected: Ending
) -> None:
    """What no entry explains fails, and what an entry says in vain; what is known does not."""
    assert judged(record(*cases), entries=entries)[0] is expected


def test_idle_entry() -> None:
    """An entry that explains no case of a run of every claim fails it, and no other run."""
    entries = known("section/gone")
    assert judged(record(KEPT, full=True), entries=entries) == (
        Ending.STALE,
        [(Ending.STALE, "")],
    )
    assert judged(record(KEPT), entries=entries)[0] is Ending.PASSED


@pytest.mark.parametrize(
    ("before", "now", "entries", "expected", "with_new_only"),
    [
        pytest.param([KEPT], [KEPT], (), Ending.PASSED, Ending.PASSED, id="the same"),
        pytest.param([KEPT], [LOST], (), Ending.BROKEN, Ending.BROKEN, id="newly broken"),
        pytest.param([KEPT], [LOST], ENTRY, Ending.BROKEN, Ending.BROKEN, id="though known"),
        pytest.param([LOST], [LOST], (), Ending.BROKEN, Ending.PASSED, id="broken before"),
        pytest.param([LOST], [LOST], ENTRY, Ending.PASSED, Ending.PASSED, id="known before"),
        pytest.param([LOST], [KEPT], (), Ending.PASSED, Ending.PASSED, id="newly held"),
        pytest.param([LOST], [KEPT], ENTRY, Ending.STALE, Ending.PASSED, id="held, and stale"),
        pytest.param(
            *([KEPT, OTHER], [OTHER], (), Ending.NO_LONGER_RUN, Ending.NO_LONGER_RUN),
            id="gone",
        ),
        pytest.param(
            *([KEPT], [NOT_HAD, OTHER], (), Ending.NO_LONGER_RUN, Ending.NO_LONGER_RUN),
            id="not applicable any more",
        ),
        pytest.param(
            *([KEPT], [WRONG], (), Ending.SUITE_ERROR, Ending.SUITE_ERROR), id="in error now"
        ),
        pytest.param([OTHER], [OTHER, KEPT], (), Ending.PASSED, Ending.PASSED, id="new case"),
        pytest.param(
            [OTHER], [OTHER, LOST], (), Ending.BROKEN, Ending.PASSED, id="new case, and broken"
        ),
    ],
)
def test_against_a_baseline(
    before: list[Seen],
    now: list[Seen],
    entries: Sequence[Deviation],
    expected: Ending,
    with_new_only: Ending,
) -> None:
    """What held there must hold, and what ran there must run; with --new-only that is all."""
    records = record(*now), record(*before)
    assert judged(*records, entries=entries)[0] is expected
    assert judged(*records, entries=entries, new_only=True)[0] is with_new_only


def test_part_of_a_baseline() -> None:
    """A run of sections misses what is gone from them; one narrowed otherwise misses nothing."""
    elsewhere = case("elsewhere/three", HELD)
    before, now = record(KEPT, IN_VMAP, elsewhere), record(KEPT)

    assert judged(now, before, part=("section",)) == (
        Ending.NO_LONGER_RUN,
        [(Ending.NO_LONGER_RUN, ONE)],
    )
    assert judged(now, before, part=()) == (
        Ending.NO_LONGER_RUN,
        [(Ending.NO_LONGER_RUN, "elsewhere/three"), (Ending.NO_LONGER_RUN, ONE)],
    )
    assert judged(now, before, part=None)[0] is Ending.PASSED


def test_a_problem_is_told_once() -> None:
    """A claim that is broken without an entry and newly is one problem, with all of its cases."""
    vmap_lost = case(ONE, BROKEN, "gone", transform="vmap")
    lost = case(ONE, BROKEN, "lost:\ny: 1")
    outcome = Outcome.of(record(lost, vmap_lost, OTHER), ())
    before = record(KEPT, vmap_lost, OTHER)

    [problem] = problems(outcome, (), beside(before, outcome, (), ()))
    assert (problem.claim, problem.cases, problem.of) == (ONE, 2, 2)
    assert problem.says == "WrongResult: lost: y: 1"


def test_whose_file() -> None:
    """A stale entry is told with the file that has it."""
    outcome = Outcome.of(record(KEPT), ENTRY)
    [problem] = problems(outcome, ENTRY)
    assert problem.where == ENTRY[0].source.rpartition(": deviation ")[0]
    assert problem.says == f"it holds, but {ENTRY[0].source} says that it does not"


USAGE = ["ERROR: usage: python -m pytest [options]", "python -m pytest: error: unrecognized: -y"]


@pytest.mark.parametrize(
    ("code", "said", "kind", "says"),
    [
        (4, ["ERROR: backend 'gpu' is not here: JAX reports cpu"], Ending.NO_BACKEND, "backend"),
        (4, ["x", "ERROR: flax 0.9.0 is older than 0.10.0"], Ending.NO_SUBJECT, "flax 0.9.0 is"),
        (4, USAGE, Ending.BAD_INPUT, "unrecognized: -y"),
        (4, ["ERROR: file or directory not found: x"], Ending.BAD_INPUT, "file or directory"),
        (4, [], Ending.NO_SUBJECT, "pytest did not begin"),
        (5, [], Ending.NOTHING_RUN, "no case was executed"),
        (2, [], Ending.INCOMPLETE, "pytest ended with 2: see "),
        (3, [], Ending.INCOMPLETE, "pytest ended with 3: see "),
        (-9, [], Ending.INCOMPLETE, "pytest ended with -9: see "),
    ],
)
def test_no_verdict(code: int, said: list[str], kind: Ending, says: str, tmp_path: Path) -> None:
    """A run that could not begin, did not end or had no case says nothing of the subject."""
    files = Files(tmp_path)
    written(files.record, record(KEPT))
    with pytest.raises(NoVerdict) as none:
        whole(files, code, said)
    assert none.value.ending is kind
    assert str(none.value).startswith(says)


@pytest.mark.parametrize("code", [0, 1])
def test_a_record_without_its_end(code: int, tmp_path: Path) -> None:
    """A record that is not whole is no verdict, whatever the exit code of its run."""
    files = Files(tmp_path)
    text = written(files.record, record(KEPT)).read_text().splitlines(keepends=True)
    files.record.write_text("".join(text[:-1]))
    with pytest.raises(NoVerdict, match="has no footer after 1 cases") as none:
        whole(files, code, [])
    assert none.value.ending is Ending.INCOMPLETE

    files.record.unlink()
    with pytest.raises(NoVerdict, match="No such file"):
        whole(files, code, [])
