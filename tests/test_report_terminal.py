"""The report in a terminal."""

import io

import pytest

from conformance.report import terminal
from tests.reports import BROKEN, EVIL, HELD, MISSING, case, known, record, told

CASES = (
    case("state_axes/kept", HELD),
    case("state_axes/lost", BROKEN, "x\ny"),
    case("rngs/known", BROKEN),
    case("rngs/none", MISSING),
)
OLDER = record(case("rngs/known", HELD), flax="0.9.1", jax="0.4.30", mode="x=1")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def printed(*records: object, file: io.StringIO | None = None) -> str:
    file = file or io.StringIO()
    terminal.show(told(*records, by=known("rngs/known")), file)
    return file.getvalue()


def test_plain() -> None:
    """A row for each subject, the newest first, then what is at fault and what is known."""
    said = printed(OLDER, record(*CASES))

    assert [line.rstrip() for line in said.splitlines()] == [
        "                           state         not         claims",
        "flax     jax         rngs  axes   all    applicable  held",
        "0.12.12  0.12.0      0~1   1!1    1~1!1  1           1/3",
        "0.9.1    0.4.30 x=1  1     -      1      0           1/1",
        "",
        terminal.LEGEND,
        "",
        "broken: state_axes/lost on flax 0.12.12, jax 0.12.0 (1 of 1 cases): WrongResult: x",
        "known deviation: It is so. (1 case of 1 claim, 1 of 2 subjects)",
    ]


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colour(no_color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal has colours, unless NO_COLOR is set."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("COLUMNS", "100")

    said = printed(record(*CASES), file=Screen())

    assert ("\x1b[" in said) is not no_color


def test_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sections for which a terminal has no room are in a table of their own; none is cut."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    cases = [case(f"section{n}/claim", HELD) for n in range(9)]

    said = printed(record(*cases), file=Screen())

    tables = said.split("In a section")[0].splitlines()
    assert all(len(line) <= 40 for line in tables)
    assert sum(line.startswith("flax") for line in tables) > 2
    assert all(f"section{n}" in said for n in range(9))


def test_obeys_nothing() -> None:
    """What a record says is printed, not obeyed."""
    evil = record(
        case(f"evil/{EVIL}", BROKEN, EVIL), case(f"{EVIL}/x", HELD), mode=EVIL, backends=(EVIL,)
    )

    said = printed(evil)

    assert all(line.isprintable() for line in said.splitlines())
    assert said.encode()


def test_nothing_is_dropped() -> None:
    """Brackets, which rich would take for its own marks, are shown."""
    said = printed(record(case("a/b", BROKEN, "[bold]x[/bold] :smile:")))

    assert "[bold]x[/bold] :smile:" in said
