"""docs/GATING.md: its examples are well-formed, and its tables say what the code does."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.gate.ending import Ending
from conformance.gate.settings import FLAGS, LISTS, TEXTS
from tests.conftest import CHECKOUT
from tests.reports import HELD, case, record
from tests.test_action import ACTION, PLURAL, WORKFLOWS, outputs
from tests.test_docs import blocks

DOCUMENT = (CHECKOUT / "docs" / "GATING.md").read_text("utf-8")


def is_gitlab(text: str) -> bool:
    return "image:" in text


YAML = blocks("yaml", DOCUMENT)


@pytest.mark.parametrize("text", YAML, ids=range(len(YAML)))
def test_examples_are_what_their_ci_takes(text: str, tmp_path: Path) -> None:
    """Each is valid by the schema of its CI."""
    file = tmp_path / "example.yml"
    file.write_text(text)
    schema = "gitlab-ci" if is_gitlab(text) else "github-workflows"
    program = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [program, "--builtin-schema", f"vendor.{schema}", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def uses(text: str) -> list[dict[str, Any]]:
    """The steps and jobs of an example that use something."""
    if is_gitlab(text):
        return []
    jobs = yaml.safe_load(text)["jobs"].values()
    return [*(job for job in jobs if "uses" in job), *(s for j in jobs for s in j.get("steps", ()))]


OURS = [each for text in YAML for each in uses(text) if "nnx-conformance" in each["uses"]]


@pytest.mark.parametrize("each", OURS, ids=lambda each: each["uses"])
def test_examples_use_what_is_there(each: dict[str, Any]) -> None:
    """What they use exists, and they give it no input that it does not have."""
    path = each["uses"].removeprefix("OWNER/nnx-conformance").removesuffix("@COMMIT")
    if path:
        assert (CHECKOUT / path[1:]).is_file()
        known = WORKFLOWS[Path(path).name][True]["workflow_call"]["inputs"]
    else:
        known = ACTION["inputs"]
    assert set(each["with"]) <= set(known)


@pytest.mark.parametrize("text", YAML, ids=range(len(YAML)))
def test_examples_pin_and_permit_as_we_do(text: str) -> None:
    """They may do nothing but read, and pin what they use to the commits that we pin it to."""
    steps = [step for job in WORKFLOWS["nightly.yml"]["jobs"].values() for step in job["steps"]]
    ours = {step.get("uses") for step in steps}
    for each in uses(text):
        if "nnx-conformance" not in each["uses"]:
            assert each["uses"] in ours
            assert each["with"]["persist-credentials"] is False
    if not is_gitlab(text):
        document = yaml.safe_load(text)
        assert document["permissions"] == {}
        assert [job["permissions"] for job in document["jobs"].values()] == [{"contents": "read"}]
    else:
        [job] = yaml.safe_load(text).values()
        options = {name.upper() for name in (*TEXTS, *LISTS, *FLAGS)}
        assert {name.removeprefix("CONFORMANCE_") for name in job["variables"]} <= options


def table(title: str) -> list[list[str]]:
    """The cells of the table below a title."""
    below = DOCUMENT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = [line for line in below.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_exit_codes() -> None:
    """The codes and their words are those of the gate, all of them."""
    assert [(int(code), reason) for code, reason, _ in table("What fails it")] == [
        (int(kind), kind.says) for kind in Ending
    ]


def test_options() -> None:
    """Every option is in the table, with its input and its variable."""
    found = {
        variable.strip("`").removeprefix("CONFORMANCE_").lower(): (option, given.strip("`"))
        for option, given, variable, _ in table("Options")
    }
    assert set(found) == {*TEXTS, *LISTS, *FLAGS}
    for name, (option, given) in found.items():
        if name != "pytest":
            assert option == f"`--{name.replace('_', '-')}`"
        if given:
            assert given in ACTION["inputs"]
            assert PLURAL.get(given, given.replace("-", "_")) == name
    assert {given for _, given in found.values() if given} == set(ACTION["inputs"]) - {"artifact"}


def test_outputs() -> None:
    """Every output is named."""
    below = DOCUMENT.partition("\n## What it leaves\n")[2].partition("\n## ")[0]
    assert outputs(record(case("rngs/one", HELD))) <= set(re.findall(r"`([a-z-]+)`", below))
