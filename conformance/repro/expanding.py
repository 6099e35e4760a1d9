"""A lifted body spelled out: the objects, the input, the lift, the call, and what to assert."""

import ast
import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.harness.transforms import STACKED, Form, Transform
from conformance.harness.twins import stack_inputs
from conformance.harness.verdicts import Observed
from conformance.repro.bundling import name_of
from conformance.repro.facts import Facts, Unspeakable, facts
from conformance.repro.recording import Recorded, Stage
from conformance.repro.scopes import global_names
from conformance.repro.sources import Imported, Target, source

PLAIN = "conformance.repro.plain"
_OUTSIDE = {
    "SimpleNamespace": Imported("from types import SimpleNamespace", "SimpleNamespace"),
    "jax": Imported("import jax", "jax"),
    "jnp": Imported("import jax.numpy as jnp", "jnp"),
    "np": Imported("import numpy as np", "np"),
    "nnx": Imported("from flax import nnx", "nnx"),
    "Mesh": Imported("from jax.sharding import Mesh", "Mesh"),
}
Prepared = Callable[[Target], ast.stmt]


def statements(text: str, **nodes: ast.expr) -> list[ast.stmt]:
    """Statements out of a template, whose names in capitals stand for `nodes`."""
    tree = ast.parse(text)
    return _Filled(nodes).visit(tree).body  # type: ignore[no-any-return]


def expression(text: str, **nodes: ast.expr) -> ast.expr:
    """The same for an expression."""
    [statement] = statements(text, **nodes)
    assert isinstance(statement, ast.Expr)
    return statement.value


class _Filled(ast.NodeTransformer):
    def __init__(self, nodes: dict[str, ast.expr]) -> None:
        self._nodes = nodes

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self._nodes:
            return copy.deepcopy(self._nodes[node.id])
        if node.id in _OUTSIDE:
            node.target = _OUTSIDE[node.id]  # type: ignore[attr-defined]
        elif node.id in vars(source(PLAIN).module) and isinstance(node.ctx, ast.Load):
            node.target = Target(PLAIN, node.id)  # type: ignore[attr-defined]
        return node


class Expander:
    """Spells out the stages of a case, each with names of its own."""

    def __init__(self, case: Recorded, prepared: Prepared, *, hands_on: bool) -> None:
        self._case, self._log, self._prepared = case, case.log, prepared
        self._setting = ", None" if hands_on else ""
        self._used: set[str] = set()

    def begin(self, names: set[str]) -> None:
        """Begins a function, which has these names."""
        self._used = names

    def expand(self, call: ast.Call, stage: Stage) -> tuple[list[ast.stmt], dict[str, ast.expr]]:
        """The statements that stand for a call of `holds` or `apply`, and what `apply` gives.

        Raises Unspeakable.
        """
        body, *makers = call.args
        objects = [self._fresh(f"object{index}") for index in range(stage.objects)]
        made = self._objects(makers, objects, stage)
        x, lifted = self._fresh("x"), self._fresh("lifted")
        made += statements(f"{x} = jnp.array({self._input(stage)})")
        made += statements(f"{lifted} = LIFTED", LIFTED=self._lifted(stage.transform, body))
        arguments = ", ".join((lifted, *objects, x))
        if self._case.style == "method":
            called = f"as_method({arguments})"
        else:
            called = f"{lifted}({', '.join((*objects, x))})"
        if not stage.mode:
            scene, again = self._fresh("scene"), self._fresh("call")
            listed = f"[{', '.join(objects)}]"
            made += statements(
                f"{scene} = SCENE.of({listed})\ndef {again}():\n    return {called}",
                SCENE=name_of(Target("conformance.harness.twins", "Scene")),
            )
            given = {"objects": listed, "scene": scene, "call": again}
            return made, {name: expression(text) for name, text in given.items()}
        read = {"READ": name_of(self._reader(stage.transform))}
        return made + statements(self._judged(stage, objects, called), **read), {}

    def _judged(self, stage: Stage, objects: Sequence[str], called: str) -> str:
        """The call, and what is asserted of it."""
        log = self._log
        said = Facts([], [])
        is_wrong = log.failing is stage and log.failure is not None
        is_wrong = is_wrong and log.failure.observed is Observed.WRONG_RESULT  # type: ignore[union-attr]
        is_wrong = is_wrong and bool(log.differing)  # and not what the lift itself found
        calls = f"{called}\n"
        if is_wrong:
            names = {f"object{index}": name for index, name in enumerate(objects)}
            output = self._fresh("output")
            read = self._read(stage.transform, output)
            if stage.calls == 1 and read is not None:
                names["output"] = output
            said = facts(log, names)
            if any(output in line for line in said.after):
                calls = f"{output} = {called}\n{read}"
        if stage.calls > 1:
            calls = f"for _ in range({stage.calls}):\n    {calls}"
        before, after = "\n".join((*said.before, "")), "\n".join((*said.after, ""))
        if stage.mode == "refused":
            return f"{before}refused(lambda: {called})\n{after}"
        if stage.mode == "done":
            return f"{before}{calls}{after}"
        tried = "".join(f"    {line}\n" for line in calls.splitlines())
        within = "".join(f"    {line}\n" for line in said.after) or "    pass\n"
        leak = "except jax.errors.UnexpectedTracerError:\n    raise\n"
        if is_wrong and log.unchanged:
            return f"{before}try:\n{tried}{leak}except REFUSALS:\n{within}"
        done = f"else:\n{within}" if said.after else ""
        return f"{before}try:\n{tried}{leak}except REFUSALS:\n    pass\n{done}"

    def _reader(self, transform: Transform) -> Target:
        """What makes of the outputs what is described."""
        return Target(transform.read.__module__, transform.read.__name__)

    def _read(self, transform: Transform, output: str) -> str | None:
        """A line for that, empty where the outputs are described as they are, or None."""
        if _is_as_given(transform):
            return ""
        target = self._reader(transform)
        is_named = "<" not in transform.read.__qualname__
        return f"{output} = READ({output})\n" if is_named and target else None

    def _objects(
        self, makers: Sequence[ast.expr], objects: Sequence[str], stage: Stage
    ) -> list[ast.stmt]:
        transform = stage.transform
        sizes = transform.sizes(self._case.backend.devices)
        elements = transform.elements(self._case.backend.devices)
        forms = [layer.form for layer in transform.layers]
        stacks = [size for layer, size in zip(transform.layers, sizes, strict=True)
                  if layer.form in STACKED]  # fmt: skip
        if not objects:
            return []
        targets = ", ".join(objects)
        each = {f"MAKE_{index}": maker for index, maker in enumerate(makers)}
        if any(isinstance(maker, ast.Starred) for maker in makers):
            every = ast.Tuple(list(makers), ast.Load())
            parts = f"[[make(element) for make in MAKERS] for element in range({elements})]"
            text = f"[{targets}] = {parts}[0]"
            if stacks:
                text = f"[{targets}] = {_stacking(forms, stacks)}*{parts})"
            return statements(text, MAKERS=every)
        if not stacks:
            return [
                statement
                for index, name in enumerate(objects)
                for statement in statements(f"{name} = MAKE_{index}(0)", **each)
            ]
        rows = [[f"MAKE_{index}({e})" for index in range(len(makers))] for e in range(elements)]
        parts = ", ".join(row[0] if len(row) == 1 else f"[{', '.join(row)}]" for row in rows)
        return statements(f"{targets} = {_stacking(forms, stacks)}{parts})", **each)

    def _input(self, stage: Stage) -> str:
        sizes = stage.transform.sizes(self._case.backend.devices)
        return str(np.asarray(stack_inputs(stage.transform, *sizes)).tolist())

    def _lifted(self, transform: Transform, body: ast.expr) -> ast.expr:
        if transform.nest:
            for layer in reversed(transform.nest):
                body = self._lifted(layer, body)
            return body
        lift: Any = transform.lift
        if lift.__name__ == "<lambda>":
            raise Unspeakable("a lift without a name")
        if "<locals>" in lift.__qualname__:
            return expression(f"{lift.__name__}(BODY, None)", BODY=body)
        target = Target(lift.__module__, lift.__name__)
        function = self._prepared(target)
        if isinstance(function, ast.FunctionDef) and isinstance(function.body[-1], ast.Return):
            steps = [s for s in function.body[:-1] if not isinstance(s, ast.Expr)]
            if not steps and function.body[-1].value is not None:
                return _inlined(function.body[-1].value, target.module, body)
        return expression(f"LIFT(BODY{self._setting})", LIFT=name_of(target), BODY=body)

    def _fresh(self, name: str) -> str:
        number, fresh = 2, name
        while fresh in self._used:
            fresh = f"{name}_{number}"
            number += 1
        self._used.add(fresh)
        return fresh


def _stacking(forms: Sequence[Form], stacks: Sequence[int]) -> str:
    if Form.SHARDED in forms:
        return "blocks("
    return f"stacked_twice({stacks[0]}, " if len(stacks) > 1 else "stacked("


def _is_as_given(transform: Transform) -> bool:
    """Whether the outputs are described just as the call gives them."""
    example: Any = object()
    try:
        return transform.read(example) is example
    except Exception:  # noqa: BLE001 - it takes something else than that
        return False


def _inlined(value: ast.expr, module: str, body: ast.expr) -> ast.expr:
    new = copy.deepcopy(value)
    for name in global_names(new):
        meaning = source(module).meaning(name.id)
        if not hasattr(name, "target") and meaning is not None:
            name.target = meaning  # type: ignore[attr-defined]
    return _Filled({"body": body}).visit(ast.Expression(new)).body  # type: ignore[no-any-return]
