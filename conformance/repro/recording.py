"""A case that remembers how it was judged: which lifts its test made where, and what failed."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import jax

from conformance.harness import backends, twins
from conformance.harness.cases import Case
from conformance.harness.claims import CaseKey, Claim, Test
from conformance.harness.descriptions import Description, differences
from conformance.harness.nesting import LIFTS
from conformance.harness.subject import at_least
from conformance.harness.transforms import Body, Edit, Transform
from conformance.harness.verdicts import Failure, SuiteError, failure_in

_SUITE = str(Path(__file__).parent.parent)
_HARNESS = os.path.join(_SUITE, "harness")  # noqa: PTH118 - of texts, as frames have them
Site = tuple[str, int, int]  # of a call in the suite: its file, line and column


class NotApplicable(Exception):
    """The running release never had what a case is about; the message is one line."""


@dataclass
class Stage:
    """A body that the test had lifted: where, by which transform, and what that owed."""

    site: Site
    transform: Transform
    edit: Edit
    objects: int = 0
    random: tuple[bool, ...] = ()
    mode: str = ""  # of `holds`: done, refused, or done_or_refused
    calls: int = 1


@dataclass
class Log:
    """What became of a case."""

    stages: list[Stage] = field(default_factory=list)
    failing: Stage | None = None  # the stage whose `holds` failed, if that is what failed
    expected: Description = field(default_factory=dict)
    found: Description = field(default_factory=dict)
    roots: Mapping[str, Any] = field(default_factory=dict)
    unchanged: bool = False  # what failed is that something refused has left its mark
    failure: Failure | None = None
    scripts: tuple[str, ...] = ()  # those that the case itself has of its failure
    lines: tuple[tuple[str, int], ...] = ()  # of the suite, that the failure went through
    comparisons: Counter[Site] = field(default_factory=Counter)  # how often, by place

    @property
    def differing(self) -> list[str]:
        """The paths at which the description that failed is another than expected."""
        paths = dict.fromkeys((*self.expected, *self.found))
        return [path for path in paths if differences(*map(_only(path), self._both))]

    @property
    def _both(self) -> tuple[Description, Description]:
        return self.expected, self.found


def _only(path: str) -> Callable[[Description], Description]:
    return lambda description: {path: description[path]} if path in description else {}


@dataclass
class Recorded(Case):
    """A case that writes down how it is judged."""

    log: Log = field(default_factory=Log)
    _stage_now: Stage | None = None

    def holds(
        self,
        body: Body,
        *makers: twins.Maker,
        edit: Edit = Edit.VALUE,
        twin: Body | None = None,
        calls: int = 1,
    ) -> None:
        """As a case does."""
        stage = self._begin(sys._getframe(1), edit)
        stage.mode, stage.calls = "done", calls
        try:
            super().holds(body, *makers, edit=edit, twin=twin, calls=calls)
        except Exception:
            self.log.failing = stage
            raise
        finally:
            self._stage_now = None

    def apply(self, body: Body, *makers: twins.Maker, edit: Edit = Edit.VALUE) -> Any:
        """As a case does."""
        self._begin(sys._getframe(1), edit)
        try:
            return super().apply(body, *makers, edit=edit)
        finally:
            self._stage_now = None

    def equal(self, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        """As a case does."""
        self.log.comparisons[_site(sys._getframe(1))] += 1
        super().equal(found, expected)

    def refuses(self, *arguments: Any, **options: Any) -> Exception:
        """As a case does."""
        self._mode("refused")
        return super().refuses(*arguments, **options)

    def done_or_refused(self, *arguments: Any) -> None:
        """As a case does."""
        self._mode("done_or_refused")
        super().done_or_refused(*arguments)

    def _begin(self, caller: FrameType, edit: Edit) -> Stage:
        self._stage_now = Stage(_site(caller), self.transform, edit)
        self.log.stages.append(self._stage_now)
        return self._stage_now

    def _mode(self, mode: str) -> None:
        if self._stage_now:
            self._stage_now.mode = mode

    def _stage(self, body: Body, makers: Any, edit: Edit) -> Any:
        made = super()._stage(body, makers, edit)
        if self._stage_now:
            self._stage_now.objects = len(made[0])
            self._stage_now.random = tuple(map(_is_random, made[0]))
        return made

    def _judge(self, expected: Description, found: Description, roots: Any) -> None:
        self.log.expected, self.log.found, self.log.roots = expected, found, roots
        super()._judge(expected, found, roots)

    def _unchanged(self, before: Description, scene: Any, error: Exception) -> None:
        self.log.expected, self.log.found, self.log.roots = before, scene.describe(), scene.roots
        self.log.unchanged = bool(differences(before, self.log.found))
        super()._unchanged(before, scene, error)


def run(test: Test, claim: Claim, key: CaseKey) -> Recorded:
    """Runs a case, and gives it with what became of it.

    Raises NotApplicable, a BackendError where its backend is not here, or a SuiteError.
    """
    lift = LIFTS.get(key.transform)
    for since in (claim.since, *([lift.since] if lift else [])):
        if not at_least(since):
            raise NotApplicable(f"{key}: what it is about came with flax {since}")
    backend = backends.select([key.backend], [], backends.present())[key.backend]
    variant = claim.variants.get(key.variant)
    case = Recorded(claim, key, lift, key.style, variant, backend)  # type: ignore[arg-type]
    with jax.default_device(backend.devices[0]):
        try:
            test(case)
        except SuiteError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the subject raises is its failure
            case.log.failure = failure_in(error)
            case.log.scripts = tuple(case.scripts(error))
            case.log.lines = tuple(_lines(error))
    return case


def _is_random(root: Any) -> bool:
    from flax import nnx

    from conformance.harness.descriptions import variables

    return bool(variables(root, nnx.RngState))


def _site(frame: FrameType) -> Site:
    positions = list(frame.f_code.co_positions())
    line, _, column, _ = positions[frame.f_lasti // 2]
    return frame.f_code.co_filename, line or 0, column or 0


def _lines(error: BaseException) -> Any:
    traceback = error.__traceback__
    while traceback:
        file = traceback.tb_frame.f_code.co_filename
        if file.startswith(_SUITE) and not file.startswith(_HARNESS):
            yield file, traceback.tb_lineno
        traceback = traceback.tb_next
