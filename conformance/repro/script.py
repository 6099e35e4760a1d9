"""A script that shows how a case fails, and the proof that it does."""

import ast
import contextlib
import importlib
import platform
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from conformance import __version__
from conformance.harness.verdicts import Failure, Observed
from conformance.repro.bundling import bundle, name_of, plainly
from conformance.repro.facts import Unspeakable
from conformance.repro.folding import Branches
from conformance.repro.recording import Recorded
from conformance.repro.sources import Target, source
from conformance.repro.specialising import REPLACED, Specialiser
from conformance.repro.tables import Tables

LIMIT = 300  # seconds that a script may take
_COMPARED = 1000  # characters of what an error says in its first line
WIDTH = 88  # of the words at its head
_CASES = "conformance.harness.cases"


@dataclass(frozen=True)
class Outcome:
    """How a script ended."""

    code: int
    said: str  # the end of what it wrote to stderr

    @property
    def last_line(self) -> str:
        """The last line of that."""
        return (self.said.strip().splitlines() or [""])[-1]

    def shows(self, failure: Failure) -> bool:
        """Whether that is how the case failed."""
        if self.code != 1:
            return False
        lines = [line for line in self.said.splitlines() if line and not line.startswith(" ")]
        raised = [line for line in lines if re.match(r"[\w.]+(: |$)", line)]
        if failure.observed is not Observed.ERROR:
            names = ("AssertionError", "WrongResult", "NoError")
            return any(line.startswith(names) for line in raised)
        first = failure.message.partition("\n")[0].strip()
        named = any(re.match(rf"([\w.]+\.)?{failure.error}\b", line) for line in raised)
        return named and _lasting(first)[:_COMPARED] in _lasting(self.said)


def _lasting(text: str) -> str:
    """A text without addresses, what was made of them, and the modules that classes are of."""
    text = re.sub(r"\b(conformance[\w.]*|__main__)\.(?=\w)", "", text)
    return re.sub(r"0x[0-9a-f]+|[0-9]{6,}", "#", text)


def scripts(case: Recorded, module: str, test: str) -> Iterator[str]:
    """Scripts that may show how a case failed, the shortest first.

    The last one has all of the harness that the case needs, just as it is.
    """
    yield from case.log.scripts
    for hands_on in (False, True):
        with contextlib.suppress(Unspeakable, LookupError, ValueError, AssertionError):
            yield _written(case, *_short(case, module, test, hands_on=hands_on))
    yield _written(case, *_whole(case, module, test))


def run(script: str, environ: Mapping[str, str]) -> Outcome:
    """Runs a script in a process and an empty directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "repro.py"
        file.write_text(script, encoding="utf-8")
        try:
            ended = subprocess.run(
                [sys.executable, str(file)],
                cwd=folder,
                env=dict(environ),
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(-1, f"still running after {LIMIT} s")
    return Outcome(ended.returncode, ended.stderr)


def _short(case: Recorded, module: str, test: str, *, hands_on: bool) -> tuple[str, list[str]]:
    """The case with plain calls of Flax and JAX, where they stand."""
    main = ast.parse(f"case = setting = None\n{test}(case)" if hands_on else f"{test}()").body
    prepare = Specialiser(case, module, test, hands_on=hands_on)
    return bundle(main, module, prepare, REPLACED)


def _whole(case: Recorded, module: str, test: str) -> tuple[str, list[str]]:
    """The case as the suite runs it: `Case` and all that it needs."""
    claim, key = case.claim, case.key
    told = f"{claim.id!r}, {claim.sentence!r}, {claim.guide!r}, {claim.since!r}, (), (), {{}}"
    words = ", ".join(map(repr, vars(key).values()))
    text = (
        f"platform = {key.backend!r}\n"
        "backend = BACKEND(platform, tuple(JAX.devices(platform)))\n"
        f"case = CASE(CLAIM({told}), KEY({words}), LIFT, {key.style!r}, VARIANT, backend)\n"
        f"{test}(case)\n"
    )
    nodes = {
        "BACKEND": name_of(Target("conformance.harness.backends", "Backend")),
        "CASE": name_of(Target(_CASES, "Case")),
        "CLAIM": name_of(Target("conformance.harness.claims", "Claim")),
        "KEY": name_of(Target("conformance.harness.claims", "CaseKey")),
        "JAX": name_of(Target(_CASES, "jax")),
        "LIFT": _lift(case),
        "VARIANT": Tables(case, module, test).variant(),
    }
    main = ast.parse(text).body
    for statement in main:
        _Put(nodes).visit(statement)
    return bundle(main, module, _of_this_release)


def _lift(case: Recorded) -> ast.expr:
    if case.key.transform == "-":
        return ast.Constant(None)
    table = name_of(Target("conformance.harness.nesting", "LIFTS"))
    return ast.Subscript(table, ast.Constant(case.key.transform), ast.Load())


class _Put(ast.NodeTransformer):
    def __init__(self, nodes: Mapping[str, ast.expr]) -> None:
        self._nodes = nodes

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._nodes.get(node.id, node)


def _of_this_release(target: Target, node: ast.stmt) -> ast.stmt:
    """A definition as it is, with the spelling of the running release."""
    plain = plainly(target, node)
    made: ast.stmt = Branches().visit(_Spelled(vars(source(target.module).module)).visit(plain))
    return made


class _Spelled(ast.NodeTransformer):
    """Puts in the flags that say how the running release spells things."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._values.get(node.id)
        is_flag = isinstance(value, bool) and isinstance(node.ctx, ast.Load)
        return ast.Constant(value) if is_flag else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "at_least":
            [release] = node.args
            assert isinstance(release, ast.Constant)
            return ast.Constant(self._values["at_least"](release.value))
        return node


def _written(case: Recorded, text: str, imports: list[str]) -> str:
    settings = _settings(case, text)
    imports = _merged([*imports, *(["import os"] if settings else [])])
    plain = [line for line in imports if line.startswith("import ")]
    parts = [line for line in imports if not line.startswith("import ")]
    own = [line for line in plain if _is_standard(line)] + [x for x in parts if _is_standard(x)]
    others = [x for x in plain if x not in own] + [x for x in parts if x not in own]
    head = [*own, "", *settings, *([""] if settings else []), *others]
    return formatted(
        f'"""{_words(case)}\n"""\n\n' + "\n".join(head).strip() + "\n\n\n" + text + "\n"
    )


def _merged(imports: list[str]) -> list[str]:
    """One statement for all that comes from one module."""
    names: dict[str, list[str]] = {}
    for line in sorted(imports):
        module, _, name = line.partition(" import ")
        names.setdefault(module, []).append(name)
    return [f"{m} import {', '.join(n)}" if all(n) else m for m, n in sorted(names.items())]


def _is_standard(line: str) -> bool:
    return line.split()[1].partition(".")[0] in sys.stdlib_module_names


def _settings(case: Recorded, text: str) -> list[str]:
    lines = []
    devices = len(case.backend.devices)
    if "devices(" in text and case.backend.name == "cpu" and devices > 1:
        flag = f"--xla_force_host_platform_device_count={devices}"
        lines.append(f'os.environ["XLA_FLAGS"] = "{flag}"')
    if jax.default_backend() != case.backend.name:
        lines.append(f'os.environ["JAX_PLATFORMS"] = "{case.backend.name}"')
    return lines


def _words(case: Recorded) -> str:
    """What the script shows, of which subject."""
    failure = case.log.failure
    assert failure is not None
    found = failure.message.splitlines() or [""]
    shown = [line[:300] for line in found[:6]]
    if failure.observed is Observed.ERROR:
        shown[0] = f"{failure.error}: {shown[0]}"
    packages = {name: metadata.version(name) for name in ("flax", "jax", "jaxlib")}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    lines = [
        *textwrap.wrap(case.claim.sentence, WIDTH),
        "",
        f"Guide: {case.claim.guide}",
        *_promised(case),
        f"Found: {shown[0]}",
        *(f"       {line}" for line in shown[1:]),
        f"With {versions}, Python {platform.python_version()}, on {case.key.backend}",
        "",
        f"Case {case.key} of nnx-conformance {__version__}",
    ]
    return "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")


def _promised(case: Recorded) -> list[str]:
    """What the transform owes the body, where that is not to do what plain Python does."""
    mode = case.log.failing.mode if case.log.failing else ""
    refusal = "an error that refuses this, and the objects as they were before"
    if mode == "refused":
        return [f"Expected: {refusal}"]
    return [f"Expected: what plain Python does, or {refusal}"] if mode == "done_or_refused" else []


def formatted(text: str) -> str:
    """The script as ruff formats it, where that is installed."""
    try:
        ruff = importlib.import_module("ruff").find_ruff_bin()
    except (ImportError, AttributeError, FileNotFoundError):
        return text
    command = [ruff, "format", "--isolated", "--line-length", "100", "-"]
    ended = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return ended.stdout if ended.returncode == 0 else text
