"""What a case sees of the subject: what stands outside afterwards, and what nobody promises."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import Description, Leaf

DETAIL_LENGTH = 1000  # characters of a detail that are kept

_KEY = re.compile(r"(^| of )key( |$)")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+| with id=[0-9]+")  # the second is Flax's word for it


@dataclass
class Observation:
    """What one case has seen so far.

    `outputs` is the description of all that the case looked at, in the order in which it did, and
    `details`, by name, what the guide does not promise but people depend on. Details are looked at
    where `detailed` says so: they cost time, and only a record keeps them. `has_snapshot` says
    whether there is something to hold all that against. `choice` says what the
    subject did where the claim leaves it two ways, `drawn` below which paths arrays were drawn.
    """

    detailed: bool = False
    has_snapshot: bool = True
    choice: str = ""
    drawn: tuple[str, ...] = ()
    outputs: Description = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    _keys: dict[tuple[int, ...], int] = field(default_factory=dict)

    def add(self, found: Description) -> None:
        """Takes in what a look has found; a path that was looked at before gets a number.

        A reference that its owner held before the call, and that reaches what it did, is left out:
        that is how it stays. What a class of Flax's own keeps for itself is a detail.
        """
        told = {
            path: self._without_draws(path, leaf)
            for path, leaf in found.items()
            if not leaf.internal and not _is_as_held(path, leaf)
        }
        number = 1
        while any(_numbered(path, number) in self.outputs for path in told):
            number += 1
        self.outputs |= {_numbered(path, number): leaf for path, leaf in told.items()}
        if not self.detailed:
            return
        if weak := ", ".join(path for path, leaf in told.items() if leaf.weak):
            self._note("weakly typed", weak)
        if kept := {path: leaf for path, leaf in found.items() if leaf.internal}:
            self._note("internal", "\n".join(f"{path}: {leaf}" for path, leaf in kept.items()))

    def refused(self, error: Exception, stem: str) -> None:
        """Takes in that something was refused, as it must be, with a message that holds `stem`."""
        self.add({"refused": Leaf(f"with a message like {stem!r}" if stem else "in any words")})
        if self.detailed:
            self._note("refusal", f"{type(error).__name__}: {error}")

    def look_closer(self, roots: Mapping[str, Any]) -> None:
        """Takes in the details of the NNX objects among `roots`."""
        if not self.detailed:
            return
        for name, root in roots.items():
            if spelling.is_object(root):
                self._note(f"repr of {name}", _said(repr, root))
                self._note(f"order of {name}", _said(_order_of_state, root))

    def _without_draws(self, path: str, leaf: Leaf) -> Leaf:
        """The leaf without the bits that a generator of JAX's makes.

        Of keys it has numbers: equal keys, and only they, have the same.
        """
        if leaf.value is not None and path.startswith(self.drawn):
            return Leaf(f"{leaf.what} drawn {leaf.value.dtype}{list(leaf.value.shape)}")
        if leaf.value is None or not _KEY.search(leaf.what):
            return leaf
        *shape, words = leaf.value.shape
        rows = [tuple(row) for row in leaf.value.reshape(-1, words).tolist()]
        numbers = [self._keys.setdefault(row, len(self._keys) + 1) for row in rows]
        return Leaf(f"{leaf.what} numbered", np.array(numbers, np.uint32).reshape(shape))

    def _note(self, name: str, text: str) -> None:
        number = 1
        while _numbered(name, number) in self.details:
            number += 1
        cleaned = _ADDRESS.sub("", text)[:DETAIL_LENGTH]
        self.details[_numbered(name, number)] = cleaned


def _said(ask: Callable[[Any], str], root: Any) -> str:
    try:
        return ask(root)
    except Exception as error:  # noqa: BLE001 - of what nobody promises, a failure is a detail too
        return f"{type(error).__name__}: {error}"


def _order_of_state(root: Any) -> str:
    return ", ".join(".".join(map(str, path)) for path in spelling.state_leaves(nnx.state(root)))


def _is_as_held(path: str, leaf: Leaf) -> bool:
    return path.startswith("held ") and leaf.what == f"same object as {path.removeprefix('held ')}"


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name} ({number})"
