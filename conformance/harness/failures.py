"""What is said of a failure: where it was, what was promised, and how to run the case again."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import pytest

from conformance.harness.cases import Case
from conformance.harness.claims import SEARCH, CaseKey, Claim
from conformance.harness.subject import DEFAULT_MODE
from conformance.harness.verdicts import ClaimBroken, Verdict, failure_in

if TYPE_CHECKING:
    from _pytest._code import Traceback


def in_a_line(excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
    """What pytest makes of a failure: no traceback, which is made where it is shown."""
    return excinfo.exconly()


def properties_of(error: BaseException | None, verdict: Verdict) -> list[tuple[str, str]]:
    """What a record keeps of a failure."""
    if error is None or verdict is Verdict.NOT_APPLICABLE:
        return []
    return [(name, str(text)) for name, text in vars(failure_in(error)).items()]


def explain(
    report: pytest.TestReport,
    item: pytest.Item,
    claim: Claim,
    key: CaseKey,
    call: pytest.CallInfo[None],
) -> None:
    """Says in the report what was promised, by which section of the guide, and how to rerun."""
    style = "value" if call.excinfo and isinstance(call.excinfo.value, ClaimBroken) else "short"
    if call.excinfo and (call.when == "call" or not isinstance(report.longrepr, str)):
        report.longrepr = call.excinfo.getrepr(
            style=style,  # type: ignore[arg-type]
            tbfilter=lambda excinfo: _shown(excinfo, item.path),
        )
    lines = (
        f"claim: {claim.sentence}",
        f"guide: {claim.guide}",
        f"case:  {key}",
        f"rerun: {rerun_command(item, key)}",
    )
    if hasattr(report.longrepr, "addsection"):
        report.longrepr.addsection(claim.id, "\n".join(lines))  # type: ignore[union-attr]
    else:
        report.longrepr = "\n".join((str(report.longrepr), *lines))
    case: Case | None = getattr(item, "funcargs", {}).get("case")
    if case and call.excinfo:
        scripts = case.scripts(call.excinfo.value)
        report.sections += [("standalone script", script) for script in scripts]


def _shown(excinfo: pytest.ExceptionInfo[BaseException], test: Path) -> "Traceback":
    """The traceback from the test on, with none of JAX's own frames but the last."""
    frames = excinfo.traceback.cut(path=test)
    of_jax = Path(jax.__file__).parent
    return frames.filter(
        lambda frame: frame is frames[-1] or of_jax not in Path(frame.path).parents
    )


def rerun_command(item: pytest.Item, key: CaseKey) -> str:
    """One line for a shell that runs just this case again, from where this run was started."""
    name = item.nodeid.partition("::")[2]
    words = ["python", "-m", "pytest"]
    if key.mode != DEFAULT_MODE:
        words += ["--mode", key.mode]
    if item.config.option.fault:
        words += ["--fault", item.config.option.fault]
    if item.config.option.no_known_deviations:
        words.append("--no-known-deviations")
    for file in item.config.option.deviations:
        words += ["--deviations", file]
    if key.variant == SEARCH:
        words += ["--examples", str(item.config.option.examples)]
    if item.path.is_relative_to(item.config.rootpath) and not item.config.option.pyargs:
        module = os.path.relpath(item.path, item.config.invocation_params.dir)
        words.append(f"{module}::{name}")
    else:
        words += ["--pyargs", f"{item.module.__name__}::{name}"]  # type: ignore[attr-defined]
    return shlex.join(words)
