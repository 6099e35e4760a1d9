"""mutants.operators: what can be done to a small function, and to what nothing can be."""

import pytest

from tools.mutants.operators import compiles, mutations

HEAD = "def f(a, b, c):\n    "


def bodies(body: str) -> dict[str, list[str]]:
    """What each operator makes of the body of a function, in the order of places."""
    source = (HEAD + body).encode()
    found: dict[str, list[str]] = {}
    for mutation in mutations(source):
        text = mutation.apply(source).decode().removeprefix(HEAD)
        found.setdefault(mutation.operator, []).append(text)
    return found


@pytest.mark.parametrize(
    ("body", "operator", "expected"),
    [
        ("g(a == b)", "comparison", ["g(a != b)"]),
        ("g(a is not b)", "comparison", ["g(a is b)"]),
        ("g(a not  in b)", "comparison", ["g(a in b)"]),
        ("g((a) < (b))", "comparison", ["g((a) <= (b))"]),
        ("g(a < b <= c)", "comparison", ["g(a <= b <= c)", "g(a < b < c)"]),
        ("g(a and b)", "boolean", ["g(True and b)", "g(a or b)", "g(a and True)"]),
        ("g(a or b or c)", "boolean", [
            "g(False or b or c)", "g(a or False or c)", "g(a or b or False)",
        ]),
        ("g(not a)", "condition", ["g((a))"]),
        ("if a: g()", "condition", [
            "if (not (a)): g()", "if False: g()", "if True: g()",
        ]),
        ("if not a: g()", "condition", ["if (a): g()", "if False: g()", "if True: g()"]),
        ("if a == b: g()", "condition", ["if False: g()", "if True: g()"]),
        ("g(a if b else c)", "condition", ["g(a if False else c)", "g(a if True else c)"]),
        ("while a: g()", "condition", ["while False: g()"]),
        ("g([x for x in a if b])", "condition", [
            "g([x for x in a if True])", "g([x for x in a if (not (b))])",
        ]),
        ("for x in a: g()", "loop", ["for x in (): g()"]),
        ("a.b(c)", "statement", ["pass"]),
        ("a.b = c", "statement", ["pass"]),
        ("a = c", "statement", ["pass"]),
        ("d = a; d = b", "statement", ["d = a; pass"]),
        ("a += b", "statement", ["pass"]),
        ("a += b", "arithmetic", ["a -= b"]),
        ("del a[b]", "statement", ["pass"]),
        ("raise a(b == c)", "statement", ["pass"]),
        ("return a", "return", ["return None"]),
        ("g(True)", "constant", ["g(False)"]),
        ("g(0)", "constant", ["g(1)"]),
        ("g(a + b)", "arithmetic", ["g(a - b)"]),
        ("g((a, b))", "element", ["g((b,))", "g((a,))"]),
        ("for x in a, b: g()", "element", ["for x in (b,): g()", "for x in (a,): g()"]),
        ("g([a, b, c])", "element", ["g([b, c])", "g([a, c])", "g([a, b])"]),
        ("g(a, b=b, **c)", "argument", ["g(a, **c)"]),
        ("g(b=b)", "argument", ["g()"]),
        ("(g)(a, b=b,)", "argument", ["(g)(a)"]),
        ("@a(b)\n    def g(): pass", "decorator", ["\n    def g(): pass"]),
    ],
)  # fmt: skip
def test_mutations(body: str, operator: str, expected: list[str]) -> None:
    """Each operator replaces just what it is about."""
    assert sorted(bodies(body)[operator]) == sorted(expected)


@pytest.mark.parametrize(
    "body",
    [
        "'''text'''",
        "d = a",  # without it there is no name
        "d: int = a",
        "assert a == b",
        "return",
        "return None",
        "d: tuple[True, 0] = a",
        "d = f'{a == b}'",
        "d = 'x' + a",
        "(d, e) = (a, b)",
        "def g(x: int = a) -> bool: pass",
        "d = a[b:c]",
    ],
)
def test_left_alone(body: str) -> None:
    """Annotations, assertions, text and what only breaks Python's own rules are left alone."""
    assert bodies(body) == {}


def test_outside_functions() -> None:
    """What runs when a module is imported is left alone; methods are functions."""
    source = b"x = 1 == 2\nclass A:\n    y = True\n    def f(self):\n        return self.y\n"
    found = mutations(source)
    assert [(mutation.function, mutation.line, mutation.column) for mutation in found] == [
        ("A.f", 5, 15)
    ]


def test_lines() -> None:
    """A mutation is run through by whoever runs its statement, without the statement's body."""
    source = b"def f(a):\n    if (a and\n        a.b):\n        g(\n            a.c == 1)\n"
    lines = {m.operator: (m.first, m.last) for m in mutations(source)}
    assert lines["boolean"] == (2, 3)
    assert lines["comparison"] == lines["statement"] == (4, 5)


def test_bytes() -> None:
    """A place is counted in bytes, as Python counts it."""
    source = "def f(ä):\n    g('ö', ä == 1)\n".encode()
    [found] = [m for m in mutations(source) if m.operator == "comparison"]
    assert found.apply(source).decode() == "def f(ä):\n    g('ö', ä != 1)\n"


def test_compiles() -> None:
    """A replacement that makes no Python is told from those that do."""
    source = b"def f(a):\n    g((a), b=(a))\n"
    found = mutations(source)
    assert all(compiles(mutation, source) for mutation in found)
    broken = found[0].__class__(**vars(found[0]) | {"text": b"("})
    assert not compiles(broken, source)
