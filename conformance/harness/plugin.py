"""The pytest plugin: options, and what must happen before JAX is imported.

It imports neither JAX nor Flax itself: the environment comes first, then the subject, and only
then `session`, which does the work.
"""

import importlib.util
import os
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.harness import environment, subject

if TYPE_CHECKING:
    from conformance.harness.session import ConformanceSession

SESSION: "pytest.StashKey[ConformanceSession]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance of Flax NNX transforms")
    group.addoption(
        "--backend",
        action="append",
        default=[],
        metavar="NAME",
        help="run on this backend only (repeatable); the default is every backend that JAX reports",
    )
    group.addoption(
        "--require-backend",
        action="append",
        default=[],
        metavar="NAME",
        help="fail unless this backend is here (repeatable)",
    )
    group.addoption(
        "--mode",
        default=subject.DEFAULT_MODE,
        metavar="NAME",
        help="the NNX mode that the environment is meant to set; the default is 'default'",
    )
    group.addoption(
        "--deviations",
        action="append",
        default=[],
        metavar="FILE",
        help="known deviations of your own, beside those that the suite ships (repeatable)",
    )
    group.addoption(
        "--record",
        metavar="FILE",
        help="write what the run sees to this file, line by line",
    )
    group.addoption(
        "--baseline",
        metavar="RECORD",
        help="fail too where a case is worse than in this record: a file, or a Flax release, whose "
        "baseline the suite ships",
    )
    group.addoption(
        "--case-timeout",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="how long a case may take (default: %(default)g); 0 for as long as it likes",
    )
    group.addoption(
<<<<<<< HEAD
        "--examples",
        type=int,
        default=0,
        metavar="N",
        help="search: draw so many scripts for each transform, beside those that the suite has",
=======
        "--fault",
        metavar="NAME",
        help="break NNX on purpose, to see claims fail; 'list' names the faults that there are",
>>>>>>> main
    )
    group.addoption(
        "--no-known-deviations",
        action="store_true",
        help="the raw truth: every deviation fails",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.help or config.option.version or config.getoption("markers"):
        return
    _refuse_unfit_update(config)
    _refuse_unfit_search(config)
    config.option.disable_unused_snapshots = True  # syrupy's own way; a case is not its test
    environment.prepare(os.environ)
    try:
        tested = subject.load(config.option.mode)
    except subject.SubjectError as error:
        raise pytest.UsageError(str(error)) from None
    if config.option.fault:
        tested = _broken(config, tested)

    from conformance.harness.session import start

    config.stash[SESSION] = start(config, tested)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Lists the faults, where that is what is asked for."""
    if config.option.fault != "list" or config.option.help or config.option.version:
        return None
    environment.prepare(os.environ)
    try:
        subject.load(config.option.mode)
    except subject.SubjectError as error:
        raise pytest.UsageError(str(error)) from None

    from conformance.faults.catalogue import FAULTS

    for fault in FAULTS.values():
        print(f"{fault.name}: {fault.breaks}")  # noqa: T201
    return pytest.ExitCode.OK


def _broken(config: pytest.Config, tested: subject.Subject) -> subject.Subject:
    """Breaks NNX until the end of the run, before anything but Flax itself has seen it."""
    from conformance.faults import engine
    from conformance.faults.catalogue import named
    from conformance.faults.fault import FaultError

    try:
        fault = named(config.option.fault)
    except FaultError as error:
        raise pytest.UsageError(f"--fault: {error}") from None
    broken = ExitStack()
    broken.enter_context(engine.active(fault))
    config.add_cleanup(broken.close)
    return replace(tested, fault=fault.name, breaks=fault.breaks)


def _refuse_unfit_update(config: pytest.Config) -> None:
    option = config.option
    if not (option.update_snapshots or option.update_new_snapshots_only):
        return
    if option.fault:
        raise pytest.UsageError("--snapshot-update: refused under a fault: what is left is wrong")
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise pytest.UsageError(
            "--snapshot-update: refused in CI, for nobody reviews there what changes"
        )
    if getattr(option, "numprocesses", None) or hasattr(config, "workerinput"):
        raise pytest.UsageError("--snapshot-update: one process writes snapshots: add -n0")


def _refuse_unfit_search(config: pytest.Config) -> None:
    if config.option.examples < 0:
        raise pytest.UsageError("--examples: must not be negative")
    if config.option.examples and importlib.util.find_spec("hypothesis") is None:
        raise pytest.UsageError(
            "--examples: Hypothesis is not installed: `python -m pip install 'hypothesis<7'`"
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Lets workers that are done take over what others have still to do.

    Each begins with a part of its own, so that what JAX compiles for the operations of one file
    is seldom compiled in two workers.
    """
    if config.getoption("dist") != "load":
        return None  # the user wants it otherwise
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


def pytest_report_header(config: pytest.Config) -> list[str]:
    return config.stash[SESSION].header() if SESSION in config.stash else []
