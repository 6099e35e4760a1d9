"""A long search: Hypothesis draws scripts, and shrinks one of each kind of failure."""

import contextlib
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax

from conformance.harness.cases import Case
from conformance.harness.observations import Observation
from conformance.harness.transforms import Answer, Edit
from conformance.harness.verdicts import SuiteError, WrongResult, failure_in
from conformance.search import drawing
from conformance.search.scripts import Script, make_classes, study
from conformance.search.standalone import standalone

ROUND = 500  # scripts that are drawn by one run of Hypothesis
SHRINKS = 100  # scripts that are tried beyond those, to find shorter ones
FORGET = 200  # scripts that share what JAX has compiled, and their classes
TELL = 10.0  # seconds between two lines of progress

# What a kind of scripts comes to at most.
MOST: dict[str, Edit] = {
    "values": Edit.VALUE,
    "statics": Edit.STATIC,
    "references": Edit.REWIRE,
    "sizes": Edit.RESIZE,
    "everything": Edit.RESIZE,
}

log = logging.getLogger("conformance.search")


class Found(Exception):
    """A script has failed; each kind of failure has a class of its own, as Hypothesis needs it."""


@dataclass
class Finding:
    """A kind of failure: how often it was met, and the shortest script that shows it."""

    times: int = 0
    script: Script | None = None
    error: BaseException | None = None

    def meet(self, script: Script, error: BaseException) -> None:
        self.times += 1
        if self.script is None or _length(script) < _length(self.script):
            self.script, self.error = script, error


@dataclass
class Search:
    """One search: so many scripts under the transform of one case."""

    case: Case
    examples: int
    judge: Callable[[Case, Script, Mapping[str, type]], None]
    returns: bool = False
    tried: int = 0
    shrinking: int = 0
    findings: dict[str, Finding] = field(default_factory=dict)
    known: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    _classes: Mapping[str, type] = field(default_factory=make_classes)
    _told: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Draws and judges the scripts; raises WrongResult where one fails for no known cause."""
        rounds = 0
        while self.tried < self.examples:
            before = self.tried
            self._round(rounds, min(ROUND, self.examples - self.tried))
            rounds += 1
            if self.tried == before:
                break  # nothing is left to draw
        self._tell("ended")
        self.case.notes["scripts"] = str(self.tried)
        if self.findings:
            self._report()

    def _round(self, number: int, most: int) -> None:
        import hypothesis
        from hypothesis import strategies

        settings = hypothesis.settings(
            max_examples=most,
            database=None,
            deadline=None,
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
            print_blob=False,
            verbosity=hypothesis.Verbosity.quiet,
            # A script is drawn on live objects and then compiled: slow is what it is.
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        done = set(self.findings)
        failed, shrinks = False, 0

        @strategies.composite
        def scripts(draw: Any) -> Script:
            def choose(options: Sequence[Any]) -> Any:
                return options[draw(strategies.integers(0, len(options) - 1))]

            script = drawing.draw(choose, choose(self._kinds()), returns=self.returns)
            hypothesis.assume(not study(script).forgets)
            return script

        @hypothesis.seed(number)
        @settings
        @hypothesis.given(script=scripts())
        def attempt(script: Script) -> None:
            nonlocal failed, shrinks
            if shrinks >= SHRINKS:
                return  # what is known by now is short enough
            shrinks += failed
            self.tried += not failed
            self.shrinking += failed
            kind = self._try(script)
            if kind is not None and kind not in done:
                failed = True
                raise _class_of(kind)

        # What failed is in the findings. Hypothesis says the like of it, and where it fails once.
        with contextlib.suppress(Found, BaseExceptionGroup, hypothesis.errors.Flaky):
            attempt()
        for kind in [kind for kind in self.findings if kind not in done]:
            self._trim(kind)

    def _trim(self, kind: str) -> None:
        """Leaves out, line by line, what a finding does not need.

        Hypothesis shrinks choices: where an early one goes, later ones mean other things.
        """
        finding = self.findings[kind]
        assert finding.script is not None
        script = by_lines(finding.script)
        for part in ("body", "make"):
            for number in reversed(range(len(getattr(script, part)))):
                shorter = without(script, part, number)
                if _is_fit(shorter):
                    self.shrinking += 1
                    script = shorter if self._try(shorter) == kind else script

    def _kinds(self) -> tuple[str, ...]:
        answers = self.case.transform.answers
        return tuple(k for k, edit in MOST.items() if answers[edit] is not Answer.REFUSED)

    def _try(self, script: Script) -> str | None:
        """The kind of failure of a script, where it fails for no cause that is known."""
        if (self.tried + self.shrinking) % FORGET == 0:
            jax.clear_caches()
            self._classes = make_classes()
        if time.monotonic() - self._told > TELL:
            self._tell("going on")
        case = replace(self.case, notes={}, seen=Observation())
        try:
            self.judge(case, script, self._classes)
        except SuiteError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is raised is what was found
            # A tracer may be left where JAX will compare the structures of the next scripts.
            self._classes = make_classes()
            if cause := self.case.explain(error):
                self.known[cause] += 1
                return None
            kind = kind_of(error)
            self.findings.setdefault(kind, Finding()).meet(script, error)
            return kind
        self.answers[case.notes.get("answer", "done")] += 1
        return None

    def _tell(self, what: str) -> None:
        self._told = time.monotonic()
        log.info(
            "%s: %s of %s scripts (%s to shrink), %s failures of %s kinds, %s known; %s; %s",
            self.case.key.transform,
            self.tried,
            self.examples,
            self.shrinking,
            sum(finding.times for finding in self.findings.values()),
            len(self.findings),
            sum(self.known.values()),
            ", ".join(f"{number} {answer}" for answer, number in sorted(self.answers.items())),
            what,
        )

    def _report(self) -> None:
        lines, scripts = [], []
        for kind, finding in self.findings.items():
            assert finding.script is not None
            assert finding.error is not None
            lines.append(f"{finding.times} x {kind}")
            edit = study(finding.script).edit
            scripts.append(standalone(finding.script, self.case.transform, edit, finding.error))
        self.case.scripts = lambda _: scripts
        raise WrongResult("\n".join(lines))


_PARTS = ("make", "body")
_DIFFERENCE = re.compile(r".*: expected (?P<expected>.*), found (?P<found>.*)")
_NUMBER = re.compile(r"0x[0-9a-f]+|-?\b\d[\d.e+-]*")
_classes: dict[str, type[Found]] = {}


def _class_of(kind: str) -> type[Found]:
    return _classes.setdefault(kind, type("Found", (Found,), {"__doc__": kind}))


def kind_of(error: BaseException) -> str:
    """What failures of one kind have in common: all but places, numbers and types."""
    failure = failure_in(error)
    line = (failure.message.strip().splitlines() or [""])[0]
    if isinstance(error, WrongResult) and (told := _DIFFERENCE.match(line)):
        where = next((word for word in ("held", "output") if line.startswith(word)), "object")
        line = f"{where}: expected {_sort(told['expected'])}, found {_sort(told['found'])}"
    return f"{failure.error}: {_NUMBER.sub('0', line)[:160]}"


def _sort(leaf: str) -> str:
    """What sort of thing a leaf tells of."""
    words = ("nothing", "same object", "static", "tracer", "deleted")
    return next((word for word in words if word in leaf), "a value" if "[" in leaf else "a node")


def by_lines(script: Script) -> Script:
    """The same script, whose statements are lines."""
    lines = {part: tuple("\n".join(getattr(script, part)).splitlines()) for part in _PARTS}
    return replace(script, **lines)


def without(script: Script, part: str, number: int) -> Script:
    """The script without a line, and without the objects that nobody makes then."""
    lines = getattr(script, part)
    shorter = replace(script, **{part: lines[:number] + lines[number + 1 :]})
    made = (name for name in script.objects if f"{name} = Node()" in shorter.make)
    return replace(shorter, objects=tuple(made))


def _is_fit(script: Script) -> bool:
    """Whether Python can run a script, and it says something of a transform."""
    try:
        return not study(script).forgets
    except Exception:  # noqa: BLE001 - a line was left out: anything may be missing
        return False


def _length(script: Script) -> tuple[int, int]:
    text = script.program()
    return (text.count("\n"), len(text))
