"""bundling: a few definitions out of many modules, and no more than are needed."""

import ast
import re

import pytest

from conformance.repro.bundling import bundle, name_of, plainly
from conformance.repro.scopes import bound, global_names
from conformance.repro.sources import Imported, Target, Whole, follow, in_order, source


def bundled(main: str, module: str, **targets: Target) -> tuple[str, list[str]]:
    """The script for some statements; names in `targets` stand for definitions of any module."""

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return name_of(targets[node.id]) if node.id in targets else node

    return bundle(Put().visit(ast.parse(main)).body, module, plainly)


def defined(text: str) -> list[str]:
    return re.findall(r"^(?:def|class) (\w+)", text, re.MULTILINE)


def test_what_is_needed() -> None:
    """What the statements reach is there, in the order of its modules, and nothing else is."""
    text, imports = bundled("print(Layer().label)", "conformance.models")

    assert defined(text)[-2:] == ["Count", "Layer"]
    assert "Block" not in text
    assert "import jax.numpy as jnp" in imports
    assert "conformance" not in "\n".join((*imports, text))
    compile("\n".join((*imports, text)), "script", "exec")


def test_methods() -> None:
    """A method that nothing asks for is left out, unless Python itself may call it."""
    without, _ = bundled("Layer()", "conformance.models")
    assert "def __call__" in without  # which asks for scale
    text, _ = bundled("along(0, 0, 0, 0); Mapped", "conformance.state_axes.weights")
    assert "def prefix" not in text
    text, _ = bundled("Mapped({}, {}).prefix", "conformance.state_axes.weights")
    assert "def prefix" in text
    assert "def stack" not in text


def test_names_do_not_clash() -> None:
    """Two definitions of one name are told apart, and so are a definition and a local name."""
    text, _ = bundled(
        "ONE(OTHER())",
        "conformance.models",
        ONE=Target("conformance.aliasing.ways", "Weights"),
        OTHER=Target("conformance.state_axes.weights", "Weights"),
    )
    assert defined(text).count("Weights") == 1
    assert defined(text).count("Weights_2") == 1
    assert text.splitlines()[-1] in ("Weights(Weights_2())", "Weights_2(Weights())")

    add = Target("conformance.harness.spelling", "add")
    text, _ = bundled("def test(add):\n    ADD(add, 1)", "conformance.models", ADD=add)
    assert "add_2(add, 1)" in text


def test_it_runs() -> None:
    """The script does what the statements do where they are written."""
    main = "print(Block(1)(jnp.ones(3)).tolist())"
    text, imports = bundled(main, "conformance.models")
    names: dict[str, object] = {"print": lambda value: names.update(said=value)}
    exec("\n".join((*imports, text)), names)

    from conformance.models import Block, jnp

    assert names["said"] == Block(1)(jnp.ones(3)).tolist()


@pytest.mark.parametrize(
    ("module", "name", "meaning"),
    [
        ("conformance.models", "nnx", Imported("from flax import nnx", "nnx")),
        ("conformance.models", "spelling", Whole("conformance.harness.spelling")),
        ("conformance.models", "Layer", Target("conformance.models", "Layer")),
        ("conformance.models", "WIDTH", Target("conformance.harness.twins", "WIDTH")),
        ("conformance.models", "len", None),
    ],
)
def test_meaning(module: str, name: str, meaning: object) -> None:
    """A global name is a definition, what is imported, or a builtin."""
    assert source(module).meaning(name) == meaning


def test_follow() -> None:
    """A name that is imported leads to where it is defined; one that is nowhere is refused."""
    there = Target("conformance.harness.twins", "WIDTH")
    assert follow(Target("conformance.models", "WIDTH")) == there
    with pytest.raises(LookupError, match=r"conformance.models has no nothing"):
        follow(Target("conformance.models", "nothing"))


def test_order() -> None:
    """A module comes after those that it imports."""
    modules = {"conformance.models", "conformance.harness.twins", "conformance.aliasing.ways"}
    order = in_order(modules)
    assert order.index("conformance.harness.twins") < order.index("conformance.models")
    assert set(order) == modules


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(x):\n y = x\n return y + z", "z"),
        ("def f(x=a):\n return x", "a"),
        ("def f():\n def g():\n  return x\n x = 1\n return g", ""),
        ("def f():\n nonlocal_ = [x for x in y if x + z]", "y z"),
        ("class A(B):\n c = D\n def f(self):\n  return c", "B D c"),
        ("lambda a, *b, **c: a + b + c + d", "d"),
        ("def f():\n with a as b:\n  return b", "a"),
        ("def f():\n try:\n  pass\n except E as e:\n  return e", "E"),
    ],
)
def test_global_names(text: str, names: str) -> None:
    """A name is global unless a function or class around it binds it."""
    found = {name.id for name in global_names(ast.parse(text))}
    assert found == set(names.split())


def test_bound() -> None:
    """What a function binds, but for what it says is not its own."""
    function = ast.parse("def f(a, /, b, *c, d, **e):\n nonlocal g\n g = 1\n h = 2").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert bound(function) == set("abcdeh")
