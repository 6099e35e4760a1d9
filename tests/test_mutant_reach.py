"""mutants.reach: who runs through a line, and in which order they are asked."""

import json
from pathlib import Path

import pytest
from coverage import CoverageData

from tools.mutants.reach import Reach, group, load


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("a/test_b.py::test_c", "a/test_b.py::test_c"),
        ("a/test_b.py::test_c[vmap-1-cpu]", "a/test_b.py::test_c"),
        ("a/test_b.py::test_c[[1]\n2]", "a/test_b.py::test_c"),
        ("b_test.py::TestC::test_d12", "b_test.py::TestC::test_d"),
    ],
)
def test_group(test: str, expected: str) -> None:
    """A case is named after its test."""
    assert group(test) == expected


def test_ordered() -> None:
    """First the cheapest case of each test, then the next of each."""
    seconds = {"t[a]": 3.0, "t[b]": 1.0, "t[c]": 4.0, "u[a]": 2.0, "u[b]": 2.5, "v": 9.0}
    reach = Reach(seconds, {})
    assert reach.ordered(seconds) == ["t[b]", "u[a]", "v", "u[b]", "t[a]", "t[c]"]
    assert reach.ordered(["u[b]", "t[c]"]) == ["u[b]", "t[c]"]


def test_load(tmp_path: Path) -> None:
    """A line has the tests that passed and ran it; what ran at import alone is of no test."""
    flax, coverage, events = tmp_path / "flax", tmp_path / "coverage", tmp_path / "events"
    told = [
        *(["configured", "", 0], ["began", "one", 0], ["passed", "one", 0.5]),
        *(["began", "two", 0], ["passed", "two", 1.5], ["began", "bad", 0], ["failed", "bad", 1]),
    ]
    events.write_text("".join(json.dumps(line) + "\n" for line in told))
    data = CoverageData(str(coverage))
    for test, lines in {"": [1, 2, 3], "one": [2, 3], "two": [3], "bad": [3, 4]}.items():
        data.set_context(test)
        data.add_lines({str(flax / "nnx" / "a.py"): lines})
    data.write()
    reach = load(flax, coverage, events)
    assert reach.seconds == {"one": 0.5, "two": 1.5}
    assert reach.lines == {"nnx/a.py": {2: {"one"}, 3: {"one", "two"}}}
    assert reach.through("nnx/a.py", 1, 2) == {"one"}
    assert reach.through("nnx/a.py", 2, 9) == {"one", "two"}
    assert reach.through("nnx/a.py", 4, 9) == reach.through("nnx/b.py", 1, 9) == set()
