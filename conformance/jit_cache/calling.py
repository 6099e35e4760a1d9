"""Calls of one jitted body, one after another, beside the same calls in plain Python."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.descriptions import nodes
from conformance.harness.transforms import Body
from conformance.harness.twins import Scene

X = np.array([1, 2, 3], np.float32)


class Part(nnx.Module):
    """Keeps what is put in, and gives what it kept before."""

    def __init__(self, element: int = 0) -> None:
        self.kept = nnx.Param(jnp.asarray(X + element))

    def __call__(self, x: jax.Array) -> jax.Array:
        return exchange(self.kept, x)


class Parts(nnx.Module):
    """Hands its input on from part to part, whichever there are, and gives what the last gives.

    Arrays move and nothing is computed, since what these claims cost is compiling; but what comes
    out, and what is kept where, depends on every part, their order and what they share.
    """

    def __init__(self) -> None:
        self.first = Part()
        self.pick = 0
        self.second = Part(1)
        self.state = nnx.Param(jnp.asarray(X + 2))

    def __call__(self, x: jax.Array) -> jax.Array:
        given = [x]
        for _, part in spelling.attributes(self):
            if isinstance(part, Part):
                given.append(part(given[-1]))
            elif isinstance(part, nnx.Variable):
                given.append(exchange(part, given[-1]))
            else:
                given.append(given[part % len(given)])
        return given[-1]


def _reached(scene: Scene) -> dict[str, Any]:
    """The objects of a scene, and the references into them that still lead there.

    What becomes of an object that a body lets go of is nobody's promise.
    """
    there = {id(node) for root in scene.roots.values() for _, node in nodes(root)}
    held = {f"held {path}": node for path, node in scene.held.items() if id(node) in there}
    return scene.roots | held


def exchange(variable: nnx.Variable, x: jax.Array) -> jax.Array:
    """Writes `x` to a Variable; gives its old value."""
    old = spelling.read(variable)
    spelling.write(variable, x)
    return old


class Calls:
    """The calls of a jitted body, and how often it has been traced.

    Each call is made twice: of the jitted body on one object, of the bare body on its twin. Then
    both objects and both outputs must be described alike.
    """

    def __init__(self, case: Case, body: Body, make: Callable[[], Any], nested: bool = False):
        """With `nested`, the jitted body is called by another jitted function."""
        self._case = case
        self._body = body
        self._traces = 0
        jitted = case.decorate(self._counted(body))
        self._call = functools.partial(case.call, jitted)
        if nested:
            self._call = case.decorate(self._counted(self._call))
        self.use(make(), make())

    def use(self, used: Any, twin: Any) -> None:
        """Makes the next calls with another object, and its twin."""
        self._used, self._twin = Scene.of([used]), Scene.of([twin])

    def make(self, changes: Iterable[Callable[[Any], Any] | None]) -> list[int]:
        """Makes a call after each change of the object; gives the number of traces after each.

        Raises WrongResult where a call does not leave and give what plain Python does.
        """
        return [self._make(change, number) for number, change in enumerate(changes)]

    def _make(self, change: Callable[[Any], Any] | None, number: int) -> int:
        if change is not None:
            change(self._used.roots["object0"])
            change(self._twin.roots["object0"])
        x = jnp.asarray(X + number)
        y = self._call(self._used.roots["object0"], x)
        expected = self._body(self._twin.roots["object0"], x)
        self._case.equal(
            _reached(self._used) | {f"output of call {number}": y},
            _reached(self._twin) | {f"output of call {number}": expected},
        )
        return self._traces

    def _counted(self, function: Body) -> Body:
        def counted(*arguments: Any) -> Any:
            self._traces += 1
            return function(*arguments)

        return counted
