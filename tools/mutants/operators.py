"""Mutations: the small ways to make a function wrong, each of them one piece of text replaced."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
}
_EXACTLY_NEGATED = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.BitOr: ("|", "&"),
}
_NO_NUMBER = (ast.JoinedStr, ast.Tuple, ast.List, ast.ListComp)


@dataclass(frozen=True)
class Mutation:
    """One replacement in a source: the bytes from `start` to `end` become `text`.

    `operator` and `change` are our words for it; they and the place, `line` and `column`, tell it
    from every other. Whoever runs one of the lines `first` to `last` runs through it.
    """

    line: int
    column: int
    operator: str
    change: str
    function: str
    start: int
    end: int
    text: bytes
    first: int
    last: int

    def apply(self, source: bytes) -> bytes:
        """The source with the mutation in it."""
        return source[: self.start] + self.text + source[self.end :]


def mutations(source: bytes) -> list[Mutation]:
    """All mutations of what is inside functions, in the order of their places.

    Left alone are annotations, assertions, text, and what an error says. Not every mutation
    compiles: see `compiles`.
    """
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    return sorted(finder.found, key=lambda each: (each.start, each.end, each.change))


def compiles(mutation: Mutation, source: bytes) -> bool:
    """Whether the mutated source is Python at all."""
    try:
        compile(mutation.apply(source), "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    """Visits a module; `found` is what can be done to it."""

    def __init__(self, source: bytes) -> None:
        self.found: list[Mutation] = []
        self._source = source
        lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line))
        self._scopes: list[str] = []
        self._functions = 0
        self._bound: set[str] = set()
        self._lines = (0, 0)

    # Places

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr | ast.stmt) -> bytes:
        return self._source[self._start(node) : self._end(node)]

    def _replace(
        self,
        node: ast.expr | ast.stmt,
        operator: str,
        change: str,
        text: bytes,
        span: tuple[int, int] | None = None,
    ) -> None:
        if not self._functions:
            return
        start, end = span or (self._start(node), self._end(node))
        line = node.lineno
        column, function = start - self._starts[line - 1], ".".join(self._scopes)
        self.found.append(
            Mutation(line, column, operator, change, function, start, end, text, *self._lines)
        )

    def _between(
        self, left: ast.expr, right: ast.expr, operator: str, pair: tuple[str, str]
    ) -> None:
        """Replaces the first word of `pair`, which stands between two operands, by the second."""
        start = self._end(left)
        words = r"\s+".join(map(re.escape, pair[0].split()))
        if found := re.search(words.encode(), self._source[start : self._start(right)]):
            span = (start + found.start(), start + found.end())
            self._replace(left, operator, f"`{pair[0]}` to `{pair[1]}`", pair[1].encode(), span)

    # Statements

    def visit(self, node: ast.AST) -> None:
        """Remembers which lines run the statement that `node` is, or begins."""
        if isinstance(node, ast.stmt):
            self._lines = _header(node)
        super().visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A class's methods are functions; what else stands in it is not."""
        functions, self._functions = self._functions, 0
        self._inside(node.name, node.body)
        self._functions = functions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """A function's decorators and defaults belong to the function around it."""
        for decorator in node.decorator_list:
            at = self._source.rindex(b"@", 0, self._start(decorator))
            span = (at, self._end(decorator))
            self._replace(decorator, "decorator", "removed", b"", span)
            self.visit(decorator)
        self._visit_all([*node.args.defaults, *filter(None, node.args.kw_defaults)])
        bound, self._bound = self._bound, {each.arg for each in _parameters(node.args)}
        self._functions += 1
        self._inside(node.name, node.body)
        self._functions -= 1
        self._bound = bound | {node.name}

    def _inside(self, name: str, body: Sequence[ast.stmt]) -> None:
        self._scopes.append(name)
        self._visit_all(body)
        self._scopes.pop()

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """An assertion checks what cannot be."""

    def visit_Raise(self, node: ast.Raise) -> None:
        """What the error says is left alone."""
        self._replace(node, "statement", "`raise` deleted", b"pass")

    def visit_Expr(self, node: ast.Expr) -> None:
        """A call for its effect."""
        if isinstance(node.value, ast.Call):
            self._replace(node, "statement", "call deleted", b"pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """An assignment that something else is left without."""
        self._assigned(node, node.targets)
        unpacked = any(isinstance(target, (ast.Tuple, ast.List)) for target in node.targets)
        self._visit_all(_elements(node.value) if unpacked else [node.value])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """The same with an annotation."""
        if node.value:
            self._assigned(node, [node.target])
            self.visit(node.value)

    def _assigned(self, node: ast.stmt, targets: Sequence[ast.expr]) -> None:
        """A first value of a name stays: without it there is no name."""
        names = {each.id for each in _stored(targets)}
        if names <= self._bound:
            self._replace(node, "statement", "assignment deleted", b"pass")
        self._bound |= names

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """Deleted, or with another operator."""
        self._replace(node, "statement", "assignment deleted", b"pass")
        if type(node.op) in _ARITHMETIC:
            old, new = _ARITHMETIC[type(node.op)]
            self._between(node.target, node.value, "arithmetic", (f"{old}=", f"{new}="))
        self.visit(node.value)

    def visit_Delete(self, node: ast.Delete) -> None:
        """What is deleted stays."""
        self._replace(node, "statement", "`del` deleted", b"pass")

    def visit_Continue(self, node: ast.Continue) -> None:
        """The loop goes on below."""
        self._replace(node, "statement", "`continue` deleted", b"pass")

    def visit_Break(self, node: ast.Break) -> None:
        """The loop goes on."""
        self._replace(node, "statement", "`break` deleted", b"pass")

    def visit_Return(self, node: ast.Return) -> None:
        """A function that gives nothing."""
        if node.value is None or _is_none(node.value):
            return
        self._replace(node.value, "return", "`None` returned", b"None")
        # A tuple with one element less is no result that a caller could unpack.
        self._visit_all(_elements(node.value))

    def visit_For(self, node: ast.For) -> None:
        """A loop over nothing."""
        self._replace(node.iter, "loop", "over nothing", b"()")
        self.visit(node.iter)
        self._bound |= {each.id for each in _stored([node.target])}
        self._visit_all([*node.body, *node.orelse])

    def visit_While(self, node: ast.While) -> None:
        """A loop that is never entered; one that never ends tells nothing."""
        self._replace(node.test, "condition", "always false", b"False")
        self._visit_all([node.test, *node.body, *node.orelse])

    def visit_If(self, node: ast.If) -> None:
        """A condition that is turned round, or not asked."""
        self._negate(node.test)
        self._condition(node.test)
        self._visit_all([node.test, *node.body, *node.orelse])

    def _negate(self, test: ast.expr) -> None:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return  # what its own visit does
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], _EXACTLY_NEGATED):
            return
        self._replace(test, "condition", "negated", b"(not (%s))" % self._text(test))

    def _condition(self, test: ast.expr) -> None:
        for value in (True, False):
            change = f"always {str(value).lower()}"
            self._replace(test, "condition", change, str(value).encode())

    # Expressions

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Always the one, always the other."""
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """A filter that lets all through, or the others."""
        for test in node.ifs:
            self._negate(test)
            self._replace(test, "condition", "always true", b"True")
        self._visit_all([node.iter, *node.ifs])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """`not` dropped."""
        if isinstance(node.op, ast.Not):
            self._replace(node, "condition", "`not` dropped", b"(%s)" % self._text(node.operand))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Another comparison."""
        operands = [node.left, *node.comparators]
        for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
            self._between(left, right, "comparison", _COMPARISONS[type(operator)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """An operand that decides nothing; the other of `and` and `or`."""
        is_and = isinstance(node.op, ast.And)
        for number, operand in enumerate(node.values, 1):
            change = f"operand {number} dropped"
            self._replace(operand, "boolean", change, str(is_and).encode())
        if len(node.values) == 2:
            pair = ("and", "or") if is_and else ("or", "and")
            self._between(node.values[0], node.values[1], "boolean", pair)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Another operator, between what may be numbers or sets."""
        sides = (node.left, node.right)
        if type(node.op) in _ARITHMETIC and not any(map(_is_no_number, sides)):
            self._between(*sides, "arithmetic", _ARITHMETIC[type(node.op)])
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """The other truth value; one more."""
        if isinstance(node.value, bool):
            change = f"`{node.value}` to `{not node.value}`"
            self._replace(node, "constant", change, str(not node.value).encode())
        elif isinstance(node.value, int):
            change = f"`{node.value}` to `{node.value + 1}`"
            self._replace(node, "constant", change, str(node.value + 1).encode())

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Text."""

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """One element less."""
        self._shorten(node, b"(", b",)")

    def visit_List(self, node: ast.List) -> None:
        """One element less."""
        self._shorten(node, b"[", b"]")

    def _shorten(self, node: ast.Tuple | ast.List, left: bytes, right: bytes) -> None:
        texts = [self._text(element) for element in node.elts]
        if len(texts) > 1 and isinstance(node.ctx, ast.Load):
            for number in range(len(texts)):
                rest = b", ".join(texts[:number] + texts[number + 1 :])
                change = f"element {number + 1} removed"
                self._replace(node, "element", change, left + rest + right)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """A keyword argument less: its default instead."""
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        for number, keyword in enumerate(node.keywords):
            if keyword.arg is None:
                continue
            others = [*map(self._text, node.args)]
            others += [self._keyword(k) for n, k in enumerate(node.keywords) if n != number]
            opening = self._source.index(b"(", self._end(node.func)) + 1
            head = self._source[self._start(node) : opening]
            change = f"argument `{keyword.arg}` removed"
            text = head + b", ".join(others) + b")"
            self._replace(node, "argument", change, text)
        self._visit_all([node.func, *given])

    def _keyword(self, keyword: ast.keyword) -> bytes:
        name = b"**" if keyword.arg is None else b"%s=" % keyword.arg.encode()
        return name + self._text(keyword.value)


def _header(node: ast.stmt) -> tuple[int, int]:
    """The first and the last line of a statement without its body."""
    first, last = node.lineno, node.end_lineno or node.lineno
    match node:
        case ast.If() | ast.While():
            last = node.test.end_lineno or last
        case ast.For():
            last = node.iter.end_lineno or last
        case ast.With():
            last = node.items[-1].context_expr.end_lineno or last
        case ast.Try() | ast.Match():
            last = first
        case ast.FunctionDef() | ast.ClassDef():
            first = min([first, *(each.lineno for each in node.decorator_list)])
            last = node.lineno
    return first, last


def _parameters(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from filter(None, (arguments.vararg, arguments.kwarg))


def _stored(targets: Sequence[ast.expr]) -> Iterator[ast.Name]:
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node


def _elements(value: ast.expr) -> list[ast.expr]:
    """The elements of a tuple, whose number is not to change; anything else itself."""
    return list(value.elts) if isinstance(value, ast.Tuple) else [value]


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _is_no_number(side: ast.expr) -> bool:
    is_text = isinstance(side, ast.Constant) and isinstance(side.value, str)
    if isinstance(side, ast.BinOp):
        return _is_no_number(side.left) or _is_no_number(side.right)
    return is_text or isinstance(side, _NO_NUMBER)
