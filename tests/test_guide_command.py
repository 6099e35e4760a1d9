"""nnx-conformance guide: the cells of a guide as pytest's items."""

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from conformance import command
from conformance.guide import commands
from conformance.guide.cells import guide_named
from conformance.guide.mapping import Known
from conformance.guide.promises import Promise
from tests.guide import serve, subject, written

GUIDE = """\
# Shapes

```{code-cell} ipython3
import jax
from flax import nnx
sides = 4
```

## Areas

```{code-cell} ipython3
area = sides * size
```

```{code-cell} ipython3
print(area)
```

```{code-cell} ipython3
try:
  raise ValueError("meant")
except ValueError as e:
  print(e)
```

```{code-cell} ipython3
assert jax.devices()[0].platform == "cpu"
```
"""
KEPT = GUIDE.replace(" * size", "")  # of which all but the last cell run on any backend


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with a stand-in for Flax 1.0 and for JAX on a CPU."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "JAX_PLATFORMS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(subject(tmp_path, "cpu")))
    for read in ("load_mapping", "promises"):  # each reads much
        monkeypatch.setattr(commands, read, dict)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def guide(place: Path) -> str:
    """The guide's name, whose cells have claims but for the third."""
    return str(written(place / "guide.md", GUIDE).relative_to(place))


def run(*words: str) -> int:
    return command.main(["guide", *words])


def test_cells_that_raise(
    guide: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cell that raises is shown with its traceback, its place and its claims; then the total."""
    _, second, third, *_ = guide_named(guide).cells
    known = {
        second.digest: Known(("areas/squared", "areas/positive"), ""),
        third.digest: Known((), "it only prints"),
    }
    monkeypatch.setattr(commands, "load_mapping", lambda: known)
    kept = {id: Promise(id, "It is kept.", "Areas") for id in known[second.digest].claims}
    monkeypatch.setattr(commands, "promises", lambda: kept)

    assert run(guide) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if 'guide.md", line' in line] == [
        '  File "guide.md", line 12, in <module>',
        '  File "guide.md", line 16, in <module>',
    ]
    shown = said.index("cell:  2, Areas, line 12")
    assert said[shown : shown + 4] == [
        "cell:  2, Areas, line 12",
        "claim: areas/squared: It is kept.",
        "claim: areas/positive: It is kept.",
        "rerun: nnx-conformance guide guide.md -- -k 'cell-02[cpu]'",
    ]
    assert said[-7:-1] == [
        "cell-02[cpu]  Areas, line 12: NameError: name 'size' is not defined",
        "    claims: areas/squared, areas/positive",
        "cell-03[cpu]  Areas, line 16: NameError: name 'area' is not defined",
        "    follows from cell 2, which defines it",
        "    no claim: it only prints",
        "guide.md on flax 1.0: 3 of 5 cells run on cpu",
    ]


def test_all_run(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where every cell runs, the exit code is 0; the head says what was run, and on what."""
    written(place / "guide.md", KEPT)

    assert run("guide.md") == 0
    said = capsys.readouterr().out.splitlines()
    assert "guide: guide.md, 5 code cells" in said
    assert f"flax 1.0, jax 1.0, jaxlib 1.0, Python {sys.version.split()[0]}" in said
    assert "backends: cpu (2 x a cpu)" in said
    assert "guide.md on flax 1.0: 5 of 5 cells run on cpu" in said


@pytest.mark.parametrize("words", [[], ["1.0"]])
def test_release(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By default the guide is the installed release's; nothing of it is written anywhere."""
    serve(monkeypatch, KEPT)

    assert run(*words) == 0
    assert "flax 1.0: 5 of 5 cells run on cpu" in capsys.readouterr().out.splitlines()
    assert list(Path.cwd().iterdir()) == []


def test_another_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A release's guide can be run on the Flax of another Python."""
    serve(monkeypatch, KEPT)
    metadata = next(tmp_path.glob("subject/flax-*/METADATA"))
    metadata.write_text(metadata.read_text().replace("1.0", "3.0"))

    assert run("1.0", "--python", sys.executable) == 0
    assert "flax 1.0 on flax 3.0: 5 of 5 cells run on cpu" in capsys.readouterr().out


def test_relative_paths(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Python, and what is on its path, may be named from where the command is started."""
    written(place / "guide.md", KEPT)
    monkeypatch.setenv("PYTHONPATH", "../subject")
    (place / "python").symlink_to(sys.executable)

    assert run("guide.md", "--python", "./python") == 0


def test_settings(
    guide: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the environment sets of the subject is said at the head."""
    monkeypatch.setenv("NNX_GRAPH_MODE", "0")

    run(guide, "--", "-k", "cell-01")
    [line] = [each for each in capsys.readouterr().out.splitlines() if "settings:" in each]
    assert "NNX_GRAPH_MODE=0" in line


def test_backends(
    tmp_path: Path,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every backend is run, each in a process of its own, or those that are asked for."""
    monkeypatch.setenv("PYTHONPATH", str(subject(tmp_path, "tpu", "cpu")))
    written(
        place / "guide.md",
        KEPT.replace(
            "sides = 4", "jax.seen = getattr(jax, 'seen', 0) + 1\nassert jax.seen == 1\nsides = 4"
        ),
    )

    assert run("guide.md", "--", "-v") == 1
    said = capsys.readouterr().out.splitlines()
    names = [line.split()[0] for line in said if line.startswith("guide.md::")]
    assert names == [
        f"guide.md::cell-0{number}[{backend}]"
        for backend in ("tpu", "cpu")
        for number in range(1, 6)
    ]
    assert "guide.md on flax 1.0: 4 of 5 cells run on tpu" in said
    assert "guide.md on flax 1.0: 5 of 5 cells run on cpu" in said

    assert run("guide.md", "--backend", "cpu", "--require-backend", "tpu") == 0
    assert "run on tpu" not in capsys.readouterr().out


def test_chosen_cells(guide: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A cell that is chosen finds what those before it left, and is told alone."""
    assert run(guide, "--", "-k", "cell-04 or cell-05") == 0
    assert "2 of 2 cells run on cpu; 3 not executed" in capsys.readouterr().out
    assert run(guide, "--", "-k", "cell-03") == 1
    assert "follows from cell 2, which defines it" in capsys.readouterr().out
    assert run(guide, "--", "-k", "nothing") == 5


def test_left_out(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cell that is none to run is skipped, says why, and is not among those that run."""
    written(place / "guide.md", "```{code-cell}\n%%bash\nls\n```\n\n```{code-cell}\n1\n```\n")

    assert run("guide.md", "--", "-rs") == 0
    said = capsys.readouterr().out
    assert "guide.md on flax 1.0: 1 of 1 cells run on cpu; 1 not executed" in said
    assert "SKIPPED [1] guide.md:2: `%%bash` is IPython's" in said


def test_output(guide: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What a cell prints is pytest's to show."""
    run(guide, "--", "-k", "cell-04")
    assert "meant" not in capfd.readouterr().out
    run(guide, "--", "-k", "cell-04", "-s")
    assert "meant" in capfd.readouterr().out


def test_junit(guide: str, place: Path) -> None:
    """JUnit's file has the cell, its place, its backend and its claims."""
    run(guide, "--", "--junit-xml", "junit.xml", "-k", "cell-02")
    [case] = ET.parse(place / "junit.xml").iter("testcase")

    assert (case.get("classname"), case.get("name")) == ("guide.md", "cell-02[cpu]")
    found = {each.get("name"): each.get("value") for each in case.iter("property")}
    assert found == {"cell": "2", "place": "Areas, line 12", "backend": "cpu", "claims": ""}
    [failure] = case.iter("failure")
    assert "NameError: name 'size' is not defined" in (failure.text or "")


def test_a_run_of_its_own(guide: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings, plugins and tests that lie about have no part in it."""
    (place / "conftest.py").write_text("1 / 0")
    (place / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n")
    (place / "test_else.py").write_text("1 / 0")

    assert run(guide, "--", "-k", "cell-01") == 0
    assert "collected 5 items / 4 deselected" in capsys.readouterr().out


BAD = {
    "file": (["absent.md"], 2, "nnx-conformance: absent.md: No such file or directory"),
    "folder": (
        ["."],
        2,
        "nnx-conformance: docs_nnx/guides/transforms.md: No such file or directory",
    ),
    "backend": (["guide.md", "--backend", "gpu"], 2, "backend 'gpu' is not here: JAX reports cpu"),
    "required": (["guide.md", "--require-backend", "gpu"], 2, "backend 'gpu' is not here"),
    "python": (["guide.md", "--python", "./none"], 2, "--python ./none: no such program"),
    "limit": (["guide.md", "--cell-timeout=-1"], 2, "--cell-timeout -1: not a number of seconds"),
    "workers": (["guide.md", "--", "-n", "2"], 4, "guide: its cells run one after the other"),
    "path": (["guide.md", "--", "x.py"], 4, "guide: x.py: cells are chosen by -k, not by a path"),
    "option": (["guide.md", "--", "--nonsense"], 4, "unrecognized arguments: --nonsense"),
}


@pytest.mark.usefixtures("guide")
@pytest.mark.parametrize(("words", "code", "message"), BAD.values(), ids=BAD)
def test_bad_input(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input is told in a line, with the command's exit code, or pytest's if it is pytest's."""
    assert run(*words) == code
    assert message in capsys.readouterr().err


def test_no_such_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Flax that no index has, such as one of a checkout, has no guide until it is named."""
    serve(monkeypatch, KEPT)
    metadata = next(tmp_path.glob("subject/flax-*/METADATA"))
    metadata.write_text(metadata.read_text().replace("1.0", "3.1.dev0"))

    assert run() == 2
    said = capsys.readouterr().err
    assert (
        "has no source distribution of it; name another guide, such as that of a checkout" in said
    )
    assert said.count("\n") == 1


REAL = """\
```{code-cell}
import jax, jax.numpy as jnp
from flax import nnx

class Counter(nnx.Module):
  def __init__(self):
    self.count = nnx.Param(jnp.array(0))

counter = Counter()

@nnx.jit
def f(counter):
  counter.count.value += 1

f(counter)
assert counter.count.value == 1
nnx.display(counter)
```

```{code-cell}
nnx.vmap(f)(counter)
```
"""


def test_on_flax(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cells run on the Flax that is installed; an error of its own names the guide's line."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    written(place / "guide.md", REAL)

    assert run("guide.md", "--backend", "cpu") == 1
    said = capsys.readouterr().out
    assert '  File "guide.md", line 21, in <module>' in said
    assert "cell-02[cpu]" in said
    assert "1 of 2 cells run on cpu" in said
