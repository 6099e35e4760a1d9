"""The suite as it is installed: it moves no subject, runs anywhere, and leaves other runs alone."""

import email
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from conformance.harness.subject import RELEASES_FILE
from tools import tox_environments

CHECKOUT = Path(__file__).parent.parent
SUBJECT = ("flax", "jax", "jaxlib")


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    """What a command prints; fails the test where the command fails."""
    finished = attempt(*command, cwd=cwd, **environ)
    assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
    return finished.stdout


def attempt(*command: str | Path, cwd: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "XLA_FLAGS", "JAX_", "PYTHONPATH"))
    }
    words = [str(word) for word in command]
    return subprocess.run(
        words, cwd=cwd, env=kept | environ, capture_output=True, text=True, check=False
    )


# Beside an existing Flax and JAX


def pairs() -> list[tuple[str, str]]:
    """The oldest release, 0.11.2, and the newest that this Python takes, each with its JAX."""
    python = Version("{}.{}".format(*sys.version_info))
    mine = {
        row["flax"]: row["jax_of_its_day"]
        for row in tomllib.loads(RELEASES_FILE.read_text("utf-8"))["release"]
        if "yanked" not in row and Version(tox_environments.python_of(row)) <= python
    }
    return [(flax, mine[flax]) for flax in dict.fromkeys(("0.10.0", "0.11.2", list(mine)[-1]))]


def uv(*arguments: str | Path) -> str:
    return run(importlib.import_module("uv").find_uv_bin(), *arguments, cwd=CHECKOUT)


@pytest.fixture(scope="module", params=pairs(), ids=lambda pair: f"flax-{pair[0]}-jax-{pair[1]}")
def users_python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment as a user may have it: Flax and JAX, and no chex."""
    flax, jax = request.param
    home = tmp_path_factory.mktemp(f"flax-{flax}")
    python = home / "bin" / "python"
    wanted = (f"flax=={flax}", f"jax=={jax}")
    uv("venv", "--quiet", "--python", sys.executable, home)
    uv("pip", "install", "--quiet", "--python", python, *wanted)
    uv("pip", "uninstall", "--quiet", "--python", python, "chex")
    assert versions(python)["flax"] == flax
    assert versions(python)["jax"] == jax
    assert "chex" not in versions(python)
    return python


def versions(python: Path) -> dict[str, str]:
    """What is installed beside `python`."""
    listed = json.loads(uv("pip", "list", "--quiet", "--format", "json", "--python", python))
    return {package["name"]: package["version"] for package in listed}


@pytest.mark.install
def test_pip_would_move_no_subject(users_python: Path, tmp_path: Path):
    report = tmp_path / "report.json"
    options = ("--dry-run", "--quiet", "--report", report)
    pip = (sys.executable, "-m", "pip", "--python", users_python)
    run(*pip, "install", *options, CHECKOUT, cwd=tmp_path)
    moved = {entry["metadata"]["name"] for entry in json.loads(report.read_text())["install"]}
    assert moved >= {"chex", "nnx-conformance", "pytest"}
    assert not moved & set(SUBJECT)


@pytest.mark.install
def test_uv_moves_no_subject(users_python: Path, tmp_path: Path):
    before = versions(users_python)
    uv("pip", "install", "--python", users_python, CHECKOUT)
    after = versions(users_python)
    assert set(after) - set(before) >= {"chex", "nnx-conformance", "pytest"}
    assert {name: after[name] for name in SUBJECT} == {name: before[name] for name in SUBJECT}
    run(users_python, "-c", "import chex, flax.nnx", cwd=tmp_path)


# From a wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    wheels = tmp_path_factory.mktemp("wheels")
    run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels),
        CHECKOUT,
        cwd=wheels,
    )
    (built,) = wheels.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents, as site-packages would have them."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


ONE_CLAIM = ("-k", "test_update_attribute and jit and function")


def installed_pytest(site: Path, cwd: Path, *arguments: str) -> str:
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments)
    return run(*command, cwd=cwd, PYTHONPATH=str(site))


def test_the_wheel_holds_what_the_suite_reads(site: Path):
    for name in (
        "py.typed",
        "releases.toml",
        "deviations.toml",
        "baselines/flax-0.10.0-jax-0.4.34.jsonl.gz",
        "graph_updates/test_attributes.py",
        "report/page/template.html",
        "report/page/css/head.css",
        "report/page/js/main.js",
    ):
        assert (site / "conformance" / name).is_file()
    assert not (site / "tests").exists()


def test_the_wheel_says_what_it_is(site: Path):
    (info,) = site.glob("nnx_conformance-*.dist-info")
    told = email.message_from_string((info / "METADATA").read_text("utf-8"))
    assert told["License-Expression"] == "Apache-2.0"
    assert told["License-File"] == "LICENSE"
    assert (info / "licenses" / "LICENSE").read_bytes() == (CHECKOUT / "LICENSE").read_bytes()
    assert told["Requires-Python"] == ">=3.11"
    assert {"Typing :: Typed", "Framework :: Pytest"} <= set(told.get_all("Classifier") or ())
    required = [Requirement(text) for text in told.get_all("Requires-Dist") or ()]
    assert not {each.name for each in required} & set(SUBJECT)
    extras = set(told.get_all("Provides-Extra") or ())
    assert extras >= {"dev", "gate", "guide", "matrix", "report"}
    # What a command needs for its users its developers have too.
    of = {
        extra: {r.name for r in required if f"'{extra}'" in str(r.marker).replace('"', "'")}
        for extra in extras
    }
    assert not {name for extra in extras for name in of[extra]} - of["dev"]


# A wheel, a Flax, and nothing else


@pytest.fixture(scope="module")
def users_commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel, with its extras, and the newest Flax."""
    flax, jax = pairs()[-1]
    home = tmp_path_factory.mktemp("fresh")
    programs = home / "bin"
    extras = f"{wheel}[gate,guide,matrix,report]"
    uv("venv", "--quiet", "--python", sys.executable, home)
    uv("pip", "install", "--quiet", "--python", home, extras, f"flax=={flax}", f"jax=={jax}")
    return programs


FRESH = [
    ("python -m pytest --pyargs conformance -n 0 -k {one}", "1 passed"),
    ("nnx-conformance diff 0.12.2 0.12.2", "identical: "),
    ("nnx-conformance report 0.12.2 0.12.3 --html page --markdown -", "## NNX conformance"),
    ("nnx-conformance trace 0.10.0", "0.10.0"),
    ("nnx-conformance guide --backend cpu -- -k cell-01", "cells run on cpu"),
    ("nnx-conformance gate --jobs 0 -- -k {one}", "gate: passed"),
    ("nnx-conformance bisect scan_carry/bare-variable[scan] --from-baselines", "held: flax 0.10.6"),
    ("nnx-conformance repro closures/deletion-rejected[jit]", "from flax import nnx"),
]


@pytest.mark.install
@pytest.mark.parametrize(("command", "says"), FRESH, ids=[line for line, _ in FRESH])
def test_a_fresh_environment(users_commands: Path, empty: Path, command: str, says: str):
    program, *words = (word.replace("{one}", ONE_CLAIM[1]) for word in command.split())
    said = run(users_commands / program, *words, cwd=empty)
    assert says in said


@pytest.mark.install
def test_what_the_action_runs(empty: Path):
    """A runner's variables are all it takes; what the gate says of them is its exit code."""
    variables = {
        "PYTHON": sys.executable,
        "GITHUB_ACTION_PATH": str(CHECKOUT),
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(empty / "outputs"),
        "GITHUB_STEP_SUMMARY": str(empty / "summary"),
        "CONFORMANCE_FOLDER": str(empty / "temp"),
        "CONFORMANCE_FLAX": "; touch owned",
    }
    finished = attempt(CHECKOUT / "tools" / "action", cwd=empty, **variables)
    assert finished.returncode == 2, finished.stderr
    assert "::--flax '; touch owned': neither a version" in finished.stdout
    assert "bad input (exit code 2)" in (empty / "summary").read_text()
    assert not list(empty.rglob("owned"))


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_installed_suite_runs_in_an_empty_folder(site: Path, empty: Path, workers: str):
    said = installed_pytest(
        site, empty, "--pyargs", "conformance", "--backend", "cpu", "-n", workers, *ONE_CLAIM
    )
    assert re.search(r"^=+ 1 passed", said, re.MULTILINE), said
    assert "backends: cpu" in said
    assert not list(empty.iterdir())


def test_a_claim_of_an_installed_suite_can_be_named(site: Path, empty: Path):
    named = "conformance.graph_updates.test_attributes::test_update_attribute"
    options = ("--collect-only", "-q", "--backend", "cpu", *ONE_CLAIM)
    said = installed_pytest(site, empty, *options, "--pyargs", named)
    assert "test_update_attribute[jit-function-cpu]" in said


def test_a_path_of_an_installed_suite_can_be_named(site: Path, empty: Path):
    section = str(site / "conformance" / "graph_updates")
    options = ("--collect-only", "-q", "--backend", "cpu", *ONE_CLAIM)
    said = installed_pytest(site, empty, *options, section)
    assert "test_update_attribute[jit-function-cpu]" in said


# Other runs in the same environment

THEIR_CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--backend", choices=["mine"])
"""
THEIR_TEST = """
import os, sys

def test_theirs(pytestconfig):
    assert pytestconfig.option.backend == "mine"
    assert "--xla" not in os.environ.get("XLA_FLAGS", "")
    assert not {"jax", "flax", "conformance.harness"} & set(sys.modules)
    assert not pytestconfig.pluginmanager.has_plugin("conformance.harness.plugin")
"""


def project(root: Path, folder: str) -> Path:
    """Somebody else's project, with tests in `folder`."""
    tests = root / folder
    tests.mkdir()
    (tests / "__init__.py").touch()
    (tests / "conftest.py").write_text(THEIR_CONFTEST)
    (tests / "test_theirs.py").write_text(THEIR_TEST)
    return root


def targets() -> Iterable[tuple[str, ...]]:
    yield ("tests", "tests")
    yield ("tests", "tests", "-n", "1")
    # A package of the same name as the suite's, which hides it.
    yield ("conformance", "conformance")
    yield ("conformance", "--pyargs", "conformance")
    yield ("conformance", "conformance", "-n", "1")


@pytest.mark.parametrize("target", targets(), ids=" ".join)
def test_other_projects_runs_are_unaffected(site: Path, tmp_path: Path, target: tuple[str, ...]):
    folder, *arguments = target
    root = project(tmp_path, folder)
    said = installed_pytest(site, root, "--backend", "mine", *arguments)
    assert re.search(r"^=+ 1 passed", said, re.MULTILINE), said
    assert "flax" not in said.partition("collected")[0].replace(str(root), "")


def test_a_run_without_arguments_elsewhere_is_not_the_suites(site: Path, empty: Path):
    command = (sys.executable, "-m", "pytest", "--backend", "cpu")
    finished = attempt(*command, cwd=empty, PYTHONPATH=str(site))
    assert finished.returncode == pytest.ExitCode.USAGE_ERROR
    assert "unrecognized arguments: --backend" in finished.stderr


# What the README tells to type


def test_ci_types_what_the_readme_says():
    readme = (CHECKOUT / "README.md").read_text("utf-8").splitlines()
    commands = [line for line in readme if line.startswith("python3 ")]
    assert [command.rpartition(" -m ")[2] for command in commands] == [
        "pytest -n auto",
        "pytest tests",
    ]
    script = (CHECKOUT / ".ci" / "run").read_text("utf-8")
    assert "command=$(grep -m1 -E '^python3 .*pytest tests$' README.md)\n" in script
