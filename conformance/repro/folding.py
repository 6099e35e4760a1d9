"""What is known of one case, put into the code: branches that are not taken are gone."""

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any, TypeGuard

from conformance.repro.sources import Target, source

Block = list[ast.stmt]
_EVALUATED = (
    *(ast.Expression, ast.Attribute, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Not, ast.And),
    *(ast.Or, ast.Constant, ast.Tuple, ast.Load, ast.Name, ast.cmpop, ast.USub, ast.Set),
)
_SIMPLE = (bool, int, float, str, type(None))


def constant(expression: ast.expr, known: Mapping[str, Any]) -> ast.Constant | None:
    """The constant that an expression is, where no more than `known` names decide it."""
    if isinstance(expression, ast.Constant):
        return expression
    names = dict(known)
    for node in ast.walk(expression):
        if not isinstance(node, _EVALUATED):
            return None
        if isinstance(node, ast.Name):
            target = getattr(node, "target", None)
            values = vars(source(target.module).module) if isinstance(target, Target) else {}
            if isinstance(target, Target) and target.name in values:
                names[node.id] = values[target.name]
            elif target is not None or node.id not in known:
                return None
    try:
        # Attributes, comparisons and constants of the suite: nothing is called.
        whole = ast.fix_missing_locations(ast.Expression(copy.deepcopy(expression)))
        value = eval(compile(whole, "", "eval"), names)
    except (AttributeError, TypeError, NameError):
        return None
    return ast.Constant(value) if type(value) in _SIMPLE else None


class Branches(ast.NodeTransformer):
    """Takes away what a constant decides against, and what stands behind a return."""

    def visit(self, node: ast.AST) -> Any:
        """The node without it."""
        new = super().visit(node)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(new, field, None)
            if isinstance(block, list) and not isinstance(new, ast.ClassDef | ast.Module):
                setattr(new, field, _until_left(block))
        return new

    def visit_If(self, node: ast.If) -> Any:
        """The branch that is taken, where that is known."""
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """The value that is taken, where that is known."""
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        """The operands that decide."""
        self.generic_visit(node)
        is_and = isinstance(node.op, ast.And)
        left = []
        for operand in node.values:
            if not isinstance(operand, ast.Constant):
                left.append(operand)
            elif bool(operand.value) is not is_and:
                left.append(operand)
                break
        if not left:
            return node.values[-1]
        if len(left) == 1 or isinstance(left[0], ast.Constant):
            return left[0]
        node.values = left
        return node


def _until_left(block: Block) -> Block:
    for number, statement in enumerate(block):
        if isinstance(statement, ast.Return | ast.Raise):
            return block[: number + 1]
    return block


def simplify(
    function: ast.FunctionDef, local: Set[str], is_pure: Callable[[ast.expr], bool]
) -> None:
    """Puts in what local names stand for, where that is plain; drops what is not used.

    Args:
      function: a function, which may stand in another one.
      local: every name that it or a function around or in it binds.
      is_pure: whether nobody would miss an expression.
    """
    for _ in range(8):
        before = ast.dump(function)
        _split(function)
        for block, statement in _assignments(function):
            _put_in(function, block, statement, local)
        _drop_unused(function, is_pure)
        if ast.dump(function) == before:
            return


def _blocks(function: ast.FunctionDef) -> Iterator[Block]:
    pending = [function.body]
    while pending:
        block = pending.pop()
        yield block
        pending += [s.body for s in block if isinstance(s, ast.With)]


def _assignments(function: ast.FunctionDef) -> list[tuple[Block, ast.Assign]]:
    return [
        (block, statement)
        for block in _blocks(function)
        for statement in block
        if isinstance(statement, ast.Assign)
    ]


def _split(function: ast.FunctionDef) -> None:
    """Makes one assignment each of `a, b = x, y`, where none of them needs the other."""
    for block, statement in _assignments(function):
        [*targets] = statement.targets
        target, value = targets[0], statement.value
        if (
            len(targets) > 1
            or not isinstance(target, ast.Tuple)
            or not isinstance(value, ast.Tuple)
        ):
            continue
        names = {each.id for each in target.elts if isinstance(each, ast.Name)}
        needed = {each.id for each in ast.walk(value) if isinstance(each, ast.Name)}
        starred = any(isinstance(each, ast.Starred) for each in (*target.elts, *value.elts))
        if len(names) == len(target.elts) == len(value.elts) and not names & needed and not starred:
            at = block.index(statement)
            block[at : at + 1] = [
                ast.copy_location(ast.Assign([one], other), statement)
                for one, other in zip(target.elts, value.elts, strict=True)
            ]


def _put_in(
    function: ast.FunctionDef, block: Block, statement: ast.Assign, local: Set[str]
) -> None:
    [target, *more] = statement.targets
    if more or not isinstance(target, ast.Name) or not _is_plain(statement.value, local):
        return
    nodes = [n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == target.id]
    stored = [n for n in nodes if not isinstance(n.ctx, ast.Load)]
    outer = any(
        target.id in node.names
        for node in ast.walk(function)
        if isinstance(node, ast.Nonlocal | ast.Global)
    )
    arguments = {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
    if len(stored) == 1 and not outer and target.id not in arguments:
        block.remove(statement)
        _Replace(target.id, statement.value).visit(function)


class _Replace(ast.NodeTransformer):
    def __init__(self, name: str, value: ast.expr) -> None:
        self._name, self._value = name, value

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self._value) if node.id == self._name else node


def _is_plain(value: ast.expr, local: Set[str]) -> bool:
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.Tuple):
        return all(_is_plain(each, local) for each in value.elts)
    while isinstance(value, ast.Attribute):
        value = value.value
    return isinstance(value, ast.Name) and (hasattr(value, "target") or value.id not in local)


def _drop_unused(function: ast.FunctionDef, is_pure: Callable[[ast.expr], bool]) -> None:
    every = [node for node in ast.walk(function) if _is_load(node)]
    own: dict[str, int] = {}  # how often a name is only asked for to make it anew
    for _, statement in _assignments(function):
        [target, *_] = statement.targets
        if isinstance(target, ast.Name) and _makes_a_case(statement.value):
            inside = [n for n in ast.walk(statement.value) if _is_load(n) and n.id == target.id]
            own[target.id] = own.get(target.id, 0) + len(inside)
    counts = Counter(node.id for node in every)
    loaded = {name for name, number in counts.items() if number > own.get(name, 0)}
    for statement in ast.walk(function):
        is_added_to = isinstance(statement, ast.AugAssign) and not is_pure(statement.value)
        if is_added_to and isinstance(statement.target, ast.Name):  # type: ignore[attr-defined]
            loaded.add(statement.target.id)  # type: ignore[attr-defined]
    for block in _blocks(function):
        block[:] = [s for s in block if not _is_unused(s, loaded, is_pure)] or [ast.Pass()]


def _is_load(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def _is_unused(statement: ast.stmt, loaded: set[str], is_pure: Callable[[ast.expr], bool]) -> bool:
    if isinstance(statement, ast.FunctionDef):
        return statement.name not in loaded
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Name)
    if isinstance(statement, ast.AugAssign):
        target = statement.target
        return isinstance(target, ast.Name) and target.id not in loaded and is_pure(statement.value)
    if not isinstance(statement, ast.Assign):
        return False
    names = [each for each in statement.targets if isinstance(each, ast.Name)]
    unused = len(names) == len(statement.targets) and not {n.id for n in names} & loaded
    return unused and (_makes_a_case(statement.value) or is_pure(statement.value))


def _makes_a_case(value: ast.expr) -> bool:
    """Whether an expression is a case with another transform, or a transform."""
    calls = [node for node in ast.walk(value) if isinstance(node, ast.Call)]
    makers = {"replace", "whole", "substates", "alone", "treats_alike", "compose", "list"}
    return bool(calls) and all(_called(call) in makers for call in calls)


def _called(call: ast.Call) -> str:
    function = call.func
    return getattr(function, "attr", getattr(function, "id", ""))
