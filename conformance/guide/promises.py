"""What each claim promises, read from the source of its test: no Flax is needed for that."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUITE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Promise:
    """A claim in words: its id, its sentence, and the section of the guide that makes it."""

    id: str
    sentence: str
    guide: str


def promises(suite: Path = SUITE) -> dict[str, Promise]:
    """What the claims promise, by id, in the order of sections and of their files.

    The sentence is empty where the test has no docstring, and the section of the guide where it is
    neither a string nor the name of one.
    """
    return {
        promise.id: promise
        for file in sorted(suite.glob("*/test_*.py"))
        for promise in _in_file(file, suite)
    }


def _in_file(file: Path, suite: Path) -> Iterator[Promise]:
    module = _parsed(file)
    names = _imported(module, suite) | _strings(module)
    for test in module.body:
        if not isinstance(test, ast.FunctionDef):
            continue
        sentence = inspect.cleandoc(ast.get_docstring(test) or "").partition("\n\n")[0]
        for decorator in test.decorator_list:
            if id := _claimed(decorator):
                yield Promise(id, " ".join(sentence.split()), _guide(decorator, names))


def _claimed(decorator: ast.expr) -> str:
    """The id in `@claim("id", …)`; empty where the decorator is another one."""
    match decorator:
        case ast.Call(func=ast.Name(id="claim"), args=[ast.Constant(value=str(id)), *_]):
            return id
    return ""


def _guide(decorator: ast.expr, names: dict[str, str]) -> str:
    for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
        match keyword:
            case ast.keyword(arg="guide", value=ast.Constant(value=str(section))):
                return section
            case ast.keyword(arg="guide", value=ast.Name(id=name)):
                return names.get(name, "")
    return ""


def _strings(module: ast.Module) -> dict[str, str]:
    """The strings that a module gives a name."""
    found = {}
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                found[name] = text
    return found


def _imported(module: ast.Module, suite: Path) -> dict[str, str]:
    """The named strings of the suite's modules that a module imports from."""
    found = {}
    for statement in module.body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            file = suite.joinpath(*statement.module.split(".")[1:]).with_suffix(".py")
            if file.is_file():
                found |= _strings(_parsed(file))
    return found


def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))
