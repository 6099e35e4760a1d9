"""A small guide for the tests of what reads guides: our words, in the form of the real one."""

from pathlib import Path

from conformance.guide.mapping import Known, Text
from conformance.guide.passages import Passage, parse

GUIDE = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
---

# Shapes

A shape has sides. It is closed, i.e. it has
an inside! `area` is positive:

* Sides are straight.
* Corners are sharp. So is wit.

```{code-cell} ipython3
import shapes
```

## Squares

| Name   | Sides |
|--------|-------|
| Square | 4     |

> A square is a square.

```{code-cell} ipython3
square = shapes.Square()

square.area   
```

+++

### Rotated

It is still a square.
"""  # noqa: W291  # the space at a line's end is to be ignored


def passages(text: str = GUIDE) -> tuple[Passage, ...]:
    """The passages of such a guide."""
    return parse(text, ".md", "guide.md")


def text_of(text: str = GUIDE, *releases: str) -> Text:
    """What the suite stores of such a guide."""
    bare = (Passage(p.section, p.kind, p.ordinal, p.digest, "") for p in passages(text))
    return Text(releases or ("1.0", "1.1"), tuple(bare))


def all_known(text: str = GUIDE) -> dict[str, Known]:
    """A mapping in which a passage's claim is named after its place."""
    return {p.digest: Known((claim_of(p),), "") for p in passages(text)}


def claim_of(passage: Passage) -> str:
    """The id of such a claim."""
    return f"{passage.section.lower()}/{passage.kind}-{passage.ordinal}"


def written(path: Path, text: str = GUIDE) -> Path:
    """The guide, as a file."""
    path.write_text(text, encoding="utf-8")
    return path
