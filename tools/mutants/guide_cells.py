"""The guide's own code as a test, whose lines are those that the guide's examples run through."""

from pathlib import Path

import jupytext

GUIDE = "guide.md"


def test_cells() -> None:
    """Runs the cells one after the other; some are there to show an error."""
    names: dict[str, object] = {}
    for cell in jupytext.read(Path(GUIDE)).cells:
        lines = [line for line in cell.source.splitlines() if not line.startswith(("%", "!"))]
        if cell.cell_type == "code":
            try:
                exec("\n".join(lines), names)
            except Exception as error:  # noqa: BLE001
                print(type(error).__name__, error)  # noqa: T201
