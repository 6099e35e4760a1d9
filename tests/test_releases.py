"""The table of releases is the only one: tox.ini says what it says."""

import tomllib
from datetime import date

from packaging.version import Version

from conformance.harness.subject import FLOOR, RELEASES_FILE
from tools import tox_environments

ROWS = tomllib.loads(RELEASES_FILE.read_text("utf-8"))["release"]


def test_tox_has_the_environments_of_the_table():
    found = tox_environments.TOX_INI.read_text("utf-8")
    assert found == tox_environments.with_environments(found), (
        "run: python tools/tox_environments.py"
    )


def test_the_table_starts_at_the_floor_and_is_in_order():
    versions = [Version(row["flax"]) for row in ROWS]
    assert versions[0] == FLOOR
    assert versions == sorted(set(versions))


def test_rows_are_whole():
    optional = {"jax_requires_python"}
    always = {"flax", "uploaded", "requires_python"}
    pairs = {"declares_jax", "jax_of_its_day", "newest_jax"}
    for row in ROWS:
        assert set(row) - optional == always | ({"yanked"} if "yanked" in row else pairs), row
        assert isinstance(row["uploaded"], date)
        if "yanked" not in row:
            assert Version(row["jax_of_its_day"]) <= Version(row["newest_jax"])


def test_an_environment_runs_on_a_python_that_its_jax_takes_too():
    python = {row["flax"]: tox_environments.python_of(row) for row in ROWS}
    assert python["0.10.0"] == "3.11"  # Flax takes 3.10, the suite does not
    assert python["0.12.8"] == "3.12"  # Flax takes 3.11, the JAX of its day does not
    assert python["0.12.12"] == "3.12"
