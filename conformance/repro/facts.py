"""What differs, as assertions on plain objects."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import Leaf, children
from conformance.repro.recording import Log

MOST = 4  # assertions of a script

_SAME = "same object as "


class Unspeakable(Exception):
    """A script cannot say this in short."""


@dataclass
class Facts:
    """Statements before the call, and after it."""

    before: list[str]
    after: list[str]


def facts(log: Log, names: Mapping[str, str]) -> Facts:
    """What of a description was not as expected, for the roots of these names.

    Raises Unspeakable where none of it can be said by a plain assertion.
    """
    found = Facts([], [])
    for path in log.differing:
        if len(found.after) < MOST:
            try:
                _add(found, path, log, names)
            except (Unspeakable, ValueError, SyntaxError):
                continue
    if not found.after:
        raise Unspeakable("none of the differences is a plain assertion")
    return found


def _add(facts: Facts, path: str, log: Log, names: Mapping[str, str]) -> None:
    expected, found = log.expected.get(path), log.found.get(path)
    if path.startswith("held ") and path not in names:
        _add_held(facts, path.removeprefix("held "), expected, names, log)
        return
    place = _place(path, names, log.roots)
    owner, _, name = ("", "", "") if path in names else path.rpartition(".")
    if owner and not (owner in log.expected and owner in log.found):
        raise Unspeakable(path)  # it is enough to ask for its owner
    if expected is None:
        holder = _place(owner, names, log.roots)
        if holder.node is None or not spelling.is_object(holder.node):
            raise Unspeakable(path)
        facts.after.append(f"assert not hasattr({holder.text}, {name!r})")
        return
    if found is None and place.attribute:
        facts.after.append("assert hasattr({}, {!r})".format(*place.attribute))
        return
    if found is None and place.key:
        facts.after.append("assert {1!r} in {0}".format(*place.key))
        return
    if expected.what.startswith(_SAME):
        other = _place(expected.what.removeprefix(_SAME), names, log.roots)
        facts.after.append(f"assert {place.text} is {other.text}")
        return
    if found and found.what.startswith(_SAME):
        shared = found.what.removeprefix(_SAME)
        if shared not in log.expected:
            raise Unspeakable(path)
        other = _place(shared, names, log.roots)
        facts.after.append(f"assert {place.text} is not {other.text}")
        return
    if found and found.what.startswith("tracer"):
        facts.after.append(f"assert not isinstance({place.text}, jax.core.Tracer)")
        return
    facts.after += _of_leaf(place.text, expected, found)


def _add_held(
    facts: Facts, path: str, expected: Leaf | None, names: Mapping[str, str], log: Log
) -> None:
    """A reference that its owner held before the call: where it is found afterwards."""
    if expected is None or not expected.what.startswith(_SAME):
        raise Unspeakable(path)
    now = _place(expected.what.removeprefix(_SAME), names, log.roots)
    held = "held_" + path.replace(".", "_")
    # The path was valid before the call; all of its steps are attributes, or numbers in lists.
    root, *steps = path.split(".")
    before = names[root] + "".join(f"[{s}]" if s.isdigit() else f".{s}" for s in steps)
    facts.before.append(f"{held} = {before}")
    facts.after.append(f"assert {now.text} is {held}")


def _of_leaf(text: str, expected: Leaf, found: Leaf | None) -> list[str]:
    kind, *_ = expected.what.split(" ")
    if expected.value is None:
        if not expected.what.startswith("static "):
            raise Unspeakable(expected.what)
        value = ast.literal_eval(expected.what.removeprefix("static "))
        return [f"assert {text} == {value!r}, {text}"]
    if "key" in expected.what.split(" "):
        raise Unspeakable(expected.what)
    is_variable = kind != "array"
    if found and expected.what != found.what:
        return _of_notes(text, expected, found)
    read = _read(text) if is_variable else text
    value = expected.value
    elements = f"np.array({value.tolist()}, np.{value.dtype.name})"
    if value.dtype.kind in "biu" and value.ndim == 0:
        return [f"assert {read} == {value.item()}, {read}"]
    if value.dtype.kind == "V" or not hasattr(np, value.dtype.name):
        raise Unspeakable(str(value.dtype))
    if found and found.value is not None and found.value.shape != value.shape:
        return [f"assert {read}.shape == {value.shape}, {read}.shape"]
    if found and found.value is not None and found.value.dtype != value.dtype:
        return [f"assert {read}.dtype == '{value.dtype}', {read}.dtype"]
    return [f"np.testing.assert_allclose({read}, {elements}, 1e-5, 1e-6)"]


def _of_notes(text: str, expected: Leaf, found: Leaf) -> list[str]:
    """Assertions on what is kept on a Variable, where it is of the kind that it should be."""
    (kind, notes), (other, others) = _notes(expected), _notes(found)
    if kind != other:
        raise Unspeakable(expected.what)
    said = []
    for name, value in notes.items():
        if others.get(name) != value:
            attribute = f"{text}.{spelling.AXIS_NAMES}"
            kept = attribute if name == "axis_names" else f"{text}.get_metadata().get({name!r})"
            said.append(f"assert {kept} == {ast.literal_eval(value)!r}, {kept}")
    said += [f"assert {n!r} not in {text}.get_metadata()" for n in others if n not in notes]
    if not said or "axis_names" in set(others) - set(notes):
        raise Unspeakable(expected.what)
    return said


def _notes(leaf: Leaf) -> tuple[str, dict[str, str]]:
    """The kind of a Variable, and what is kept on it, as it is written."""
    kind, *rest = re.split(r" (\w+)=", leaf.what)
    return kind, dict(zip(rest[::2], rest[1::2], strict=True))


def _read(text: str) -> str:
    return f"{text}.get_value()" if spelling._WRITES_BY_METHOD else f"{text}.value"


@dataclass
class _Place:
    text: str
    node: Any
    attribute: tuple[str, str] | None = None  # the expression of its owner, and its name there
    key: tuple[str, Any] | None = None  # the same where its owner is a mapping


def _place(path: str, names: Mapping[str, str], roots: Mapping[str, Any]) -> _Place:
    """The expression for a path, and what stands there."""
    root = max((r for r in roots if f"{path}.".startswith(f"{r}.")), key=len, default="")
    if root not in names:
        raise Unspeakable(path)
    steps = path[len(root) + 1 :].split(".") if path != root else []
    text, node = names[root], roots[root]
    attribute = item = None
    for step in steps:
        is_object = spelling.is_object(node) and not spelling.is_node_list(node)
        if isinstance(node, nnx.Variable):
            text, node = _read(text), spelling.read(node)
            is_object = False
        parts = dict(children(node) or ()) if node is not None else {}
        is_list = isinstance(node, list | tuple) or spelling.is_node_list(node)
        is_literal = is_list or step.startswith("(")  # a path is a key of some mappings
        missing = ast.literal_eval(step) if is_literal else step
        key = next((key for key in parts if str(key) == step), missing)
        plain = isinstance(key, str) and (is_object or node is None)
        attribute = (text, key) if plain else None
        item = (text, key) if isinstance(node, Mapping) else None
        text += f".{key}" if plain else f"[{key!r}]"
        node = parts.get(key)
    return _Place(text, node, attribute, item)
