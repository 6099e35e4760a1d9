"""promises: what claims promise, read from the source of their tests."""

from pathlib import Path

import pytest

from conformance.guide.promises import Promise, promises

SOURCE = '''
from conformance.shapes.drawn import LATER, round_one
import math

GUIDE = "Shapes"

@claim("shapes/closed", guide=GUIDE, across=("jit",))
def test_closed(case):
    """It is
    closed.

    Readers of the source may know more.
    """

@claim("shapes/round", guide=LATER)
@other("shapes/none", guide="G")
def test_round(case):
    """It is round."""

@claim("shapes/literal", guide="Literally")
def test_literal(case): ...

@claim("shapes/lost", guide=UNKNOWN)
def test_lost(case):
    """It is lost."""

claim("shapes/call", guide=GUIDE)
'''


def test_promises(tmp_path: Path) -> None:
    """Sentence and section are read; a name is looked up where it is given or imported from."""
    folder = tmp_path / "shapes"
    folder.mkdir()
    (folder / "drawn.py").write_text('LATER = "Drawn shapes"\nOTHER = 1\n')
    (folder / "test_shapes.py").write_text(SOURCE)

    assert list(promises(tmp_path).values()) == [
        Promise("shapes/closed", "It is closed.", "Shapes"),
        Promise("shapes/round", "It is round.", "Drawn shapes"),
        Promise("shapes/literal", "", "Literally"),
        Promise("shapes/lost", "It is lost.", ""),
    ]


def test_of_the_suite(sections: dict[str, list]) -> None:
    """Reading the source says what importing it registers."""
    claims = [function.claim for functions in sections.values() for function in functions]
    registered = {one.id: Promise(one.id, one.sentence, one.guide) for one in claims}

    assert promises() == registered


@pytest.mark.parametrize("field", ["sentence", "guide"])
def test_nothing_is_empty(field: str) -> None:
    """Every claim of the suite has a sentence and a section of the guide."""
    assert [one.id for one in promises().values() if not getattr(one, field)] == []
