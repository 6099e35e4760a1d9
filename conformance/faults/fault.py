"""A fault, and the two moments at which it may step in: where a transform is applied, and called.

Nothing here changes Flax's source. A fault stands between the caller and the public transforms, or
replaces something of Flax's by name while it is active.
"""

import fnmatch
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

Function = Callable[..., Any]


class FaultError(Exception):
    """A fault cannot be put in; the message is one line that says why."""


@dataclass(frozen=True)
class Application:
    """A transform that is applied to its functions, with the options that the caller gives.

    `apply` does it as Flax does. What a transform takes beside its functions and their arguments,
    such as the predicate of a cond, is not shown.
    """

    transform: str
    functions: tuple[Function, ...]
    options: Mapping[str, Any]
    _apply: Callable[..., Function]

    def apply(self) -> Function:
        """The transformed function."""
        return self._apply(*self.functions, **self.options)

    def given(self, **options: Any) -> "Application":
        """The same with these options instead of those of their names."""
        return replace(self, options={**self.options, **options})

    def without(self, option: str) -> "Application":
        """The same without an option."""
        kept = {name: value for name, value in self.options.items() if name != option}
        return replace(self, options=kept)

    def of(self, wrap: Callable[[Function], Function]) -> "Application":
        """The same of other functions: each is what `wrap` makes of it."""
        return replace(self, functions=tuple(map(wrap, self.functions)))


@dataclass(frozen=True)
class Call:
    """A call of a transformed function; `make` makes it as Flax does.

    `arguments` are all that the caller gives. `memory` is kept from call to call of the same
    transformed function.
    """

    applied: Application
    arguments: tuple[Any, ...]
    make: Callable[[], Any]
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def transform(self) -> str:
        """The name of the transform."""
        return self.applied.transform


def _apply(application: Application) -> Function:
    return application.apply()


def _make(call: Call) -> Any:
    return call.make()


@dataclass(frozen=True)
class Fault:
    """One way to break NNX.

    `breaks` says in a sentence what is broken, and `hits` which claims that may turn red: globs of
    claim ids, each with a glob of transforms behind it where it is narrower. `since` is the first
    Flax release that can have it.
    """

    name: str
    breaks: str
    hits: tuple[str, ...]
    apply: Callable[[Application], Function] = _apply
    call: Callable[[Call], Any] = _make
    patch: Callable[[], AbstractContextManager[None]] = nullcontext
    since: str = "0.10.0"

    def may_hit(self, claim: str, transform: str) -> bool:
        """Whether it is said of this claim, crossed with this transform (`-` for none)."""
        return any(matches(hit, claim, transform) for hit in self.hits)

    def may_hit_some(self, claim: str) -> bool:
        """Whether it is said of this claim, be it with some transforms only."""
        return any(fnmatch.fnmatchcase(claim, hit.partition(" ")[0]) for hit in self.hits)


def matches(hit: str, claim: str, transform: str) -> bool:
    """Whether one of a fault's `hits` speaks of this claim, crossed with this transform."""
    of_claim, _, of_transform = hit.partition(" ")
    return fnmatch.fnmatchcase(claim, of_claim) and fnmatch.fnmatchcase(
        transform, of_transform or "*"
    )
