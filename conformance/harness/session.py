"""One run: cases out of claims, verdicts out of reports, and the exit code."""

import functools
import gc
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import pytest
from syrupy.assertion import SnapshotAssertion

from conformance import __version__
from conformance.harness import (
    backends,
    crossing,
    deviations,
    failures,
    records,
    snapshots,
    survival,
)
from conformance.harness.cases import Case
from conformance.harness.claims import SEARCH, STYLES, CaseKey, Claim
from conformance.harness.deviations import Deviation
from conformance.harness.lost_cases import key_of
from conformance.harness.nesting import LIFTS
from conformance.harness.observations import Observation
from conformance.harness.snapshot_run import SnapshotRun
from conformance.harness.subject import Subject
from conformance.harness.summary import Tally
from conformance.harness.transforms import TRANSFORMS
from conformance.harness.verdicts import SuiteError, Verdict, failure_in

if TYPE_CHECKING:
    from conformance.report.gate import Gate

_FAILURE = ("observed", "error", "message", "cause")  # the properties that a record keeps
_NARROWING_OPTIONS = (
    "keyword",
    "markexpr",
    "deselect",
    "ignore",
    "ignore_glob",
    "lf",
    "last_failed",
    "stepwise",
    "backend",
    "maxfail",
)


def start(config: pytest.Config, subject: Subject) -> "ConformanceSession":
    """Registers the session of this run.

    Raises pytest.UsageError for a backend that is not here, for a malformed deviations file, and
    for a record that cannot be written.
    """
    # Still unset where a conftest imported JAX before us.
    if jax.config.values["jax_default_matmul_precision"] is None:
        precision = os.environ["JAX_DEFAULT_MATMUL_PRECISION"]
        jax.config.update("jax_default_matmul_precision", precision)
    # Where an error was raised says whether it is a refusal; JAX would hide its own frames.
    jax.config.update("jax_traceback_filtering", "off")
    try:
        here = backends.present()
        chosen = backends.select(config.option.backend, config.option.require_backend, here)
        known = deviations.load_all(
            map(Path, config.option.deviations), shipped=not config.option.no_known_deviations
        )
    except (backends.BackendError, deviations.DeviationsError) as error:
        raise pytest.UsageError(str(error)) from None
    session = ConformanceSession(config, subject, chosen, known)
    in_control = not hasattr(config, "workerinput")
    if config.option.baseline and in_control:
        session.gate = _gate(config.option.baseline, known)
    if config.option.record and in_control:
        session.record = _start_record(Path(config.option.record), session)
    config.pluginmanager.register(session, "conformance-session")
    for marker in (*TRANSFORMS, *STYLES, *here):
        config.addinivalue_line("markers", f"{marker}: cases of this transform, style or backend")
    return session


class ConformanceSession:
    """The hooks of a run that need the subject; registered once JAX and Flax are imported."""

    def __init__(
        self,
        config: pytest.Config,
        subject: Subject,
        chosen: dict[str, backends.Backend],
        known: tuple[Deviation, ...],
    ) -> None:
        self.config = config
        self.subject = subject
        self.backends = chosen
        self.deviations = deviations.concerning(
            known, subject.flax, subject.jax, subject.mode, tuple(chosen)
        )
        self._crossing = crossing.Crossing(chosen, subject.mode, config.option.examples)
        self.tally = Tally()
        self._stderr = os.dup(2)  # pytest takes the descriptor itself while a test runs
        self.idle: list[Deviation] = []
        self.snapshots = SnapshotRun(config)
        self.record: records.Writer | None = None
        self.gate: Gate | None = None
        self.cases: dict[str, records.Seen] = {}  # for the gate: all that was seen
        self._seen: dict[str, records.Seen] = {}  # what the record has still to get, by test

    @property
    def _is_recorded(self) -> bool:
        return bool(self.config.option.record or self.config.option.baseline)

    def header(self) -> list[str]:
        """What is tested, for the head of the run."""
        described = "; ".join(backend.line() for backend in self.backends.values())
        return [
            f"conformance {__version__}",
            *self.subject.lines(),
            f"backends: {described}",
        ]

    def pytest_collection_finish(self) -> None:
        # What JAX, Flax and the items hold lives until the end. Looking through all of it again at
        # every collection of garbage costs some 4 % of a run.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 20)

    # Cases out of claims

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        claim: Claim | None = getattr(metafunc.function, "claim", None)
        if claim is not None:
            metafunc.parametrize("case", self._crossing.parameters(claim), indirect=True)

    @pytest.fixture
    def case(self, request: pytest.FixtureRequest, snapshot: SnapshotAssertion) -> Iterator[Case]:
        """The case that a claim's test judges, on its backend."""
        claim, key = request.param
        made = Case(
            claim,
            key,
            LIFTS.get(key.transform),  # type: ignore[arg-type]
            key.style,
            self._variant(claim, key),
            self.backends[key.backend],
            explain=functools.partial(self._explain, claim, key),
            seen=Observation(detailed=self._is_recorded),
        )
        with jax.default_device(made.backend.devices[0]):
            yield made

    def _variant(self, claim: Claim, key: CaseKey) -> Any:
        if claim.search and key.variant == SEARCH:
            return claim.search(self.config.option.examples)
        return claim.variants.get(key.variant)

    def _explain(self, claim: Claim, key: CaseKey, error: BaseException) -> str:
        """The cause that is known of such a failure under this transform, in some variant."""
        failure = failure_in(error)
        others = [replace(key, variant=variant) for variant in claim.variants]
        causes = (
            known.cause
            for known in self.deviations
            if known.explains(failure) and any(map(known.matches, others))
        )
        return next(causes, "")

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[None]:
        case = pyfuncitem.funcargs.get("case")
        searches = isinstance(case, Case) and case.key.variant == SEARCH
        examples = self.config.option.examples if searches else 1
        with (
            survival.time_limit(examples * self.config.option.case_timeout, self._stderr),
            survival.same_configuration(),
        ):
            passed: object = yield
        if isinstance(case, Case) and not searches:
            snapshots.hold(case, pyfuncitem.funcargs["snapshot"])  # type: ignore[arg-type]
        return passed  # type: ignore[return-value]

    # Verdicts out of reports

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        of_a_claim = hasattr(getattr(item, "function", None), "claim")
        if of_a_claim:
            # A traceback reads and parses Flax's and JAX's source, a tenth of a second each: it is
            # made where it is shown (`failures.explain`), not for each known deviation.
            item.repr_failure = failures.in_a_line  # type: ignore[method-assign]
        report: pytest.TestReport = yield  # type: ignore[assignment]
        if not of_a_claim:
            return report  # type: ignore[return-value]
        if report.when != "call" and report.passed:
            return report  # type: ignore[return-value]
        claim, key = item.callspec.params["case"]  # type: ignore[attr-defined]
        verdict, deviation = self._judge(claim, key, report, call)
        if report.failed:
            failures.explain(report, item, claim, key, call)
        properties = [("case", str(key)), *vars(key).items(), ("verdict", str(verdict))]
        properties += failures.properties_of(call.excinfo.value if call.excinfo else None, verdict)
        if verdict is Verdict.KNOWN_DEVIATION and deviation:
            properties += [("deviation", deviation.source), ("cause", deviation.cause)]
        case: Case | None = getattr(item, "funcargs", {}).get("case")
        if case and not case.seen.has_snapshot:
            properties.append(("snapshot", "missing"))
        # Where a later phase fails too, it has the last word. JUnit's file asks the last report.
        item.user_properties[:] = report.user_properties = properties
        if case and self._is_recorded:
            outputs = {path: leaf.text for path, leaf in case.seen.outputs.items()}
            seen = {"notes": case.notes, "outputs": outputs, "details": case.seen.details}
            vars(report)["seen"] = seen  # among the properties they would burden JUnit's file
        return report  # type: ignore[return-value]

    def _judge(
        self,
        claim: Claim,
        key: CaseKey,
        report: pytest.TestReport,
        call: pytest.CallInfo[None],
    ) -> tuple[Verdict, Deviation | None]:
        """The verdict of a case; sets the report's outcome to fit where a deviation is known."""
        error = call.excinfo.value if call.excinfo else None
        if report.skipped:
            if crossing.not_applicable(claim, key):
                return Verdict.NOT_APPLICABLE, None
            report.outcome = "failed"
            vars(report).pop("wasxfail", None)  # pytest does not count a failure that has it
            return Verdict.SUITE_ERROR, None
        if report.when != "call" or isinstance(error, SuiteError):
            return Verdict.SUITE_ERROR, None
        if report.failed and error is None:  # a strict xfail that passed: a claim has no such mark
            return Verdict.SUITE_ERROR, None
        failure = failure_in(error) if error else None
        # What a search finds depends on what was drawn: it has looked at what is known itself.
        known = () if key.variant == SEARCH else self.deviations
        verdict, deviation = deviations.judge(known, key, failure)
        if deviation and verdict is Verdict.STALE_DEVIATION:
            report.outcome = "failed"
            report.longrepr = f"stale: the claim holds, but {deviation.source} says it does not"
        elif deviation:
            report.outcome = "skipped"
            report.wasxfail = f"known deviation: {deviation.cause}"
        return verdict, deviation

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = {name: str(value) for name, value in report.user_properties}
        if "verdict" in properties and not (report.when == "teardown" and report.passed):
            self.snapshots.missing += properties.get("snapshot") == "missing"
            verdict = Verdict(properties["verdict"])
            explained = (properties.get(name, "") for name in ("deviation", "cause"))
            self.tally.add(properties["case"], verdict, *explained)
            # A later phase of the same test may only make its verdict worse.
            failure: dict[str, Any] = {name: properties.get(name, "") for name in _FAILURE}
            observed = vars(report).get("seen", {})
            self._seen[report.nodeid] = records.Seen(
                properties["case"], verdict, **failure, **observed
            )
            if report.when not in ("setup", "call", "teardown"):  # its worker will not finish it
                self._write_down(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Gives a case that took its worker along the verdict that it can give nobody itself."""
        found = key_of(crashitem, self.config.rootpath, self._crossing.keys)
        if found is None:
            return
        claim, key = found
        error = survival.ProcessEnded(str(report.longrepr))
        report.user_properties = [
            *(("case", str(key)), *vars(key).items(), ("verdict", str(Verdict.BROKEN))),
            *failures.properties_of(error, Verdict.BROKEN),
        ]
        report.longrepr = f"{report.longrepr}\nclaim: {claim.sentence}\ncase:  {key}"

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._write_down(nodeid)

    def _write_down(self, nodeid: str) -> None:
        seen = self._seen.pop(nodeid, None)
        if self.record and seen:
            self.record.add(seen)
        if self.gate and seen:
            self.cases[seen.case] = seen

    def pytest_unconfigure(self) -> None:
        os.close(self._stderr)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput") or self.config.option.collectonly:
            return
        if self.tally.only_not_applicable() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
        full = self._is_full(session)
        told = full and bool(self.tally.verdicts)
        if told:
            self.idle = [
                known for known in self.deviations if known.source not in self.tally.deviations
            ]
        snapshots_are_well = self.snapshots.finish(self.tally.verdicts, told)
        lacking = self.idle or not snapshots_are_well
        if self.gate and self.cases:
            lacking = not self.gate.passes(_header(self), self.cases, full=full) or lacking
        if lacking and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.record:
            self.record.close(int(session.exitstatus), full)

    def _is_full(self, session: pytest.Session) -> bool:
        """Whether every claim was to be run: nothing narrowed the run, nothing cut it short."""
        narrowed = any(getattr(self.config.option, name, None) for name in _NARROWING_OPTIONS)
        package = Path(__file__).parent.parent
        whole = {"conformance", str(package), os.path.relpath(package)}
        return not narrowed and not session.shouldstop and set(self.config.args) <= whole

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.tally.verdicts:
            return
        terminalreporter.section("conformance")
        for line in (*self.tally.table(), "", *self.tally.findings()):
            terminalreporter.write_line(line)
        if self.tally.only_not_applicable():
            terminalreporter.write_line("no case was executed: nothing is known of this subject")
        for known in self.idle:
            terminalreporter.write_line(f"{known.source} explains no case", red=True)
        self.snapshots.say(terminalreporter)
        for line in self.gate.lines() if self.gate else ():
            terminalreporter.write_line(line)


def _gate(word: str, known: tuple[Deviation, ...]) -> "Gate":
    from conformance.report.gate import Gate  # reports are no part of what a run needs

    try:
        return Gate(word, known)
    except records.RecordError as error:
        raise pytest.UsageError(f"--baseline: {error}") from None


def _header(session: ConformanceSession) -> records.Header:
    subject = session.subject
    broken = {"fault": subject.fault} if subject.fault else {}
    return records.Header(
        suite=__version__,
        subject=broken
        | {
            "flax": str(subject.flax),
            "jax": str(subject.jax),
            "jaxlib": str(subject.jaxlib),
            "python": subject.python,
            "mode": subject.mode,
            "prng": subject.prng,
        },
        backends={name: backend.line() for name, backend in session.backends.items()},
    )


def _start_record(path: Path, session: ConformanceSession) -> records.Writer:
    try:
        return records.Writer(path, _header(session))
    except OSError as error:
        raise pytest.UsageError(f"--record {path}: {error.strerror}") from None
