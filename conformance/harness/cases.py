"""A case: it applies one transform to one body on one backend, and judges what is outside."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import flax.errors
import jax
from flax import nnx

from conformance.harness import descriptions, twins
from conformance.harness.backends import Backend
from conformance.harness.claims import CaseKey, Claim
from conformance.harness.transforms import Answer, Body, Edit, Setting, Transform
from conformance.harness.verdicts import NoError, SuiteError, WrongResult

# What a deliberate refusal raises. A leaked tracer raises a TypeError too, but refuses nothing.
_REFUSALS = (ValueError, TypeError, NotImplementedError, flax.errors.FlaxError)
_LEAK = jax.errors.UnexpectedTracerError


@dataclass
class Case:
    """One case of a claim, as its test sees it."""

    claim: Claim
    key: CaseKey
    transform: Transform
    style: str
    variant: Any
    backend: Backend
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def elements(self) -> int:
        """How many elements, layers or blocks a stack has in this case."""
        return self.transform.elements(self.backend.devices)

    def holds(self, body: Body, *makers: twins.Maker, edit: Edit = Edit.VALUE) -> None:
        """Lifts `body` and holds what is outside, and the outputs, against plain Python.

        Args:
          body: `body(*objects, x) -> y`; `y` has the shape and dtype of the float array `x`.
          makers: one per object; called with the index of an element, each returns a fresh
            object, equal in structure for all elements.
          edit: what the body changes; where the transform does not permit that, the claim is
            that it refuses, and that the caller's objects are as before.

        Raises:
          WrongResult: the objects or the outputs are not what plain Python leaves.
          NoError: what must be refused was accepted.
        """
        answer = self.transform.answers[edit]
        objects, scene, call = self._stage(body, makers, edit)
        if answer is Answer.REFUSED:
            self.refuses(call, scene)
            return
        before = scene.describe()
        try:
            outputs = call()
        except _REFUSALS as error:
            if answer is Answer.DONE or isinstance(error, _LEAK):
                raise
            self.notes["answer"] = "refused"
            self._unchanged(before, scene, error)
            return
        self.notes["answer"] = "done"
        try:
            told = twins.tell(self.transform, body, makers, self.elements)
        except Exception as error:
            raise SuiteError(f"plain Python cannot run this body: {error!r}") from error
        self._judge(told.scene, scene.describe(self.backend.name))
        self._judge(told.outputs, self._described({"output": self.transform.read(outputs)}))

    def apply(self, body: Body, *makers: twins.Maker, edit: Edit = Edit.VALUE) -> "Applied":
        """Lifts `body` without judging: the stacked objects, the scene, and the call to make."""
        objects, scene, call = self._stage(body, makers, edit)
        return Applied(objects, scene, call)

    def decorate(self, function: Body, **options: Any) -> Callable[..., Any]:
        """`function` under this case's transform, with the transform's own options.

        pmap runs on this backend's devices, as many as a stack has elements.
        """
        if self.transform.name == "pmap":
            options["devices"] = self.backend.devices[: self.elements]
        return getattr(nnx, self.transform.name)(function, **options)

    def call(self, lifted: Callable[..., Any], *arguments: Any) -> Any:
        """Calls what `decorate` gave: as a function, or as a method of the first argument."""
        if self.style == "function":
            return lifted(*arguments)
        owner, *rest = arguments
        with _as_method(type(owner), lifted):
            return owner.transformed(*rest)

    def equal(self, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
        """Holds the description of `found` against that of `expected`; raises WrongResult."""
        self._judge(descriptions.describe(expected), self._described(found))

    def refuses(
        self, call: Callable[[], Any], scene: twins.Scene, match: str = ""
    ) -> Exception:
        """Makes `call`, which must be refused and leave `scene` as it was; gives the error.

        Args:
          call: what is refused.
          scene: the caller's objects.
          match: a regular expression that the message must hold, whatever its case.

        Raises:
          NoError: it was accepted.
          WrongResult: it was refused, but the objects are not as before.
          Exception: whatever else was raised, where that is no refusal or has another message.
        """
        before = scene.describe()
        try:
            call()
        except _REFUSALS as error:
            if isinstance(error, _LEAK) or not re.search(match, str(error), re.IGNORECASE):
                error.add_note(f"expected a refusal with a message like {match!r}")
                raise
            self._unchanged(before, scene, error)
            return error
        changes = descriptions.differences(before, scene.describe())
        outcome = "\n".join(("the objects changed:", *changes)) if changes else "nothing changed"
        raise NoError(f"expected an error, found none; {outcome}")

    def _unchanged(
        self, before: descriptions.Description, scene: twins.Scene, error: Exception
    ) -> None:
        try:
            self._judge(before, scene.describe())
        except WrongResult as broken:
            broken.add_note(f"after {type(error).__name__}: {error}")
            raise

    def _stage(
        self, body: Body, makers: tuple[twins.Maker, ...], edit: Edit
    ) -> tuple[list[Any], twins.Scene, Callable[[], Any]]:
        form = self.transform.form
        parts = twins.make_elements(form, makers, self.elements)
        objects = twins.stack(form, parts)
        x = twins.stack_inputs(form, self.elements)
        lifted = self.transform.lift(body, Setting(len(makers), edit, self.backend.devices))

        return objects, twins.Scene.of(objects), lambda: self.call(lifted, *objects, x)

    def _described(self, found: Mapping[str, Any]) -> descriptions.Description:
        return descriptions.describe(found, self.backend.name)

    def _judge(
        self, expected: descriptions.Description, found: descriptions.Description
    ) -> None:
        lines = descriptions.differences(expected, found)
        if lines:
            raise WrongResult("\n".join(lines))


@dataclass(frozen=True)
class Applied:
    """A lifted body before its call: the caller's objects, their scene, and the call."""

    objects: list[Any]
    scene: twins.Scene
    call: Callable[[], Any]


@contextmanager
def _as_method(owner: type, lifted: Callable[..., Any]) -> Iterator[None]:
    """Gives the class a transformed method, as decorating one in its body would."""
    owner.transformed = lifted  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del owner.transformed  # type: ignore[attr-defined]
