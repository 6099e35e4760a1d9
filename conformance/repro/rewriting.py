"""One pass over the suite's code: plain calls of Flax and JAX where the harness is asked."""

import ast
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.harness import spelling, twins
from conformance.harness.subject import at_least
from conformance.harness.transforms import Form, Setting
from conformance.repro.bundling import name_of
from conformance.repro.expanding import PLAIN, Expander, expression, statements
from conformance.repro.facts import Unspeakable, facts
from conformance.repro.folding import constant
from conformance.repro.purity import is_pure
from conformance.repro.recording import Recorded, Site, Stage
from conformance.repro.sources import Target, follow, source
from conformance.repro.tables import Tables

SPELLING = "conformance.harness.spelling"
_VERDICTS = "conformance.harness.verdicts"
_CHECKS = ("equal", "refuses", "done_or_refused", "fails_with", "leaves_no_tracer", "saw")


@dataclass(frozen=True)
class Known:
    """What the rewriting of any definition needs to know of the case."""

    case: Recorded
    setting: Setting
    tables: Tables
    expander: Expander


class Rewriter(ast.NodeTransformer):
    """One pass over a definition of a module; bodies are spelled out where `stages` are."""

    def __init__(
        self, of: Known, module: str, local: set[str], stages: Mapping[Site, Stage]
    ) -> None:
        self._stages = stages
        self._of, self._case, self._module = of, of.case, source(module)
        self._local = local
        self._rebound: set[str] = set()  # by a function within that of the name
        names = vars(self._module.module)
        self._known: dict[str, Any] = {n: v for n, v in names.items() if n not in local}
        self._known |= {"case": of.case, "setting": of.setting}
        self._prelude: list[ast.stmt] = []
        self._given: dict[str, Mapping[str, ast.expr]] = {}

    # Statements

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.stmt:
        self._rebound |= set(node.names)
        return node

    def visit_Expr(self, node: ast.Expr) -> Any:
        made = self._simple(node)
        [*before, last] = made
        assert isinstance(last, ast.Expr)
        return self._written(last) + before if not before else [*before, *self._written(last)]

    def visit_Assign(self, node: ast.Assign) -> Any:
        [target, *_] = node.targets
        if isinstance(target, ast.Attribute) and target.attr == "_case":
            return None
        made = self._simple(node)
        given = getattr(node.value, "given", None)
        if given is not None and isinstance(target, ast.Name):
            self._given[target.id] = given
            return made[:-1]
        return made

    def visit_Return(self, node: ast.Return) -> Any:
        return self._simple(node)

    def _simple(self, node: ast.stmt) -> list[ast.stmt]:
        outer, self._prelude = self._prelude, []
        self.generic_visit(node)
        made = [*self._prelude, node]
        self._prelude = outer
        return made

    def _written(self, node: ast.Expr) -> list[ast.stmt]:
        """The guide's ways to write a Variable, in place of a call of ours."""
        call = node.value
        if isinstance(call, ast.Constant) and call.value is None:
            return []
        if _is_check(call):
            return self._checked(node, call)
        if not isinstance(call, ast.Call) or not _is(call.func, "write", "add"):
            return [node]
        variable, value = call.args
        by_method = spelling._WRITES_BY_METHOD
        if _is(call.func, "add"):
            if not by_method:
                return statements("VARIABLE.value += VALUE", VARIABLE=variable, VALUE=value)
            if not _is_path(variable):
                return [node]
            text = "VARIABLE.set_value(VARIABLE.get_value() + VALUE)"
        else:
            text = "VARIABLE.set_value(VALUE)" if by_method else "VARIABLE.value = VALUE"
        return statements(text, VARIABLE=variable, VALUE=value)

    def _checked(self, node: ast.Expr, call: ast.Call) -> list[ast.stmt]:
        """What is left of a comparison: nothing where it held, or what differs where it did not."""
        log, file = self._case.log, self._module.module.__file__
        place = file, getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
        has_failed = any(
            path == file and place[1] <= line <= (getattr(node, "end_lineno", 0) or 0)
            for path, line in log.lines
        )
        if not place[1]:
            return [node]
        if not has_failed:
            name = self._module.name
            return [] if all(is_pure(each, name) for each in _given(call)) else [node]
        if log.comparisons[place] != 1 or log.failing or self._depends(call):  # type: ignore[index]
            return [node]
        found, before = call.args[0], []
        if isinstance(found, ast.Dict) and all(map(_is_path, found.values)):
            names = {
                str(key.value): ast.unparse(value)
                for key, value in zip(found.keys, found.values, strict=True)
                if isinstance(key, ast.Constant)
            }
        else:
            if not isinstance(found, ast.Name):
                name = "outside" if "outside" not in self._local else "outside_2"
                before = statements(f"{name} = FOUND", FOUND=found)
                found = ast.Name(name, ast.Load())
            names = {root: f"{found.id}[{root!r}]" for root in log.roots}
        try:
            said = facts(log, names)
        except Unspeakable:
            return [node]
        if said.before:
            return [node]
        return [*before, *statements("\n".join(said.after))]

    def _depends(self, call: ast.Call) -> bool:
        """Whether what is expected may depend on what is found: then it is no constant."""
        found, expected = (
            {n.id for n in ast.walk(each) if isinstance(n, ast.Name)} & self._local
            for each in call.args[:2]
        )
        return bool(found & expected or expected & self._rebound)

    # Expressions

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if hasattr(node, "target") or not isinstance(node.ctx, ast.Load):
            return node
        meaning = self._module.meaning(node.id)
        if isinstance(meaning, Target) and meaning.module == _VERDICTS:
            return ast.Name("AssertionError", ast.Load())
        if isinstance(meaning, Target):
            return constant(node, self._known) or node
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if folded := constant(node, self._known):
            return folded
        self.generic_visit(node)
        return constant(node, self._known) or node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if folded := constant(node, self._known):
            return folded
        text = ast.unparse(node)
        if text == "case.backend.devices":
            return expression("jax.devices()")
        if text == "setting.random":
            return expression(str(self._of.setting.random))
        if text == "case.transform.form":
            form = name_of(Target("conformance.harness.transforms", "Form"))
            return ast.Attribute(form, self._case.transform.form.name, ast.Load())
        if text in ("setting.mapped_devices", "setting.mesh"):
            devices = f"jax.devices()[:{len(self._of.setting.mapped_devices)}]"
            mesh = f"Mesh(np.array({devices}), ('data',))"
            return expression(mesh if text == "setting.mesh" else devices)
        self.generic_visit(node)
        owner = node.value
        if isinstance(owner, ast.Name) and node.attr in self._given.get(owner.id, ()):
            return copy.deepcopy(self._given[owner.id][node.attr])
        if given := getattr(owner, "given", None):
            return copy.deepcopy(given[node.attr])  # type: ignore[no-any-return]
        if isinstance(owner, ast.Name) and owner.id == "self" and node.attr == "_case":
            return ast.Name("case", ast.Load())
        return self._of_case(node) if _is_case(owner) else node

    def _of_case(self, node: ast.Attribute) -> ast.expr:
        if node.attr == "variant":
            return self._of.tables.variant()
        if node.attr == "refuses" and not self._case.log.unchanged:
            return name_of(Target(PLAIN, "refused"))
        if node.attr in _CHECKS:
            return name_of(Target(PLAIN, node.attr))
        if node.attr == "call":
            return name_of(Target(PLAIN, f"as_{self._case.style.replace('-', 'function')}"))
        if node.attr == "decorate":
            name = self._case.transform.name
            if name == "pmap":
                return expression(
                    f"lambda f, **options: nnx.pmap(f, devices={self._devices()}, **options)"
                )
            return expression(f"nnx.{name}")
        if node.attr == "transform":
            form = name_of(Target("conformance.harness.transforms", "Form"))
            of = self._case.transform
            words = f"SimpleNamespace(name={of.name!r}, form=FORM.{of.form.name}, steps={of.steps})"
            return expression(words, FORM=form)
        if node.attr == "backend":
            name = self._case.backend.name
            return expression(f"SimpleNamespace(name={name!r}, devices=tuple(jax.devices()))")
        return node

    def _devices(self) -> str:
        return f"jax.devices()[:{self._case.elements}]"

    def visit_Call(self, node: ast.Call) -> ast.expr:
        stage = self._stage_at(node)
        function = node.func
        if isinstance(function, ast.Attribute) and _is_case(function.value):
            if function.attr == "draws":
                return ast.Constant(None)
            if function.attr == "refuses" and not self._case.log.unchanged:
                node.args = [node.args[0], *node.args[2:3]]
                node.keywords = [k for k in node.keywords if k.arg == "match"]
            if function.attr == "decorate" and self._case.transform.name == "pmap":
                node.func = expression("nnx.pmap")
                node.keywords.append(ast.keyword("devices", expression(self._devices())))
        if stage is not None:
            node.args = list(_flattened([self.visit(argument) for argument in node.args]))
            made, given = self._of.expander.expand(node, stage)
            self._prelude += made
            if not given:
                return ast.Constant(None)
            applied = ast.Name("applied", ast.Load())
            applied.given = given  # type: ignore[attr-defined]
            return applied
        if _is(function, "stack_inputs") or _is_name(function, "stack_inputs", "element_inputs"):
            return self._evaluated(node)
        if _is_name(function, "at_least"):
            [release] = node.args
            assert isinstance(release, ast.Constant)
            return ast.Constant(at_least(str(release.value)))
        self.generic_visit(node)
        node.args = list(_flattened(node.args))
        return self._called(node)

    def _called(self, node: ast.Call) -> ast.expr:
        function, arguments = node.func, node.args
        target = getattr(function, "target", None)
        if target == Target(PLAIN, "as_function") and not isinstance(arguments[0], ast.Starred):
            return ast.Call(arguments[0], arguments[1:], node.keywords)
        elif _is(function, "read") and len(arguments) == 1:
            by_method = spelling._WRITES_BY_METHOD
            text = "VARIABLE.get_value()" if by_method else "VARIABLE.value"
            return expression(text, VARIABLE=arguments[0])
        elif (
            isinstance(function, ast.Attribute)
            and function.attr == "get"
            and isinstance(function.value, ast.Name)
            and 1 <= len(arguments) <= 2
        ):
            table = self._table(function.value)
            is_known, key = self._key(arguments[0])
            if table is not None and is_known:
                if key in table:
                    return self._entry(function.value, key)
                return arguments[1] if len(arguments) == 2 else ast.Constant(None)
        return node

    def _key(self, node: ast.expr) -> tuple[bool, Any]:
        """Whether the key of a table is known, and which it is."""
        if isinstance(node, ast.Constant):
            return True, node.value
        owner = getattr(getattr(node, "value", None), "target", None)
        if isinstance(node, ast.Attribute) and isinstance(owner, Target) and owner.name == "Form":
            return True, Form[node.attr]
        return False, None

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if hasattr(node, "is_last"):  # a table that is not written down key by key
            return node
        is_known, key = self._key(node.slice)
        if is_known and isinstance(node.value, ast.Name):
            table = self._table(node.value)
            if table is not None and key in table:
                return self._entry(node.value, key)
        return node

    def _table(self, name: ast.Name) -> Mapping[Any, Any] | None:
        """The dictionary of the suite that a name stands for."""
        target = getattr(name, "target", None)
        if target is None and name.id not in self._local:
            target = self._module.meaning(name.id)
        if not isinstance(target, Target):
            return None
        target = follow(target)
        if not isinstance(target, Target):
            return None
        found = vars(source(target.module).module).get(target.name)
        return found if isinstance(found, Mapping) else None

    def _entry(self, name: ast.Name, key: Any) -> ast.expr:
        return self._of.tables.entry(self._module.name, name, key, name.id.lower())

    def _evaluated(self, node: ast.Call) -> ast.expr:
        """The arrays that a call gives, as they are written."""
        text = ast.unparse(node)
        names = self._known | {"stack_inputs": twins.stack_inputs}
        names |= {"element_inputs": twins.element_inputs}
        if not {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & self._local - {"case"}:
            value = eval(text, names)
            arrays = value if isinstance(value, list) else [value]
            written = [f"jnp.array({np.asarray(array).tolist()})" for array in arrays]
            return expression(f"[{', '.join(written)}]" if value is arrays else written[0])
        self.generic_visit(node)
        return node

    def _stage_at(self, node: ast.Call) -> Stage | None:
        place = (
            self._module.module.__file__,
            getattr(node, "lineno", 0),
            getattr(node, "col_offset", 0),
        )
        return self._stages.get(place)  # type: ignore[arg-type]


def _is(function: ast.expr, *names: str) -> bool:
    """Whether an expression is one of these functions of `spelling`."""
    target = getattr(function, "target", None)
    return isinstance(target, Target) and target.module == SPELLING and target.name in names


def _is_name(function: ast.expr, *names: str) -> bool:
    return isinstance(function, ast.Name) and function.id in names


def _flattened(arguments: list[ast.expr]) -> Iterator[ast.expr]:
    """Arguments without stars before what is written down."""
    for argument in arguments:
        if isinstance(argument, ast.Starred) and isinstance(argument.value, ast.Tuple):
            yield from argument.value.elts
        else:
            yield argument


def _is_check(call: ast.expr) -> bool:
    """Whether an expression compares what is found with what is expected."""
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and getattr(call.func, "target", None) in (Target(PLAIN, "equal"), Target(PLAIN, "saw"))
    )


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_case(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "case"


def _is_path(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)
