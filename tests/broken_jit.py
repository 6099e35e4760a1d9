"""nnx.jit, broken on purpose: each fault is a function that spoils the first object of a call.

It needs nothing but Flax, so that a standalone script can be run under it:

    python tests/broken_jit.py loses_aliases script.py
"""

import runpy
import sys
from collections.abc import Callable, Iterator
from typing import Any

from flax import nnx

Undo = Callable[[], None]


def modules(root: Any) -> Iterator[Any]:
    """The Modules that `root` reaches by attributes, once each."""
    seen, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, nnx.Module) and id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting += own(node).values()


def own(module: Any) -> dict[str, Any]:
    """The attributes of a Module, in order, without Flax's own."""
    return {name: vars(module)[name] for name in sorted(vars(module)) if name[0] != "_"}


def loses_statics(root: Any) -> Undo:
    """A static attribute has its old value again."""
    labels = [(module, module.label) for module in modules(root) if hasattr(module, "label")]

    def undo() -> None:
        for module, label in labels:
            module.label = label

    return undo


def loses_deletions(root: Any) -> Undo:
    """What was deleted is there again."""
    before = [(module, own(module)) for module in modules(root)]

    def undo() -> None:
        for module, attributes in before:
            for name, value in attributes.items():
                if name not in vars(module):
                    setattr(module, name, value)

    return undo


def loses_aliases(root: Any) -> Undo:
    """A Variable with two names is two Variables."""

    def undo() -> None:
        seen = set()
        for module in list(modules(root)):
            for name, value in own(module).items():
                if isinstance(value, nnx.Variable):
                    if id(value) in seen:
                        setattr(module, name, type(value)(value.value))
                    seen.add(id(value))

    return undo


def loses_identity(root: Any) -> Undo:
    """What a Module holds by name `left` is another Module, equal to the one that was there."""

    def undo() -> None:
        for module in list(modules(root)):
            if hasattr(module, "left"):
                module.left = nnx.clone(module.left)

    return undo


def loses_values(root: Any) -> Undo:
    """A Variable by name `weight` has its old value again."""
    weights = [own(module).get("weight") for module in modules(root)]
    values = [(weight, weight.value) for weight in weights if isinstance(weight, nnx.Variable)]

    def undo() -> None:
        for weight, value in values:
            weight.value = value

    return undo


FAULTS = {
    fault.__name__: fault
    for fault in (loses_statics, loses_deletions, loses_aliases, loses_identity, loses_values)
}


def broken(fault: Callable[[Any], Undo], true_jit: Any) -> Callable[..., Any]:
    """A jit that does as `true_jit` does, but for a fault."""

    def jit(body: Any, **options: Any) -> Any:
        lifted = true_jit(body, **options)

        def call(root: Any, *others: Any) -> Any:
            undo = fault(root)
            outputs = lifted(root, *others)
            undo()
            return outputs

        return call

    return jit


if __name__ == "__main__":
    nnx.jit = broken(FAULTS[sys.argv[1]], nnx.jit)
    runpy.run_path(sys.argv[2], run_name="__main__")
