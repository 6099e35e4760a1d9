"""The suite's code for one case alone."""

import ast
import functools
from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx

from conformance.harness import spelling
from conformance.harness.transforms import Edit, Setting
from conformance.repro.bundling import plainly
from conformance.repro.expanding import PLAIN, Expander, statements
from conformance.repro.facts import Unspeakable
from conformance.repro.folding import Branches, simplify
from conformance.repro.purity import is_pure
from conformance.repro.recording import Recorded, Site, Stage
from conformance.repro.rewriting import SPELLING, Known, Rewriter
from conformance.repro.scopes import bound, local_names
from conformance.repro.sources import Target, follow, source
from conformance.repro.tables import Tables

_LIFTING = ("conformance.harness.transforms", "conformance.scan_carry.carrying")
_DESCRIPTIONS = "conformance.harness.descriptions"
# What a script has in place of the harness's own.
REPLACED = {
    Target(_DESCRIPTIONS, name): Target(PLAIN, name)
    for name in ("describe", "differences", "variables", "nodes")
}


class Specialiser:
    """Prepares definitions for a script that shows how `case` failed."""

    def __init__(self, case: Recorded, module: str, test: str, *, hands_on: bool = False) -> None:
        """With `hands_on`, functions keep their parameter for the case, though it is nothing.

        Raises Unspeakable where what is known of its bodies does not go for all of them.
        """
        self._hands_on = hands_on
        self.case, self.module, self.test = case, module, test
        self.stages = {stage.site: stage for stage in case.log.stages}
        settings = {_setting(case, stage) for stage in case.log.stages}
        if len(self.stages) < len(case.log.stages) or len(settings) > 1:
            raise Unspeakable("a body is lifted twice at one place, or in two ways")
        setting = settings.pop() if settings else Setting(1, Edit.VALUE, case.backend.devices)
        expander = Expander(case, self.prepared, hands_on=hands_on)
        self.known = Known(case, setting, Tables(case, module, test), expander)
        self._ready: dict[Target, ast.stmt] = {}

    def prepared(self, target: Target) -> ast.stmt:
        """The definition of a target, prepared."""
        return self(target, source(target.module).definitions[target.name])

    def __call__(self, target: Target, original: ast.stmt) -> ast.stmt:
        """A definition for this case alone."""
        if target not in self._ready:
            self._ready[target] = self._prepare(target, original)
        return self._ready[target]

    def _prepare(self, target: Target, original: ast.stmt) -> ast.stmt:
        if target == Target(SPELLING, "_BOOKKEEPING"):
            kept = sorted(spelling._BOOKKEEPING & _bookkept())
            [statement] = statements(f"_BOOKKEEPING = {tuple(kept)}")
            return statement
        node = plainly(target, original)
        if isinstance(node, ast.FunctionDef) and target.name.startswith("test_"):
            node.body = node.body[bool(ast.get_docstring(node)) :]  # the head of the script has it
        if target == Target(self.module, self.test) and isinstance(node, ast.FunctionDef):
            self._cut(node)
        names = bound(node) if isinstance(node, ast.FunctionDef) else local_names(node)
        self.known.expander.begin(set(names))
        for stages in ({}, self.stages):  # first what is known, then what is made of it
            for _ in range(6):
                before = ast.dump(node)
                node = self._folded(node, target.module, stages)
                if ast.dump(node) == before:
                    break
        if self._hands_on:
            return node
        return _WithoutCase(target.module).visit(node)  # type: ignore[no-any-return]

    def _folded(self, node: ast.stmt, module: str, stages: Mapping[Site, Stage]) -> ast.stmt:
        local = local_names(node)
        made = Rewriter(self.known, module, local, stages).visit(node)
        if isinstance(made, list):  # what an assignment becomes
            [made] = made
        Branches().visit(made)
        local |= local_names(made)
        for each in ast.walk(made):
            if isinstance(each, ast.FunctionDef):
                simplify(each, local, functools.partial(is_pure, module=module))
        return made  # type: ignore[no-any-return]

    def _cut(self, test: ast.FunctionDef) -> None:
        """Takes away what the test would have done after it failed."""
        file = source(self.module).module.__file__
        lines = [line for path, line in self.case.log.lines if path == file]
        inside = [line for line in lines if test.lineno <= line <= (test.end_lineno or 0)]
        if inside:
            _cut_after(test.body, inside[0])


class _WithoutCase(ast.NodeTransformer):
    """There is but one case: nothing hands it on."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._gone = {"case", "setting"} if module in _LIFTING else {"case"}

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        node.args = [argument for argument in node.args if argument.arg not in self._gone]
        self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.args = [argument for argument in node.args if not self._is_gone(argument)]
        return node

    def _is_gone(self, argument: ast.expr) -> bool:
        if isinstance(argument, ast.Name):
            return argument.id in self._gone
        return isinstance(argument, ast.Call) and _gives_a_case(argument.func, self._module)


def _gives_a_case(function: ast.expr, module: str) -> bool:
    """Whether a function of the suite gives the case with another lift."""
    if not isinstance(function, ast.Name):
        return False
    meaning = source(module).meaning(function.id)
    meaning = follow(meaning) if isinstance(meaning, Target) else meaning
    if not isinstance(meaning, Target):
        return False
    definition = source(meaning.module).definitions[meaning.name]
    given = getattr(definition, "returns", None)
    return isinstance(given, ast.Name) and given.id == "Case"


def _setting(case: Recorded, stage: Stage) -> Setting:
    steps, random = stage.transform.steps, stage.random
    return Setting(stage.objects, stage.edit, case.backend.devices, steps, random)


def _cut_after(block: list[ast.stmt], line: int) -> None:
    for number, statement in enumerate(block):
        if statement.lineno <= line <= (statement.end_lineno or 0):
            del block[number + 1 :]
            if isinstance(statement, ast.With):
                _cut_after(statement.body, line)
            return


def _bookkept() -> frozenset[str]:
    variable = nnx.Param(jnp.zeros(()))
    return frozenset((*variable.get_metadata(), *spelling.UNPLACED))
