"""A case: it applies one transform to one body on one backend, and judges what is outside."""

import re
import traceback
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import flax.errors
import jax
from flax import nnx

from conformance.harness import descriptions, twins
from conformance.harness.backends import Backend
from conformance.harness.claims import CaseKey, Claim
from conformance.harness.observations import Observation
from conformance.harness.transforms import Answer, Body, Edit, Setting, Transform
from conformance.harness.verdicts import NoError, SuiteError, WrongResult

# What a deliberate refusal raises, if it is not an accident: see `_refuses`.
_REFUSALS = (ValueError, TypeError, NotImplementedError, flax.errors.FlaxError)
_LEAK = jax.errors.UnexpectedTracerError
_SUITE = __name__.partition(".")[0]
_NO_TRACER = {"tracers": descriptions.Leaf("none")}


@dataclass
class Case:
    """One case of a claim, as its test sees it."""

    claim: Claim
    key: CaseKey
    transform: Transform
    style: str
    variant: Any
    backend: Backend
    explain: Callable[[BaseException], str] = lambda _: ""  # the cause that is known of a failure
    # The standalone scripts that show a failure.
    scripts: Callable[[BaseException], Sequence[str]] = lambda _: ()
    notes: dict[str, str] = field(default_factory=dict)
    seen: Observation = field(default_factory=Observation)

    @property
    def elements(self) -> int:
        """How many elements, layers or blocks a stack has in this case."""
        return self.transform.elements(self.backend.devices)

    @property
    def _sizes(self) -> tuple[int, ...]:
        return self.transform.sizes(self.backend.devices)

    def holds(
        self,
        body: Body,
        *makers: twins.Maker,
        edit: Edit = Edit.VALUE,
        twin: Body | None = None,
        calls: int = 1,
    ) -> None:
        """Lifts `body` and holds what is outside, and the outputs, against plain Python.

        Args:
          body: `body(*objects, x) -> y`; `y` has the shape and dtype of the float array `x`.
          makers: one per object; called with the index of an element, each returns a fresh
            object, equal in structure for all elements.
          edit: what the body changes; where the transform does not permit that, or plain
            Python refuses it, the claim is that the transform refuses it too, and that the
            caller's objects are as before.
          twin: the body that plain Python runs, where it is not `body` itself.
          calls: how often the lifted body is called on these objects, one call after the other.

        Raises:
          WrongResult: the objects or the outputs are not what plain Python leaves.
          NoError: what must be refused was accepted.
        """
        answer = self.transform.answers[edit]
        makers = tuple(map(self._own, makers))
        _, scene, call = self._stage(body, makers, edit)
        told = None
        if answer is not Answer.REFUSED:
            try:
                told = twins.tell(self.transform, twin or body, makers, *self._sizes, calls=calls)
            except _REFUSALS as error:
                if answer is Answer.DONE:
                    raise SuiteError(f"plain Python refuses this body: {error!r}") from error
            except Exception as error:
                raise SuiteError(f"plain Python cannot run this body: {error!r}") from error
        if told is None:
            self.notes["answer"] = "refused"
            self.refuses(call, scene)
            return

        def judge(outputs: Any) -> None:
            self._judge(told.scene, scene.describe(self.backend.name), scene.roots)
            found = twins.name_outputs([self.transform.read(output) for output in outputs])
            self._judge(told.outputs, self._described(found), found)

        def make_calls() -> list[Any]:
            return [call() for _ in range(calls)]

        if answer is Answer.DONE:
            self.notes["answer"] = "done"
            judge(make_calls())
        else:
            self.done_or_refused(make_calls, scene, judge)

    def apply(self, body: Body, *makers: twins.Maker, edit: Edit = Edit.VALUE) -> "Applied":
        """Lifts `body` without judging: the stacked objects, the scene, and the call to make."""
        objects, scene, call = self._stage(body, tuple(map(self._own, makers)), edit)
        return Applied(objects, scene, call)

    def leaves_no_tracer(self, call: Callable[[], Any], scene: twins.Scene) -> None:
        """Makes `call`, which may be refused, and looks for tracers in `scene` afterwards.

        Raises WrongResult where there is one, or where `call` was refused and the scene changed.
        """
        before = scene.describe()
        try:
            call()
        except _REFUSALS as error:
            if not isinstance(error, _LEAK) and not _refuses(error):
                raise
            self.notes["answer"] = "refused"
            self._unchanged(before, scene, error)
            self.seen.add(_NO_TRACER)
            return
        after = scene.describe()
        self.notes["answer"] = "kept" if descriptions.differences(before, after) else "ignored"
        leaks = descriptions.tracers(after)
        self.seen.add({path: after[path] for path in leaks} or _NO_TRACER)
        if leaks:
            raise WrongResult("\n".join(f"{path}: found {after[path]}" for path in leaks))

    def fails_with(
        self, call: Callable[[], Any], scene: twins.Scene, failure: type[Exception]
    ) -> None:
        """Makes `call`, in which the body raises `failure`, and holds `scene` as it was before.

        Raises NoError where the failure is swallowed, WrongResult where the scene has changed.
        """
        before = scene.describe()
        try:
            call()
        except failure as error:
            self._unchanged(before, scene, error)
            self.seen.add({"raised": descriptions.Leaf(failure.__name__)})
            return
        raise NoError(f"the body raised {failure.__name__}, the call did not")

    def decorate(self, function: Body, **options: Any) -> Callable[..., Any]:
        """`function` under this case's transform, with the transform's own options.

        pmap runs on this backend's devices, as many as a stack has elements.
        """
        if self.transform.name == "pmap":
            options["devices"] = self.backend.devices[: self.elements]
        lifted: Callable[..., Any] = getattr(nnx, self.transform.name)(function, **options)
        return lifted

    def call(self, lifted: Callable[..., Any], *arguments: Any) -> Any:
        """Calls what `decorate` gave: as a function, or as a method of the first argument."""
        if self.style == "function":
            return lifted(*arguments)
        owner, *rest = arguments
        with _as_method(type(owner), lifted):
            return owner.transformed(*rest)

    def equal(self, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        """Holds the description of `found` against that of `expected`; raises WrongResult."""
        self._judge(descriptions.describe(expected), self._described(found), found)

    def draws(self, *paths: str) -> None:
        """Says that what will stand below these paths was drawn: no snapshot keeps its values.

        Which numbers come out is for JAX to say, and differs between its releases.
        """
        self.seen.drawn = paths

    def saw(self, name: str, found: Sequence[Any], expected: Any, least: int = 1) -> None:
        """Holds that a body saw what is expected whenever it was traced, be it once or more often.

        Raises WrongResult where it saw something else, or looked fewer than `least` times.
        """
        told = descriptions.describe({name: [expected] * max(least, len(found))})
        lines = descriptions.differences(told, self._described({name: list(found)}))
        self.seen.add(self._described({name: list(found) if lines else found[0]}))
        if lines:
            raise WrongResult("\n".join(lines))

    def refuses(
        self,
        call: Callable[[], Any],
        scene: twins.Scene,
        match: str = "",
        stem: str | None = None,
    ) -> Exception:
        """Makes `call`, which must be refused and leave `scene` as it was; gives the error.

        Args:
          call: what is refused.
          scene: the caller's objects.
          match: a regular expression that the message must hold, whatever its case.
          stem: what of it is the same on every subject, where not all of it is.

        Raises:
          NoError: it was accepted.
          WrongResult: it was refused, but the objects are not as before.
          Exception: whatever else was raised, where that is no refusal or has another message.
        """
        before = scene.describe()
        try:
            call()
        except _REFUSALS as error:
            if not _refuses(error, match):
                error.add_note(f"expected a refusal with a message like {match!r}")
                raise
            self._unchanged(before, scene, error)
            self.seen.refused(error, match if stem is None else stem)
            return error
        changes = descriptions.differences(before, scene.describe())
        outcome = "\n".join(("the objects changed:", *changes)) if changes else "nothing changed"
        raise NoError(f"expected an error, found none; {outcome}")

    def done_or_refused(
        self,
        call: Callable[[], Any],
        scene: twins.Scene,
        judge: Callable[[Any], None],
        match: str = "",
    ) -> None:
        """Makes `call`, which may be refused if it leaves `scene` as it was.

        Which of the two it was goes into the case's notes. Where it is done, `judge` gets the
        outputs, and raises where they or the objects are wrong. `match` is what the message of a
        refusal must hold, as in `refuses`.
        """
        before = scene.describe()
        try:
            outputs = call()
        except _REFUSALS as error:
            if not _refuses(error, match):
                raise
            self.notes["answer"] = self.seen.choice = "refused"
            self._unchanged(before, scene, error)
            self.seen.refused(error, match)
            return
        self.notes["answer"] = self.seen.choice = "done"
        judge(outputs)

    def _unchanged(
        self, before: descriptions.Description, scene: twins.Scene, error: Exception
    ) -> None:
        after = scene.describe()
        lines = descriptions.differences(before, after)
        if lines:
            self.seen.add(after)
            broken = WrongResult("\n".join(lines), before, after)
            broken.add_note(f"after {type(error).__name__}: {error}")
            raise broken

    def _own(self, maker: twins.Maker) -> twins.Maker:
        """The same class, for this case alone.

        JAX's caches compare the structures of all that was ever traced. A structure into which
        some case leaked a tracer cannot be compared, unless the class tells the two apart first.
        """
        if not isinstance(maker, type):
            return maker
        return types.new_class(maker.__name__, (maker,))

    def _stage(
        self, body: Body, makers: tuple[twins.Maker, ...], edit: Edit
    ) -> tuple[list[Any], twins.Scene, Callable[[], Any]]:
        parts = twins.make_elements(self.transform, makers, *self._sizes)
        objects = twins.stack(self.transform, parts, *self._sizes)
        x = twins.stack_inputs(self.transform, *self._sizes)
        random = tuple(bool(descriptions.variables(root, nnx.RngState)) for root in objects)
        setting = Setting(
            len(makers), edit, self.backend.devices, self.transform.steps, random=random
        )
        lifted = self.transform.lift(body, setting)
        return objects, twins.Scene.of(objects), lambda: self.call(lifted, *objects, x)

    def _described(self, found: Mapping[str, Any]) -> descriptions.Description:
        return descriptions.describe(found, self.backend.name)

    def _judge(
        self,
        expected: descriptions.Description,
        found: descriptions.Description,
        roots: Mapping[str, Any],
    ) -> None:
        """Holds `found`, the description of `roots`, against what is expected of it."""
        self.seen.add(found)
        self.seen.look_closer(roots)
        lines = descriptions.differences(expected, found)
        if lines:
            raise WrongResult("\n".join(lines), expected, found)


@dataclass(frozen=True)
class Applied:
    """A lifted body before its call: the caller's objects, their scene, and the call."""

    objects: list[Any]
    scene: twins.Scene
    call: Callable[[], Any]


def _refuses(error: Exception, match: str = "") -> bool:
    """Whether the subject raised `error` to refuse something, in the words that `match` finds.

    A leaked tracer raises a TypeError too, and so does the suite's own code where it is given what
    it cannot work with, such as None for an output. Words tell that from a refusal; without them,
    where it was raised does.
    """
    if isinstance(error, _LEAK):
        return False
    if match:
        return bool(re.search(match, str(error), re.IGNORECASE))
    *_, (innermost, _) = traceback.walk_tb(error.__traceback__)
    module: str = innermost.f_globals.get("__name__", "")
    return module.partition(".")[0] != _SUITE


@contextmanager
def _as_method(owner: type, lifted: Callable[..., Any]) -> Iterator[None]:
    """Gives the class a transformed method, as decorating one in its body would."""
    owner.transformed = lifted  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del owner.transformed  # type: ignore[attr-defined]
