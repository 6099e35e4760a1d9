"""One file out of many modules: just the definitions that a few statements need, by whatever way.

Definitions stand in the order in which Python ran them. A method stays where something has an
attribute of its name, or where Python itself may call it.
"""

import ast
import copy
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from conformance.repro.scopes import global_names, local_names
from conformance.repro.sources import (
    Imported,
    Target,
    Whole,
    follow,
    in_order,
    source,
)

Prepare = Callable[[Target, ast.stmt], ast.stmt]


def bundle(
    main: Sequence[ast.stmt],
    module: str,
    prepare: Prepare,
    replaced: Mapping[Target, Target] = MappingProxyType({}),
) -> tuple[str, list[str]]:
    """The statements of a script that `main` ends, and what it imports.

    Args:
      main: statements in terms of the globals of `module`.
      module: a module of the suite.
      prepare: what becomes of a definition before it is put in.
      replaced: definitions that others stand in for.
    """
    made = _Bundle(prepare, replaced)
    made.reach(main, module)
    return made.text(main, module), sorted(made.imports)


@dataclass
class _Bundle:
    prepare: Prepare
    replaced: Mapping[Target, Target]
    imports: set[str] = field(default_factory=set)
    _imported: set[str] = field(default_factory=set)  # the names that these bring
    _found: dict[Target, ast.stmt] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)  # names of attributes
    _reached: set[Target] = field(default_factory=set)
    _by_target: set[Target] = field(default_factory=set)  # what is referred to across modules
    _names: dict[Target, str] = field(default_factory=dict)

    def reach(self, main: Sequence[ast.stmt], module: str) -> None:
        """Finds all that is needed: what is found asks for attributes, and these for methods."""
        while True:
            seen: set[Target] = set()
            pending: list[tuple[str, ast.AST]] = [(module, ast.Module(list(main), []))]
            asked: set[str] = set()
            while pending:
                where, node = pending.pop()
                asked |= _words(node)
                for target in self._references(node, where):
                    if target not in seen:
                        seen.add(target)
                        pending.append((target.module, self._shaken(target)))
            if asked <= self._asked:
                self._reached = seen
                return
            self._asked |= asked

    def text(self, main: Sequence[ast.stmt], module: str) -> str:
        """The script, without its imports."""
        modules = in_order({target.module for target in self._reached})
        ordered = sorted(
            self._reached, key=lambda t: (modules.index(t.module), source(t.module).order[t.name])
        )
        nodes = {target: self._shaken(target) for target in ordered}
        taken = {*self._imported, *itertools.chain(*map(local_names, (*nodes.values(), *main)))}
        for target in ordered:
            self._names[target] = self._fresh(target, taken)
        written: dict[int, str] = {}
        for target, node in nodes.items():
            original = id(source(target.module).definitions[target.name])
            if original not in written:
                written[original] = _text(self._renamed(node, target.module))
        # What the script is about comes first. It is called at the end, when all else is there.
        first = [id(source(t.module).definitions[t.name]) for t in ordered if _is_test(nodes[t])]
        texts = [*map(written.pop, first), *written.values()]
        last = "\n".join(_text(self._renamed(node, module)) for node in main)
        return "\n\n".join((*texts, last))

    def _fresh(self, target: Target, taken: set[str]) -> str:
        name = target.name
        used = set(self._names.values()) | (taken if target in self._by_target else self._imported)
        number = 2
        while name in used:
            name = f"{target.name}_{number}"
            used |= taken
            number += 1
        return name

    def _definition(self, target: Target) -> ast.stmt:
        if target not in self._found:
            original = source(target.module).definitions[target.name]
            self._found[target] = self.prepare(target, original)
        return self._found[target]

    def _references(self, node: ast.AST, module: str) -> Iterable[Target]:
        for name in global_names(node):
            given = getattr(name, "target", None)
            meaning = self._meaning(name, module)
            if isinstance(meaning, Imported):
                self.imports.add(meaning.statement)
                self._imported.add(meaning.name)
            elif meaning is not None:
                if given:
                    self._by_target.add(meaning)
                self._definition(meaning)
                yield meaning

    def _meaning(self, name: ast.Name, module: str) -> Target | Imported | None:
        meaning = getattr(name, "target", None) or source(module).meaning(name.id)
        if isinstance(meaning, Target):
            meaning = follow(meaning)
            meaning = self.replaced.get(meaning, meaning)  # type: ignore[arg-type]
        if isinstance(meaning, Whole):
            raise LookupError(f"{meaning.module} is used as a value")
        return meaning

    def _shaken(self, target: Target) -> ast.stmt:
        """A definition without the methods that nothing asks for."""
        node = self._definition(target)
        if not isinstance(node, ast.ClassDef):
            return node
        shaken = copy.copy(node)
        shaken.body = [
            part
            for part in node.body
            if not isinstance(part, ast.FunctionDef)
            or part.name.startswith("__")
            or part.name in self._asked
        ] or [ast.Pass()]
        return shaken

    def _renamed(self, node: ast.stmt, module: str) -> ast.stmt:
        new = copy.deepcopy(node)
        for name in global_names(new):
            meaning = self._meaning(name, module)
            if isinstance(meaning, Target):
                name.id = self._names[meaning]
            elif isinstance(meaning, Imported):
                name.id = meaning.name
        if isinstance(new, ast.FunctionDef | ast.ClassDef):
            new.name = self._names.get(Target(module, new.name), new.name)
        return new


def plainly(target: Target, node: ast.stmt) -> ast.stmt:
    """A definition as it is, but for annotations, which need not hold in a script."""
    return WithoutAnnotations(source(target.module).imports).visit(copy.deepcopy(node))


class WithoutAnnotations(ast.NodeTransformer):
    """Takes away what only says types, the registration of a claim, and the suite's own modules."""

    def __init__(self, imports: object) -> None:
        self._imports: dict[str, object] = imports  # type: ignore[assignment]
        self._in_class = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function without annotations."""
        was, self._in_class = self._in_class, False
        node.returns = None
        node.decorator_list = [each for each in node.decorator_list if not _is_claim(each)]
        self.generic_visit(node)
        self._in_class = was
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """An argument without its annotation."""
        node.annotation = None
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """A class, whose annotations make its fields."""
        was, self._in_class = self._in_class, True
        self.generic_visit(node)
        self._in_class = was
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """An assignment; a field keeps an annotation, since that makes it one."""
        if node.value is not None:
            node.value = self.visit(node.value)
        if self._in_class:
            node.annotation = ast.Name("object", ast.Load())
            return node
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value, lineno=node.lineno), node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """What a module of the suite has, by its name there."""
        self.generic_visit(node)
        whole = self._imports.get(node.value.id) if isinstance(node.value, ast.Name) else None
        return name_of(Target(whole.module, node.attr)) if isinstance(whole, Whole) else node


def name_of(target: Target) -> ast.Name:
    """A name for a definition of any module."""
    name = ast.Name(target.name, ast.Load())
    name.target = target  # type: ignore[attr-defined]
    return name


def _is_claim(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(function, ast.Name) and function.id == "claim"


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


def _words(node: ast.AST) -> set[str]:
    """Every attribute that a statement asks for, be it by a string."""
    found = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    constants = (each.value for each in ast.walk(node) if isinstance(each, ast.Constant))
    return found | {value for value in constants if isinstance(value, str)}


def _text(node: ast.stmt) -> str:
    return ast.unparse(ast.fix_missing_locations(node))
