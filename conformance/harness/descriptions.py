"""The canonical form of what is outside: one for equality, for the failure message, for a diff.

A description maps each path to what stands there. An object or Variable that is reached a second
time is described as `same object as` its first path, so two descriptions are equal only if the
same references are shared. Nothing in it depends on addresses, devices or the release.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import chex
import jax
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.backends import tolerance
from conformance.harness.leaf_texts import ARRAY, ELEMENT
from conformance.harness.verdicts import SuiteError


@dataclass(frozen=True, eq=False)
class Leaf:
    """What stands at a path: a word for it and, where it holds an array, the array's value."""

    what: str
    value: np.ndarray | None = None
    weak: bool = False  # JAX may promote the array's type: nothing promises that either way
    internal: bool = False  # what a class of Flax's own keeps for itself, another in each release

    def __str__(self) -> str:
        return self._written(lambda value: np.array2string(value, separator=",", threshold=16))

    @property
    def text(self) -> str:
        """The leaf in words, an array with all of its elements."""
        return self._written(_elements)

    def _written(self, write: Callable[[np.ndarray], str]) -> str:
        if self.value is None:
            return self.what
        shape = ",".join(map(str, self.value.shape))
        elements = write(self.value).replace("\n", "")
        return f"{self.what} {self.value.dtype}[{shape}] {elements}"

    @classmethod
    def parse(cls, text: str) -> "Leaf":
        """The leaf whose `text` this is; raises ValueError where no leaf has it."""
        found = ARRAY.fullmatch(text)
        if found is None:
            return cls(text)
        dtype = np.dtype(found["dtype"])
        read = _READ[dtype.kind]
        words = ELEMENT.findall(found["elements"])
        shape = [int(size) for size in found["shape"].split(",") if size]
        return cls(found["what"], np.array([read(word) for word in words], dtype).reshape(shape))


_READ: Mapping[str, Callable[[str], Any]] = {
    "b": lambda word: {"True": True, "False": False}[word],
    "i": int,
    "u": int,
    "f": float,
    "c": complex,
    "V": float,  # bfloat16 and its kin
}


def _elements(value: np.ndarray) -> str:
    if value.ndim == 0:
        return str(value[()])
    return f"[{','.join(map(_elements, value))}]"


Description = dict[str, Leaf]
Path = tuple[Any, ...]


def children(node: Any) -> Iterator[tuple[Any, Any]] | None:
    """The parts of a container by key, or None where `node` is no container."""
    if spelling.is_node_list(node) or isinstance(node, list | tuple):
        return iter(enumerate(node))
    if spelling.is_object(node):
        return spelling.attributes(node)
    if isinstance(node, Mapping | nnx.State):
        return iter(sorted(node.items(), key=lambda item: str(item[0])))
    return None


def nodes(root: Any) -> Iterator[tuple[Path, Any]]:
    """Every NNX object and Variable that `root` reaches, once each, at its first path."""
    seen: set[int] = set()

    def visit(path: Path, node: Any) -> Iterator[tuple[Path, Any]]:
        if isinstance(node, nnx.Variable) or spelling.is_object(node):
            if id(node) in seen:
                return
            seen.add(id(node))
            yield path, node
        for key, child in children(node) or ():
            yield from visit((*path, key), child)

    yield from visit((), root)


def variables(root: Any, kind: type = nnx.Variable) -> dict[Path, Any]:
    """The Variables of type `kind` that `root` reaches, by their first path."""
    return {path: node for path, node in nodes(root) if isinstance(node, kind)}


def describe(scene: Mapping[str, Any], platform: str | None = None) -> Description:
    """The description of named roots; references may be shared between them.

    With `platform`, an array that lives elsewhere is described as doing so: it equals nothing
    that was computed where it should be. A root whose name is a path below another one is described
    there if it is what stands there, and under a name of its own if it is not.
    """
    description: Description = {}
    first_path: dict[int, str] = {}

    def visit(path: str, node: Any, internal: bool) -> None:
        if isinstance(node, nnx.Variable) or spelling.is_object(node):
            if id(node) in first_path:
                same = f"same object as {first_path[id(node)]}"
                description[path] = Leaf(same, internal=internal)
                return
            first_path[id(node)] = path
        value = spelling.read(node) if isinstance(node, nnx.Variable) else node
        parts = children(value)
        if parts is None:
            description[path] = replace(_leaf(node, _array(value, platform)), internal=internal)
            return
        described = _leaf(node, Leaf(_container_name(value)))
        description[path] = replace(described, internal=internal)
        for key, child in parts:
            visit(f"{path}.{key}", child, internal or spelling.is_internal(value, child))

    for name, root in scene.items():
        if name not in description:
            visit(name, root, internal=False)
        elif first_path.get(id(root)) != name:
            visit(f"{name} itself", root, internal=False)
    return description


def _container_name(node: Any) -> str:
    if spelling.is_node_list(node):
        return "list"
    return type(node).__name__


def _leaf(node: Any, held: Leaf) -> Leaf:
    if not isinstance(node, nnx.Variable):
        return held
    metadata = "".join(f" {key}={value!r}" for key, value in spelling.metadata(node).items())
    what = type(node).__name__ if held.what == "array" else f"{type(node).__name__} of {held.what}"
    return Leaf(what + metadata, held.value, held.weak)


def _array(value: Any, platform: str | None) -> Leaf:
    if isinstance(value, jax.core.Tracer):
        return Leaf(f"tracer {value.aval.str_short()}")
    if isinstance(value, jax.ShapeDtypeStruct):
        return Leaf(f"abstract {value.dtype}{list(value.shape)}")
    if isinstance(value, jax.Array):
        if value.is_deleted():
            return Leaf("deleted array")
        what = "array"
        homes = {device.platform for device in value.devices()}
        if platform is not None and homes != {platform}:
            what = f"array on {', '.join(sorted(homes))} instead of {platform}"
        if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
            what, value = what.replace("array", "key"), jax.random.key_data(value)
        return Leaf(what, np.asarray(value), value.weak_type)
    if isinstance(value, np.ndarray | np.generic):
        return Leaf("array", np.asarray(value))
    if isinstance(value, type) or callable(value):
        return Leaf(f"static {getattr(value, '__qualname__', type(value).__qualname__)}")
    return Leaf(f"static {value!r}")


def gather(
    descriptions: Sequence[Description],
    join: Callable[[Sequence[np.ndarray]], np.ndarray],
    whole: tuple[str, ...] = (),
) -> Description:
    """One description of many equal structures: each array joined from theirs by `join`.

    What is described by a word that starts like one of `whole` is not joined: all have the same.

    Raises SuiteError when the structures differ: then the case itself is wrong.
    """
    first = descriptions[0]
    for other in descriptions[1:]:
        if {path: leaf.what for path, leaf in first.items()} != {
            path: leaf.what for path, leaf in other.items()
        }:
            raise SuiteError("the elements of a mapped case have different structures")
        for path, leaf in first.items():
            if leaf.what.startswith(whole) and not _equal(leaf, other[path]):
                raise SuiteError(f"{path} differs between blocks that all have the whole of it")
    return {
        path: leaf
        if leaf.value is None or leaf.what.startswith(whole)
        else Leaf(leaf.what, join([_value(description[path]) for description in descriptions]))
        for path, leaf in first.items()
    }


def _value(leaf: Leaf) -> np.ndarray:
    assert leaf.value is not None, leaf
    return leaf.value


def differences(expected: Description, found: Description) -> list[str]:
    """What differs, a line each, in the order of the paths; empty when the two are equal."""
    lines = []
    for path in dict.fromkeys((*expected, *found)):
        if path not in found:
            lines.append(f"{path}: expected {expected[path]}, found nothing")
        elif path not in expected:
            lines.append(f"{path}: expected nothing, found {found[path]}")
        elif not _equal(expected[path], found[path]):
            lines.append(f"{path}: {_difference(expected[path], found[path])}")
    return lines


def _difference(expected: Leaf, found: Leaf) -> str:
    if str(expected) != str(found) or expected.value is None or found.value is None:
        return f"expected {expected}, found {found}"
    # The difference is in the digits, or among the elements, that the short form leaves out.
    place = tuple(np.argwhere(expected.value != found.value)[0].tolist())
    return (
        f"expected {expected}, found at {place} {found.value[place].item()!r} "
        f"instead of {expected.value[place].item()!r}"
    )


def tracers(description: Description) -> list[str]:
    """The paths at which a tracer stands."""
    return [path for path, leaf in description.items() if "tracer " in leaf.what]


def _equal(expected: Leaf, found: Leaf) -> bool:
    if expected.what != found.what:
        return False
    if expected.value is None or found.value is None:
        return expected.value is found.value
    if expected.value.shape != found.value.shape or expected.value.dtype != found.value.dtype:
        return False
    if np.array_equal(expected.value, found.value):
        return True
    if not jax.numpy.issubdtype(expected.value.dtype, np.inexact):
        return False
    relative, absolute = tolerance(expected.value.dtype)
    try:
        chex.assert_trees_all_close(found.value, expected.value, rtol=relative, atol=absolute)
    except AssertionError:
        return False
    return True
