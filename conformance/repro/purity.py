"""Which expressions nobody would miss: what only makes something, or looks at something."""

import ast
import builtins
import functools
from collections.abc import Iterator

from conformance.repro.sources import Imported, Target, Whole, follow, source

_PACKAGES = ("numpy", "jax", "jax.numpy", "dataclasses", "functools", "itertools", "math", "types")
_FLAX = frozenset(("Param", "StateAxes", "StateSharding", "DiffState", "PathContains", "state"))
_BUILTINS = frozenset(
    "all any bool dict enumerate float frozenset hasattr id int isinstance iter len list map max "
    "min range repr reversed set sorted str sum tuple type vars zip getattr".split()
)
_METHODS = frozenset(
    "astype copy count get items keys values reshape sum mean max min tolist any all dtype join "
    "get_value get_metadata startswith partition format".split()
)
_MODULES = (
    *("conformance.models", "conformance.building_blocks", "conformance.axis_metadata.annotated"),
    *("conformance.state_axes.weights", "conformance.harness.twins"),
)
# These walk an object, and keep what they have seen in a set of their own.
_LOOKING = frozenset(
    Target("conformance.harness.descriptions", name)
    for name in ("nodes", "variables", "describe", "differences")
)


def is_pure(node: ast.expr, module: str) -> bool:
    """Whether to evaluate an expression of a module changes nothing that was there."""
    return _is_pure(node, module, frozenset())


def _is_pure(node: ast.AST, module: str, within: frozenset[Target]) -> bool:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and not _is_pure_call(each, module, within):
            return False
        if isinstance(each, ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.Await):
            return False
    return True


def _is_pure_call(call: ast.Call, module: str, within: frozenset[Target]) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        meaning = getattr(function, "target", None) or source(module).meaning(function.id)
        if meaning is None:
            return function.id in _BUILTINS and hasattr(builtins, function.id)
        return _is_pure_function(meaning, within)
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    if isinstance(owner, ast.Name):
        meaning = getattr(owner, "target", None) or source(module).meaning(owner.id)
        if isinstance(meaning, Whole):
            return _is_pure_function(Target(meaning.module, function.attr), within)
        if isinstance(meaning, Imported):
            package = meaning.statement.split()[1]
            return package in _PACKAGES or (package == "flax" and function.attr in _FLAX)
    if function.attr in _METHODS:
        return True
    found = list(_methods(function.attr, module))
    return bool(found) and all(_is_pure_function(target, within) for target in found)


def _is_pure_function(meaning: object, within: frozenset[Target]) -> bool:
    if isinstance(meaning, Imported):
        return meaning.statement.split()[1] in _PACKAGES
    if not isinstance(meaning, Target):
        return False
    if "." not in meaning.name:
        followed = follow(meaning)
        if not isinstance(followed, Target):
            return _is_pure_function(followed, within)
        meaning = followed
    if meaning in within or meaning in _LOOKING:
        return True  # as far as the rest of it is
    node = _definition(meaning)
    within |= {meaning}
    if isinstance(node, ast.ClassDef):
        parts = [p for p in node.body if isinstance(p, ast.FunctionDef) and p.name == "__init__"]
        return all(_only_makes(part, meaning.module, within) for part in parts)
    return isinstance(node, ast.FunctionDef) and _only_makes(node, meaning.module, within)


def _only_makes(function: ast.FunctionDef, module: str, within: frozenset[Target]) -> bool:
    """Whether a function stores in nothing but its own names, or in the object that it makes."""
    for node in ast.walk(function):
        if isinstance(node, ast.Nonlocal | ast.Global | ast.Delete | ast.Yield | ast.YieldFrom):
            return False
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = node.value
            made = isinstance(owner, ast.Name) and owner.id == "self"
            if not (made and function.name == "__init__"):
                return False
        is_super = isinstance(node, ast.Call) and ast.unparse(node.func).startswith("super()")
        if isinstance(node, ast.Call) and not is_super:
            parameters = {argument.arg for argument in function.args.args}
            called = node.func
            if isinstance(called, ast.Name) and called.id == "cls":
                continue
            if isinstance(called, ast.Name) and called.id in parameters:
                return False
            if not _is_pure_call(node, module, within):
                return False
    return True


@functools.cache
def _definition(target: Target) -> ast.stmt | None:
    owner, _, method = target.name.rpartition(".")
    node = source(target.module).definitions.get(owner or method)
    if not owner or not isinstance(node, ast.ClassDef):
        return node
    parts = (part for part in node.body if isinstance(part, ast.FunctionDef))
    return next((part for part in parts if part.name == method), None)


def _methods(name: str, module: str) -> Iterator[Target]:
    """The methods of this name that the suite's classes have, as far as a module may meet them."""
    for where in dict.fromkeys((module, *_reached(module), *_MODULES)):
        for defined, node in source(where).definitions.items():
            if isinstance(node, ast.ClassDef):
                for part in node.body:
                    if isinstance(part, ast.FunctionDef) and part.name == name:
                        yield Target(where, f"{defined}.{name}")


def _reached(module: str) -> Iterator[str]:
    for meaning in source(module).imports.values():
        if not isinstance(meaning, Imported) and not meaning.module.endswith(".cases"):
            yield meaning.module
