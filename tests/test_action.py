"""The action and the workflows: what GitHub is told agrees with what the gate takes and gives."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.gate import commands, summary
from conformance.gate.ending import Ending
from conformance.gate.running import Files
from conformance.gate.settings import FLAGS, LISTS, TEXTS
from conformance.harness.records import Record
from conformance.report.outcomes import Outcome
from tests.conftest import CHECKOUT
from tests.reports import HELD, case, record

ACTION: dict[str, Any] = yaml.safe_load((CHECKOUT / "action.yml").read_text("utf-8"))
WORKFLOWS: dict[str, dict[Any, Any]] = {
    path.name: yaml.safe_load(path.read_text("utf-8"))
    for path in sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
}
STEPS = [
    *ACTION["runs"]["steps"],
    *(
        step
        for workflow in WORKFLOWS.values()
        for job in workflow["jobs"].values()
        for step in job.get("steps", ())
    ),
]
# Of the command alone: the action settles where things are, and has no use for the raw truth.
NOT_INPUTS = {"jobs", "folder", "output", "no_known_deviations"}
PLURAL = {"backends": "backend", "require-backends": "require_backend", "sections": "section"}


def options() -> set[str]:
    return {*TEXTS, *LISTS, *FLAGS} - NOT_INPUTS


def settings() -> dict[str, str]:
    """The variables that the action sets, by what it sets them to."""
    [step] = [step for step in ACTION["runs"]["steps"] if step.get("id") == "gate"]
    found: dict[str, str] = step["env"]
    return found


def test_every_option_is_an_input() -> None:
    """The inputs are the options of the gate, and each is handed on as its variable."""
    inputs = set(ACTION["inputs"]) - {"artifact"}
    assert {PLURAL.get(name, name.replace("-", "_")) for name in inputs} == options()
    for name in inputs:
        variable = f"CONFORMANCE_{PLURAL.get(name, name.replace('-', '_')).upper()}"
        assert settings()[variable] == f"${{{{ inputs.{name} }}}}"


def outputs(before: Record | None) -> set[str]:
    """The names of what the gate puts out."""
    outcome = Outcome.of(record(case("rngs/one", HELD)), ())
    comparison = commands.beside(before, outcome, (), ()) if before else None
    ended = commands.ended(Ending.PASSED, Files(Path()))
    return {*ended, *summary.counts(outcome, comparison), "flax", "jax", "failed-claims"}


def test_every_output_is_put_out() -> None:
    """The outputs are what the gate writes for the runner, no more and no less."""
    assert set(ACTION["outputs"]) == outputs(record(case("rngs/one", HELD)))
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.gate.outputs.{name} }}}}"


def test_the_workflow_to_call_hands_on() -> None:
    """Its inputs are inputs of the action, and its outputs outputs."""
    workflow = WORKFLOWS["conformance.yml"]
    called = workflow[True]["workflow_call"]  # what YAML makes of a key that is called `on`
    job = workflow["jobs"]["gate"]
    given = job["steps"][-1]["with"]
    assert set(given) == set(called["inputs"]) - {"runner", "timeout-minutes"}
    assert set(given) == set(ACTION["inputs"]) - {"mode", "pytest"}
    assert all(value == f"${{{{ inputs.{name} }}}}" for name, value in given.items())
    assert set(called["outputs"]) == set(job["outputs"]) <= set(ACTION["outputs"])


@pytest.mark.parametrize("step", [step for step in STEPS if "run" in step], ids=lambda s: s["run"])
def test_no_command_is_made_of_what_somebody_says(step: dict[str, Any]) -> None:
    """No expression is part of a command: a shell sees variables, and quotes them."""
    assert "${{" not in step["run"]
    assert not re.search(r'(?<!")\$[A-Z]', step["run"])


@pytest.mark.parametrize("step", [s for s in STEPS if "uses" in s], ids=lambda s: s["uses"])
def test_pinned(step: dict[str, Any]) -> None:
    """An action of somebody else's is pinned by its commit; ours is that of the same commit."""
    assert re.fullmatch(r"\$/|[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_least_permissions(name: str) -> None:
    """A workflow may do nothing, a job what it says; what is checked out holds no credentials."""
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {}
    for job_name, job in workflow["jobs"].items():
        expected = (
            {"pages": "write", "id-token": "write"}
            if (name, job_name) == ("page.yml", "publish")
            else {"contents": "read"}
        )
        assert job["permissions"] == expected
        assert job["timeout-minutes"]
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    assert "pull_request_target" not in workflow[True]


def test_ci_checks_them() -> None:
    """What checks the syntax and the safety of these files is part of what must pass."""
    script = (CHECKOUT / ".ci" / "run").read_text("utf-8")
    for line in (
        ".venv/bin/check-jsonschema --builtin-schema vendor.github-actions action.yml",
        ".venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*",
        ".venv/bin/zizmor --offline",
    ):
        assert f"\n{line}" in script
