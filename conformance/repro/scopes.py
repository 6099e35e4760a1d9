"""Which names of a statement are global: Python's rules, as far as the suite's own code needs."""

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.Lambda
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def global_names(node: ast.AST, local: frozenset[str] = frozenset()) -> Iterator[ast.Name]:
    """The names in a statement that are not bound in a function or class around them."""
    if isinstance(node, ast.Name):
        if node.id not in local or hasattr(node, "target"):
            yield node
        return
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        outside = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        if isinstance(node, ast.FunctionDef):
            outside += node.decorator_list
        inside = node.body if isinstance(node.body, list) else [node.body]
        yield from _all(outside, local)
        yield from _all(inside, local | bound(node))
        return
    if isinstance(node, ast.ClassDef):
        yield from _all([*node.bases, *node.keywords, *node.decorator_list], local)
        names = frozenset(_stored(node.body))
        for part in node.body:
            yield from global_names(part, local if _is_function(part) else local | names)
        return
    if isinstance(node, _COMPREHENSIONS):
        first, *_ = node.generators
        yield from global_names(first.iter, local)
        names = local | frozenset(_stored([generator.target for generator in node.generators]))
        for field, value in ast.iter_fields(node):
            if field != "generators":
                yield from global_names(value, names)
        for generator in node.generators:
            yield from global_names(generator.target, names)
            yield from _all(generator.ifs, names)
            if generator is not first:
                yield from global_names(generator.iter, names)
        return
    yield from _all(ast.iter_child_nodes(node), local)


def bound(function: Function) -> frozenset[str]:
    """The names that are local to a function."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += filter(None, (arguments.vararg, arguments.kwarg))
    names = {argument.arg for argument in every}
    if isinstance(function.body, list):
        names |= set(_stored(function.body))
        names -= {
            name
            for node in _own(function.body)
            if isinstance(node, ast.Nonlocal | ast.Global)
            for name in node.names
        }
    return frozenset(names)


def local_names(node: ast.AST) -> set[str]:
    """Every name that some function in a statement binds."""
    functions = (each for each in ast.walk(node) if isinstance(each, Function))
    names = {name for function in functions for name in bound(function)}
    comprehensions = (each for each in ast.walk(node) if isinstance(each, _COMPREHENSIONS))
    targets = (g.target for each in comprehensions for g in each.generators)
    return names | set(_stored(targets))


def _all(nodes: object, local: frozenset[str]) -> Iterator[ast.Name]:
    for node in nodes:  # type: ignore[attr-defined]
        yield from global_names(node, local)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef)


def _own(nodes: object) -> Iterator[ast.AST]:
    """The nodes of a scope without those of the functions and classes in it."""
    for node in nodes:  # type: ignore[attr-defined]
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda | _COMPREHENSIONS):
            yield from _own(ast.iter_child_nodes(node))


def _stored(nodes: object) -> Iterator[str]:
    for node in _own(nodes):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) or (
            isinstance(node, ast.ExceptHandler) and node.name
        ):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
