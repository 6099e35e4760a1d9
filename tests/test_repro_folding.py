"""folding and purity: what is known of a case is put into its code, and what is idle is gone."""

import ast
from types import SimpleNamespace

import pytest

from conformance.repro.folding import Branches, constant, simplify
from conformance.repro.purity import is_pure
from conformance.repro.scopes import local_names

KNOWN = {
    "case": SimpleNamespace(elements=2, style="function", transform=SimpleNamespace(name="scan")),
    "MAPPING": ("vmap", "scan"),
    "LAYERS": 4,
}


def written(text: str) -> str:
    return ast.unparse(ast.parse(text))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("case.elements", 2),
        ("case.transform.name", "scan"),
        ("case.transform.name in MAPPING", True),
        ("case.transform.name == 'pmap' or case.style == 'function'", True),
        ("LAYERS", 4),
        ("not case.elements", False),
    ],
)
def test_constant(expression: str, value: object) -> None:
    """An expression of nothing but what is known is its value."""
    found = constant(ast.parse(expression, mode="eval").body, KNOWN)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    "expression",
    ["x", "case.elements + x", "MAPPING", "case", "case.nothing", "len(MAPPING)", "f()"],
)
def test_no_constant(expression: str) -> None:
    """What asks for more, calls something or is no plain value stays as it is."""
    assert constant(ast.parse(expression, mode="eval").body, KNOWN) is None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("if True:\n a()\nelse:\n b()", "a()"),
        ("def f():\n if False:\n  return 1\n return 2", "def f():\n return 2"),
        ("def f():\n if True:\n  return 1\n return 2", "def f():\n return 1"),
        ("def f():\n raise E\n a()", "def f():\n raise E"),
        ("a(1 if False else 2)", "a(2)"),
        ("a(True and x)", "a(x)"),
        ("a(False and x)", "a(False)"),
        ("a(x or False)", "a(x)"),
        ("a(x or True or y)", "a(x or True)"),
        ("a(x and y)", "a(x and y)"),
    ],
)
def test_branches(text: str, left: str) -> None:
    """A branch that is not taken, and what stands behind a return, is gone."""
    assert ast.unparse(Branches().visit(ast.parse(text))) == written(left)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("a = 2\nreturn f(a)", "return f(2)"),
        ("add, edit = grow, 3\nadd(x)", "grow(x)"),
        ("a = nnx.Param\nreturn a(1)", "return nnx.Param(1)"),
        ("a = 1\na = 2\nreturn f(a)", "a = 1\na = 2\nreturn f(a)"),
        ("a = 1\ndef g():\n nonlocal a\n a = 2\ng()\nreturn a",) * 2,
        ("a = x\nx = 2\nx = 3\nreturn f(a, x)",) * 2,
        ("a = 1\nreturn lambda a: a",) * 2,
        ("def g():\n a = x.y\n change(x)\n return a\nreturn g",) * 2,
        ("unused = made()\nreturn 1", "return 1"),
        ("a = made()\na += made()\nreturn 1", "return 1"),
        ("a = made()\na += f()\nreturn 1",) * 2,
        ("def unused():\n pass\nreturn 1", "return 1"),
        ("one, other = other, one\nreturn one",) * 2,
        ("with m:\n a = 2\n f(a)", "with m:\n f(2)"),
    ],
)
def test_simplify(body: str, left: str) -> None:
    """A name for something plain is that; what nothing asks for is gone; no meaning is another."""
    head = "def f(x, one, other):\n "
    tree = ast.parse(head + body.replace("\n", "\n "))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    simplify(function, local_names(function), lambda value: ast.unparse(value) == "made()")

    assert ast.unparse(tree) == written(head + left.replace("\n", "\n "))


@pytest.mark.parametrize(
    ("expression", "module", "pure"),
    [
        ("jnp.asarray(x) + np.ones(3)", "conformance.models", True),
        ("Block(2)", "conformance.models", True),
        ("nnx.Param(x)", "conformance.models", True),
        ("spelling.read(x.kernel)", "conformance.models", True),
        ("spelling.write(x.kernel, 1)", "conformance.models", False),
        ("layer(x)", "conformance.models", False),
        ("nnx.jit(f)(x)", "conformance.models", False),
        ("nnx.update(x, state)", "conformance.models", False),
        ("Rngs()", "conformance.models", False),
        ("along(0, 1, None, 0)", "conformance.state_axes.weights", True),
        ("with_held(x)", "conformance.state_axes.weights", True),
        ("threaded(body, parts, x)", "conformance.state_axes.weights", False),
    ],
)
def test_purity(expression: str, module: str, pure: bool) -> None:
    """Only what makes something new, or looks at something, may go without being missed."""
    assert is_pure(ast.parse(expression, mode="eval").body, module) is pure
