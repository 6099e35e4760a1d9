"""The suite's modules as syntax: what each of their names stands for, and where it is defined."""

import ast
import functools
import importlib
import inspect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType

PACKAGE = "conformance"


@dataclass(frozen=True)
class Target:
    """A definition of the suite: the module, and the name that it has there."""

    module: str
    name: str


@dataclass(frozen=True)
class Imported:
    """What comes from outside the suite: the statement that brings it."""

    statement: str
    name: str


@dataclass(frozen=True)
class Whole:
    """A module of the suite that is used by name."""

    module: str


Meaning = Target | Imported | Whole | None


@dataclass
class Source:
    """One module of the suite: its definitions in order, and what it imports."""

    module: ModuleType
    definitions: dict[str, ast.stmt] = field(default_factory=dict)
    imports: dict[str, Imported | Target | Whole] = field(default_factory=dict)
    order: dict[str, float] = field(default_factory=dict)  # of the definitions, by name

    @property
    def name(self) -> str:
        """The module's name."""
        return self.module.__name__

    def define(self, name: str, statement: ast.stmt, order: float) -> Target:
        """Adds a definition that the module does not have itself."""
        self.definitions[name] = statement
        self.order[name] = order
        return Target(self.name, name)

    def meaning(self, name: str) -> Meaning:
        """What a global name of the module stands for; None for a builtin."""
        if name in self.definitions:
            return Target(self.name, name)
        return self.imports.get(name)


@functools.cache
def source(name: str) -> Source:
    """The source of a module of the suite."""
    module = importlib.import_module(name)
    found = Source(module)
    for number, statement in enumerate(ast.parse(inspect.getsource(module)).body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for local, meaning in _imported(statement):
                found.imports[local] = meaning
        for defined in _defined(statement):
            found.define(defined, statement, number)
    return found


def follow(target: Target) -> Target | Imported | Whole:
    """Where a name is defined in the end, through whatever imports it."""
    while True:
        meaning = source(target.module).meaning(target.name)
        if meaning is None:
            raise LookupError(f"{target.module} has no {target.name}")
        if not isinstance(meaning, Target) or meaning == target:
            return meaning
        target = meaning


def in_order(modules: set[str]) -> list[str]:
    """Modules of the suite, each after those that it imports, as Python runs them."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in found:
            return
        for meaning in source(name).imports.values():
            if not isinstance(meaning, Imported) and meaning.module != name:
                visit(meaning.module)
        found[name] = None

    for name in sorted(modules):
        visit(name)
    return [name for name in found if name in modules]


def _imported(
    statement: ast.Import | ast.ImportFrom,
) -> Iterator[tuple[str, Imported | Target | Whole]]:
    for alias in statement.names:
        local = alias.asname or alias.name.partition(".")[0]
        said = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
        if isinstance(statement, ast.Import):
            yield local, Imported(f"import {said}", local)
            continue
        module = statement.module or ""
        if module.partition(".")[0] != PACKAGE:
            yield local, Imported(f"from {module} import {said}", local)
        elif _is_module(f"{module}.{alias.name}"):
            yield local, Whole(f"{module}.{alias.name}")
        else:
            yield local, Target(module, alias.name)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _defined(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module defines, or a block of them."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        targets = itertools.chain.from_iterable(map(ast.walk, statement.targets))
        yield from (node.id for node in targets if isinstance(node, ast.Name))
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id
    elif isinstance(statement, ast.Try):
        for inner in (*statement.body, *(s for h in statement.handlers for s in h.body)):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                yield from (alias.asname or alias.name for alias in inner.names)
