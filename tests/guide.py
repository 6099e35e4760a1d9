"""A small guide for the tests of what reads guides: our words, in the form of the real one."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from conformance.guide import releases
from conformance.guide.mapping import Known, Text
from conformance.guide.passages import GuideError, Passage, parse

INDEX = "https://index.example/simple"
SDIST = "https://index.example/files/flax-1.0.tar.gz"

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


# What there is of JAX in a stand-in for it.
JAX = """
import os
from types import SimpleNamespace as Made

_names = os.environ.get("JAX_PLATFORMS", "{backends}").split(",")

def local_devices(backend):
    return [Made(platform=backend, device_kind="a " + backend)] * 2

def devices():
    return local_devices(_names[0])

def backends():
    return {{name: Made(platform=name) for name in _names}}
"""


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


def archive(name: str = f"flax-1.0/{releases.GUIDE_FILE}", text: str = GUIDE) -> bytes:
    """A source distribution that holds this file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as files:
        member = tarfile.TarInfo(name)
        member.size = len(text.encode())
        files.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def serve(monkeypatch: pytest.MonkeyPatch, text: str = GUIDE) -> dict[str, bytes]:
    """Puts a package index in the place of the web, and gives what is at which address.

    It has flax 1.0, with this guide, and lists flax 2.0.
    """
    for name in releases._INDEX_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_INDEX_URL", INDEX + "/")
    content = archive(text=text)
    digest = hashlib.sha256(content).hexdigest()
    files = [
        {"filename": "flax-1.0-py3-none-any.whl", "url": "../../files/flax-1.0-py3-none-any.whl"},
        {
            "filename": "flax-1.0.tar.gz",
            "url": "../../files/flax-1.0.tar.gz",
            "hashes": {"sha256": digest},
        },
        {"filename": "flax-2.0.tar.gz", "url": "../../files/flax-2.0.tar.gz", "hashes": {}},
    ]
    pages = {f"{INDEX}/flax/": json.dumps({"files": files}).encode(), SDIST: content}

    def get(address: str, kind: str = "") -> bytes:
        if address not in pages:
            raise GuideError(f"{address}: nothing there")
        return pages[address]

    monkeypatch.setattr(releases, "_get", get)
    return pages


def subject(folder: Path, *backends: str) -> Path:
    """A folder for PYTHONPATH: in it are a stand-in for Flax, and a JAX with these backends."""
    place = folder / "subject"
    files = {
        "jax/__init__.py": JAX.format(backends=",".join(backends)),
        "jax/extend/__init__.py": "",
        "jax/extend/backend.py": "from jax import backends",
        "flax/__init__.py": "",
        "flax/nnx/__init__.py": "",
    }
    for name in ("flax", "jax", "jaxlib"):
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        files[f"{name}-1.0.dist-info/METADATA"] = metadata
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place
