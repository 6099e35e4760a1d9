"""Loads the suite's plugin into the runs that target the suite, and into no other.

pytest imports this module in every run of an environment that the suite is installed in. It is
no part of the package, since a folder named `conformance` where somebody else runs pytest would
hide that package, and pytest stops at an entry point that it cannot import.
"""

import importlib.util
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent / "conformance"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Adds the suite's options in time for pytest's own reading of the command line."""
    if _is_target(early_config):
        early_config.pluginmanager.import_plugin("conformance.harness.plugin")


def _is_target(config: pytest.Config) -> bool:
    """Whether the run names the package, or a place inside it."""
    here = config.invocation_params.dir
    named = [target.partition("::")[0] for target in config.known_args_namespace.file_or_dir]
    if config.known_args_namespace.pyargs and any(map(_is_module, named)):
        return True
    places = [here / name for name in named] or [here]
    return any(place.resolve().is_relative_to(PACKAGE) for place in places)


def _is_module(name: str) -> bool:
    """Whether Python would find this very package under the first part of a dotted name."""
    if name.partition(".")[0] != PACKAGE.name:
        return False
    found = importlib.util.find_spec(PACKAGE.name)
    return (
        found is not None
        and found.origin is not None
        and Path(found.origin).resolve().parent == PACKAGE
    )
