"""mutants.guide_cells: every cell of a guide runs, whatever the one before it did."""

from pathlib import Path

import pytest

from tools.mutants import guide_cells

TEXT = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
---

# A guide

```{code-cell}
%load_ext something
from pathlib import Path
name = "seen"
```

```{code-cell}
raise ValueError("as it is meant to be")
```

```{code-cell}
Path(name).touch()
```
"""


def test_every_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names of one cell are there in the next; an error ends its cell alone."""
    monkeypatch.chdir(tmp_path)
    Path(guide_cells.GUIDE).write_text(TEXT)
    guide_cells.test_cells()
    assert Path("seen").exists()
