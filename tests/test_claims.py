"""claims: the registry, and what every claim of the suite owes, read from its own source."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import conformance
from conformance.harness.claims import REGISTRY, STYLES, CaseKey, Claim, Registry, claim
from conformance.harness.nesting import LIFTS
from conformance.harness.subject import FLOOR, releases

PACKAGE = Path(conformance.__file__).parent
HARNESS = PACKAGE / "harness"
SECTIONS = sorted({path.parent for path in PACKAGE.glob("*/test_*.py")})
SOURCES = sorted(path for section in SECTIONS for path in section.glob("*.py"))

RESULT = Claim("section/name", "It is kept.", "Guide", "0.10.0", (), (), {})


def in_package(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


# The registry


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setattr(REGISTRY, "claims", {})
    return REGISTRY


def test_claim(registry: Registry) -> None:
    """The decorator gives its test a claim, whose sentence is the docstring's first paragraph."""

    @claim("section/name", guide="Guide", across=("jit",), styles=STYLES, variants=("a", "b"))
    def test_name(case: Any) -> None:
        """It is kept,
        over two lines.

        The rest is for readers of the source.
        """

    expected = Claim(
        "section/name",
        "It is kept, over two lines.",
        "Guide",
        "0.10.0",
        ("jit",),
        STYLES,
        {"a": "a", "b": "b"},
    )

    assert test_name.claim == expected  # type: ignore[attr-defined]
    assert registry.claims == {"section/name": expected}
    assert expected.section == "section"


def test_variants_by_label(registry: Registry) -> None:
    """Variants may have values of their own beside their labels."""

    @claim("section/name", guide="Guide", variants={"a": 1})
    def test_name(case: Any) -> None:
        """It is kept."""

    assert registry.claims["section/name"].variants == {"a": 1}


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ({"id": "name"}, "claim id 'name' is not of the form section/name"),
        ({"id": "Section/name"}, "claim id 'Section/name' is not of the form section/name"),
        ({"id": "section/a_b"}, "claim id 'section/a_b' is not of the form section/name"),
        ({"id": "section/a/b"}, "claim id 'section/a/b' is not of the form section/name"),
        ({"sentence": "Another."}, "claim section/name has two tests"),
        (
            {"id": "section/mute", "sentence": ""},
            "claim section/mute has no sentence: its test needs a docstring",
        ),
    ],
)
def test_refused(refused: dict[str, str], message: str) -> None:
    """An ill-formed id, a second test for a claim and a claim without a sentence are refused."""
    registry = Registry()
    registry.add(RESULT)

    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        registry.add(Claim(**(vars(RESULT) | refused)))


def test_case_key() -> None:
    """A case is named by its claim and its parameters, never by a file."""
    key = CaseKey("section/name", "vmap", "method", "-", "cpu", "default")

    assert str(key) == "section/name[vmap,method,-,cpu,default]"


# The claims of the suite


def all_claims(sections: dict[str, list[Any]]) -> Iterator[tuple[str, Any, Claim]]:
    for file, functions in sections.items():
        for function in functions:
            yield file, function, function.claim


def test_every_test_is_a_claim(sections: dict[str, list[Any]]) -> None:
    """A section holds nothing but claims."""
    assert [
        (file, function.__name__)
        for file, functions in sections.items()
        for function in functions
        if not hasattr(function, "claim")
    ] == []


def test_ids_are_unique(sections: dict[str, list[Any]]) -> None:
    """A claim has one test."""
    counts = Counter(found.id for _, _, found in all_claims(sections))

    assert [name for name, count in counts.items() if count > 1] == []


def test_claims_are_whole(sections: dict[str, list[Any]]) -> None:
    """A claim has the section of its folder, a sentence, the guide's section, and a known since."""
    known = {str(release.version) for release in releases()}
    incomplete = [
        found.id
        for file, _, found in all_claims(sections)
        if found.section != Path(file).parent.name
        or not re.fullmatch(r"[A-Z`].*\.", found.sentence)
        or not found.guide.strip()
        or found.since not in known
    ]

    assert incomplete == []


def test_claims_are_crossed_with_what_exists(sections: dict[str, list[Any]]) -> None:
    """Transforms and styles are of the tables; a claim without a transform has no style."""
    assert [
        found.id
        for _, _, found in all_claims(sections)
        if not set(found.across) <= set(LIFTS)
        or not set(found.styles) <= set(STYLES)
        or len(set(found.across)) != len(found.across)
    ] == []


def test_tests_are_named_after_their_claims(sections: dict[str, list[Any]]) -> None:
    """Who reads a claim's id knows its test."""
    assert [
        (found.id, function.__name__)
        for _, function, found in all_claims(sections)
        if function.__name__ != "test_" + found.id.partition("/")[2].replace("-", "_")
    ] == []


def test_case_keys_are_unique(sections: dict[str, list[Any]]) -> None:
    """No two variants of a claim read the same in a case's id, nor like another parameter."""
    taken = {*LIFTS, *STYLES, "cpu", "gpu", "tpu", "-"}

    assert [
        (found.id, label)
        for _, _, found in all_claims(sections)
        for label in found.variants
        if label in taken or not re.fullmatch(r"[A-Za-z0-9_.]+(-[A-Za-z0-9_.]+)*", label)
    ] == []


# What a claim's source may not hold


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name, attribute and import of a file, dotted as it is written, by line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, f"import {alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"import {node.module}.{a.name}") for a in node.names)


FORBIDDEN = {
    "version": r".*(__version__|at_least|version_of|metadata\.version|packaging).*",
    "signature": r"(import )?inspect\b.*",
    "skip": r"(import )?pytest\b.*|.*\bunittest\b.*",
    "backend": r".*\b(platform|default_backend|backend\.name|jax\.devices|local_devices)\b.*",
    "environment": r"(import )?os\b.*|.*\bgetenv\b.*",
}


@pytest.mark.parametrize("pattern", FORBIDDEN.values(), ids=FORBIDDEN)
def test_sections_do_not_ask(pattern: str) -> None:
    """No claim asks for a version, a signature, a backend or an environment, none can skip."""
    found = [
        f"{in_package(path)}:{line}: {name}"
        for path in SOURCES
        for line, name in names(ast.parse(path.read_text()))
        if re.fullmatch(pattern, name)
    ]

    assert found == []


def test_sections_do_not_probe() -> None:
    """No claim asks whether Flax or JAX has something: what vanishes is to be a failure."""
    found = [
        f"{in_package(path)}:{node.lineno}: {ast.unparse(node)}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and re.match(r"(has|get|set|del)attr\((nnx|flax|jax)\b", ast.unparse(node))
    ]

    assert found == []


def test_sections_name_no_backend() -> None:
    """No claim knows the name of a backend."""
    found = [
        f"{in_package(path)}:{node.lineno}: {node.value}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in ("cpu", "gpu", "cuda", "rocm", "tpu")
    ]

    assert found == []


def test_sections_do_not_try() -> None:
    """A claim catches no error: whether there is one is what it tests."""
    found = [
        f"{in_package(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Try | ast.TryStar)
        or (isinstance(node, ast.Attribute) and node.attr == "suppress")
    ]

    assert found == []


# Arrows that must not be


def test_harness_imports_no_section() -> None:
    """The harness knows of no section."""
    sections = {section.name for section in SECTIONS}
    found = [
        f"{path.name}:{line}: {name}"
        for path in HARNESS.glob("*.py")
        for line, name in names(ast.parse(path.read_text()))
        if name.startswith("import conformance.")
        and name.split(".")[1] in {*sections, "models", "building_blocks"}
    ]

    assert found == []


def test_command_needs_no_jax() -> None:
    """The command works where neither JAX nor Flax can be imported."""
    nowhere = "import sys; sys.modules.update(jax=None, flax=None, chex=None); "
    tried = subprocess.run(
        [
            sys.executable,
            "-c",
            nowhere + "import conformance.command, conformance.report.baselines",
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (tried.returncode, tried.stderr) == (0, "")


def test_who_asks_for_versions() -> None:
    """Spelling and the subject ask for versions; a crossing, for what is not applicable."""
    asking = {
        path.stem
        for path in [*HARNESS.glob("*.py"), *PACKAGE.glob("*.py")]
        for _, name in names(ast.parse(path.read_text()))
        if name in ("at_least", "version_of", "import importlib.metadata")
    }

    assert asking == {"spelling", "subject", "crossing"}


def test_who_probes() -> None:
    """No room of the harness that speaks to Flax asks for an attribute of it."""
    found = [
        f"{path.name}:{line}"
        for path in HARNESS.glob("*.py")
        if path.stem not in ("failures", "plugin", "session", "subject")
        for line, name in names(ast.parse(path.read_text()))
        if name == "hasattr"
    ]

    assert found == []


@pytest.mark.parametrize("variant", ["-", "axis-1", "a,b [c]"])
def test_key_is_read_back(variant: str) -> None:
    """A case's key can be read from its text, whatever the variant is called."""
    key = CaseKey("section/name", "jit", "method", variant, "cpu", "x=1+y=0")

    assert CaseKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "room", ["plugin", "environment", "subject", "claims", "verdicts", "deviations", "summary"]
)
def test_rooms_before_jax(room: str) -> None:
    """What is needed before JAX may be imported imports neither JAX nor Flax by itself."""
    tree = ast.parse((HARNESS / f"{room}.py").read_text())
    imported = {name.split(".")[0] for _, name in names(tree) if name.startswith("import ")}

    assert imported.isdisjoint({"import jax", "import flax", "import chex"})


def test_floor() -> None:
    """The table of releases starts with the first that has the guide, oldest first."""
    versions = [release.version for release in releases()]

    assert versions[0] == FLOOR
    assert versions == sorted(set(versions))
