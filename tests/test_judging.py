"""judging: a record judged again, by other known deviations than those of its run."""

from pathlib import Path

import pytest

from conformance.harness import deviations
from conformance.harness.records import Footer, Header, Record, Seen
from conformance.harness.verdicts import Verdict
from conformance.report.judging import judge_again
from tests.test_deviations import toml

SUBJECT = {"flax": "0.12.12.dev1", "jax": "0.12.0", "mode": "default"}


def record(*cases: Seen, **subject: str) -> Record:
    header = Header("0.1.0", SUBJECT | subject, {"cpu": "cpu (8 x cpu)"})
    return Record(header, {seen.case: seen for seen in cases}, Footer(0, len(cases), full=True))


def case(name: str, verdict: Verdict, message: str = "") -> Seen:
    failure = ("wrong result", "WrongResult", message) if message else ()
    return Seen(f"section/{name}[jit,function,-,cpu,default]", verdict, *failure)


@pytest.fixture
def known(tmp_path: Path) -> tuple[deviations.Deviation, ...]:
    """One that explains what says `x`, one that is of another release, one of what holds."""
    path = tmp_path / "known.toml"
    entries = (
        toml(claims=["section/[abc]"], message="x"),
        toml(claims=["*"], message="y", flax="<0.12.12"),
        toml(claims=["section/[hns]"], flax="<=0.12.12"),
    )
    path.write_text("".join(entries))
    return deviations.load(path)


def test_judge_again(known: tuple[deviations.Deviation, ...]) -> None:
    """A case that was executed is judged by what is known now, whatever its run knew."""
    seen = [
        (case("a", Verdict.BROKEN, "it is x"), Verdict.KNOWN_DEVIATION),
        (case("b", Verdict.KNOWN_DEVIATION, "it is y"), Verdict.BROKEN),
        (case("c", Verdict.HELD), Verdict.STALE_DEVIATION),
        (case("d", Verdict.STALE_DEVIATION), Verdict.HELD),
        (case("n", Verdict.NOT_APPLICABLE), Verdict.NOT_APPLICABLE),
        (case("s", Verdict.SUITE_ERROR, "it is x"), Verdict.SUITE_ERROR),
    ]

    judged = judge_again(record(*(one for one, _ in seen)), known)

    assert judged.verdicts == {one.case: verdict for one, verdict in seen}
    assert judged.explained == {seen[0][0].case: known[0]}
    assert judged.idle == (known[2],)


def test_other_mode(known: tuple[deviations.Deviation, ...]) -> None:
    """Nothing is known of another mode than the default."""
    judged = judge_again(record(case("a", Verdict.BROKEN, "it is x"), mode="x=1"), known)

    assert set(judged.verdicts.values()) == {Verdict.BROKEN}
    assert judged.idle == ()
