"""cases: a correct subject is held to keep its claim, and each broken one is found to break it.

The subjects here are nnx transforms broken on purpose, each in the way that its name says.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES
from conformance.harness.transforms import Edit
from conformance.harness.twins import Scene
from conformance.harness.verdicts import ClaimBroken, NoError, SuiteError, WrongResult
from conformance.models import Block, Layer

MakeCase = Callable[..., Case]
Lifted = Callable[..., Any]


# Bodies: a use of a block, with an edit of each kind


def use(block: Block, x: jax.Array) -> jax.Array:
    return block(x)


def relabel(block: Block, x: jax.Array) -> jax.Array:
    block.first.label = "used"
    return block(x)


def share(block: Block, x: jax.Array) -> jax.Array:
    block.second.kernel = block.first.kernel
    return block(x)


def add(block: Block, x: jax.Array) -> jax.Array:
    block.extra = nnx.Param(x)
    return block(x)


BODIES = {Edit.VALUE: use, Edit.STATIC: relabel, Edit.REWIRE: share, Edit.RESIZE: add}


# A correct subject

KEPT = [
    *((name, edit) for name in ("jit", "vmap", "remat", "cond") for edit in BODIES),
    *((name, Edit.VALUE) for name in ("scan", "grad", "value_and_grad", "pmap")),
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("name", "edit"), KEPT)
def test_holds(name: str, edit: Edit, style: str, make_case: MakeCase) -> None:
    """A transform that does as plain Python does keeps the claim."""
    case = make_case(name, style)

    case.holds(BODIES[edit], Block, edit=edit)

    assert case.notes == {"answer": "done"}


def test_holds_over_calls(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several calls are judged as one after the other: what starts afresh each time is found."""
    make_case().holds(use, Block, calls=2)
    true_jit = nnx.jit

    def forgetful_jit(body: Lifted) -> Lifted:
        lifted, fresh = true_jit(body), Block()

        def call(block: Block, x: jax.Array) -> Any:
            nnx.update(block, nnx.state(nnx.clone(fresh)))
            return lifted(block, x)

        return call

    monkeypatch.setattr(nnx, "jit", forgetful_jit)
    make_case().holds(use, Block)
    with pytest.raises(WrongResult, match=r"count: expected .* 2, found .* 1"):
        make_case().holds(use, Block, calls=2)


# Broken subjects: each takes the true transform's call and spoils it


def loses_updates(call: Lifted, block: Block, x: jax.Array) -> Any:
    return call(nnx.clone(block), x)


def loses_values(call: Lifted, block: Block, x: jax.Array) -> Any:
    kept = np.asarray(spelling.read(block.first.count))
    y = call(block, x)
    spelling.write(block.first.count, jnp.asarray(kept))
    return y


def updates_twice(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    spelling.add(block.second.count, 1)
    return y


def rounds_values(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    spelling.write(block.first.kernel, spelling.read(block.first.kernel) + 0.001)
    return y


def changes_a_dtype(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    spelling.write(block.first.count, spelling.read(block.first.count).astype(np.float32))
    return y


def changes_a_type(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    block.first.count = nnx.Param(spelling.read(block.first.count))
    return y


def replaces_a_variable(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    kernel = block.first.kernel
    block.first.kernel = type(kernel)(spelling.read(kernel))
    return y


def replaces_a_module(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    block.first = nnx.clone(block.first)
    return y


def duplicates_an_alias(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    kernel = block.second.kernel
    block.second.kernel = type(kernel)(spelling.read(kernel))
    return y


def makes_an_alias(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    block.second = block.first
    return y


def tracer() -> jax.Array:
    """A tracer of a trace that is over."""
    kept: list[jax.Array] = []
    jax.jit(kept.append)(np.zeros(3, np.float32))
    return kept[0]


def leaves_a_tracer(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    spelling.write(block.first.kernel, tracer())
    return y


def deletes_an_array(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    array = jnp.array(spelling.read(block.first.kernel))
    spelling.write(block.first.kernel, array)
    array.delete()
    return y


def adds_an_attribute(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    block.surprise = 1
    return y


def loses_an_attribute(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    del block.first.label
    return y


def restores_a_static(call: Lifted, block: Block, x: jax.Array) -> Any:
    y = call(block, x)
    block.first.label = "new"
    return y


def gives_another_output(call: Lifted, block: Block, x: jax.Array) -> Any:
    return jax.tree.map(lambda leaf: leaf + 1, call(block, x))


def gives_an_output_too_many(call: Lifted, block: Block, x: jax.Array) -> Any:
    return call(block, x), 0


def gives_no_output(call: Lifted, block: Block, x: jax.Array) -> None:
    call(block, x)


FAULTS = {
    loses_updates: (Edit.VALUE, "object0.first.count: expected Count"),
    loses_values: (Edit.VALUE, "object0.first.count: expected Count"),
    updates_twice: (Edit.VALUE, "object0.second.count: expected Count"),
    rounds_values: (Edit.VALUE, "object0.first.kernel: expected Param"),
    changes_a_dtype: (Edit.VALUE, "found Count float32"),
    changes_a_type: (Edit.VALUE, "found Param int32"),
    replaces_a_variable: (
        Edit.VALUE,
        "held object0.first.kernel: expected same object as object0.first.kernel, found Param",
    ),
    replaces_a_module: (
        Edit.VALUE,
        "held object0.first: expected same object as object0.first, found Layer",
    ),
    duplicates_an_alias: (
        Edit.REWIRE,
        "object0.second.kernel: expected same object as object0.first.kernel, found Param",
    ),
    makes_an_alias: (
        Edit.VALUE,
        "object0.second: expected Layer, found same object as object0.first",
    ),
    leaves_a_tracer: (Edit.VALUE, "found Param of tracer float32"),
    deletes_an_array: (Edit.VALUE, "found Param of deleted array"),
    adds_an_attribute: (Edit.VALUE, "object0.surprise: expected nothing, found static 1"),
    loses_an_attribute: (Edit.VALUE, "object0.first.label: expected static 'new', found nothing"),
    restores_a_static: (
        Edit.STATIC,
        "object0.first.label: expected static 'used', found static 'new'",
    ),
    gives_another_output: (Edit.VALUE, "output: expected array float32"),
    gives_an_output_too_many: (Edit.VALUE, "output: expected array float32"),
    gives_no_output: (Edit.VALUE, "found static None"),
}


def breaks(name: str, fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Spoils nnx.<name> as `fault` says."""
    real = getattr(nnx, name)

    def broken(function: Any, **options: Any) -> Lifted:
        lifted = real(function, **options)
        return lambda *arguments: fault(lifted, *arguments)

    monkeypatch.setattr(nnx, name, broken)


@pytest.mark.parametrize(("name", "style"), [("jit", "function"), ("vmap", "method")])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_fault_is_found(
    fault: Callable[..., Any],
    name: str,
    style: str,
    make_case: MakeCase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A subject that leaves anything but what plain Python leaves breaks the claim, and where."""
    edit, message = FAULTS[fault]
    breaks(name, fault, monkeypatch)

    with pytest.raises(WrongResult) as caught:
        make_case(name, style).holds(BODIES[edit], Block, edit=edit)

    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["grad", "value_and_grad"])
def test_wrong_gradient(name: str, make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gradient that JAX does not give breaks the claim."""

    def doubles(call: Lifted, block: Block, x: jax.Array) -> Any:
        return jax.tree.map(lambda leaf: leaf * 2, call(block, x))

    breaks(name, doubles, monkeypatch)

    with pytest.raises(WrongResult, match=r"output.gradients.*kernel"):
        make_case(name).holds(use, Block)


def test_another_device(make_case: MakeCase, cpu: Any) -> None:
    """What is computed elsewhere breaks the claim, however right it is."""
    elsewhere = make_case(backend=replace(cpu, name="elsewhere"))

    with pytest.raises(WrongResult) as caught:
        elsewhere.holds(use, Block)

    assert "found Count of array on cpu instead of elsewhere" in str(caught.value)
    with pytest.raises(WrongResult, match="array on cpu instead of elsewhere"):
        elsewhere.equal({"y": jnp.asarray(np.ones(1))}, {"y": np.ones(1, np.float32)})


# Errors where there should be none


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError, NotImplementedError])
def test_crash(
    error: type[Exception], make_case: MakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the edit must be done, whatever is raised instead is the failure."""

    def crashes(call: Lifted, *arguments: Any) -> Any:
        raise error("on purpose")

    breaks("jit", crashes, monkeypatch)

    with pytest.raises(error, match="on purpose"):
        make_case().holds(use, Block)


def test_body_that_plain_python_cannot_run(make_case: MakeCase) -> None:
    """A body that works under a transform only is an error of the suite, not of the subject."""

    def only_traced(block: Block, x: jax.Array) -> Any:
        return x.no_such_attribute

    with pytest.raises(SuiteError, match="no_such_attribute"):
        make_case().holds(only_traced, Block)


# Refusals: a loop cannot take another structure


def accepts(monkeypatch: pytest.MonkeyPatch, change: Any = None) -> None:
    """Makes while_loop accept everything, and `change` the caller's block."""

    def loop(*arguments: Any, **options: Any) -> Any:
        value = arguments[-1]
        if change:
            change(value[0])
        return value

    monkeypatch.setattr(nnx, "while_loop", loop)


def refuses(monkeypatch: pytest.MonkeyPatch, change: Any = None, error: Any = ValueError) -> None:
    """Makes while_loop refuse everything, having made `change` to the caller's block."""

    def loop(*arguments: Any, **options: Any) -> Any:
        if change:
            change(arguments[-1][0])
        raise error("Structure does not match")

    monkeypatch.setattr(nnx, "while_loop", loop)


def relabels(block: Block) -> None:
    block.first.label = "touched"


@pytest.fixture
def loop_case(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case of while_loop, also where the running Flax has none: each test brings its own."""
    monkeypatch.setattr(nnx, "while_loop", None, raising=False)
    return make_case("while_loop")


def test_refused(loop_case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit that is not permitted is to be refused."""
    refuses(monkeypatch)

    loop_case.holds(add, Block, edit=Edit.RESIZE)

    assert loop_case.notes == {"answer": "refused"}


def test_swallowed_error(loop_case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is accepted, the claim is broken for want of an error."""
    accepts(monkeypatch)

    with pytest.raises(NoError, match="expected an error, found none; nothing changed"):
        loop_case.holds(add, Block, edit=Edit.RESIZE)


def test_swallowed_error_and_a_change(loop_case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it changed, too, is said."""
    accepts(monkeypatch, relabels)

    with pytest.raises(NoError, match=r"object0.first.label: .*'new', found static 'touched'"):
        loop_case.holds(add, Block, edit=Edit.RESIZE)


@pytest.mark.parametrize("edit", [Edit.RESIZE, Edit.REWIRE, Edit.STATIC])
def test_changed_although_refused(
    edit: Edit, loop_case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal leaves the caller's objects alone."""
    refuses(monkeypatch, relabels)

    with pytest.raises(WrongResult, match="found static 'touched'") as caught:
        loop_case.holds(BODIES[edit], Block, edit=edit)

    assert caught.value.__notes__ == ["after ValueError: Structure does not match"]


@pytest.mark.parametrize("edit", [Edit.RESIZE, Edit.REWIRE])
@pytest.mark.parametrize("error", [AttributeError, KeyError, jax.errors.UnexpectedTracerError])
def test_crash_is_no_refusal(
    error: type[Exception], edit: Edit, loop_case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An accident, a leaked tracer above all, refuses nothing."""
    refuses(monkeypatch, error=error)

    with pytest.raises(error):
        loop_case.holds(BODIES[edit], Block, edit=edit)


def test_done_or_refused(loop_case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the answer is free, a refusal will do: which it was is noted."""
    refuses(monkeypatch)

    loop_case.holds(share, Block, edit=Edit.REWIRE)

    assert loop_case.notes == {"answer": "refused"}


def test_done_wrongly(loop_case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """But what is accepted must be done as plain Python does it."""
    accepts(monkeypatch)

    with pytest.raises(WrongResult, match=r"object0\.second\.kernel: expected same object as"):
        loop_case.holds(share, Block, edit=Edit.REWIRE)


# `refuses` by itself


def raises(error: Exception) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


def test_refuses_gives_the_error(make_case: MakeCase) -> None:
    """The refusal is given to the claim, which may look at more of it."""
    error = ValueError("The STRUCTURE differs: 1 != 2")

    assert make_case().refuses(raises(error), Scene.of([]), match="structure differs") is error


def test_refuses_with_another_message(make_case: MakeCase) -> None:
    """A refusal for another reason is not the one that was promised."""
    with pytest.raises(ValueError, match="unrelated") as caught:
        make_case().refuses(raises(ValueError("unrelated")), Scene.of([]), match="structure")

    assert caught.value.__notes__ == ["expected a refusal with a message like 'structure'"]
    assert not isinstance(caught.value, ClaimBroken)


# What else a claim may ask of a call

JUDGES: dict[str, Callable[[Case, Callable[[], Any], Scene], object]] = {
    "refuses": lambda case, call, scene: case.refuses(call, scene),
    "leaves_no_tracer": lambda case, call, scene: case.leaves_no_tracer(call, scene),
    "fails_with": lambda case, call, scene: case.fails_with(call, scene, ValueError),
    "done_or_refused": lambda case, call, scene: case.done_or_refused(call, scene, print),
}


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
def test_an_error_must_leave_the_scene(judge: Any, make_case: MakeCase) -> None:
    """Whoever accepts an error accepts it only if the caller's objects are as before."""
    block = Block()

    def spoils() -> None:
        relabels(block)
        raise ValueError("too late")

    judge(make_case(), raises(ValueError("no")), Scene.of([block]))
    with pytest.raises(WrongResult, match=r"object0\.first\.label"):
        judge(make_case(), spoils, Scene.of([block]))


def test_leaves_no_tracer(make_case: MakeCase) -> None:
    """A tracer that can be reached afterwards breaks the claim; other changes do not."""
    block = Block()
    case = make_case()

    case.leaves_no_tracer(lambda: relabels(block), Scene.of([block]))
    assert case.notes == {"answer": "kept"}
    with pytest.raises(WrongResult, match=r"^object0.leak: found tracer float32\[3\]$"):
        case.leaves_no_tracer(lambda: setattr(block, "leak", tracer()), Scene.of([block]))


def test_fails_with(make_case: MakeCase) -> None:
    """What the body raises must come out: nothing else will do, and silence least of all."""
    scene = Scene.of([])

    with pytest.raises(KeyError):
        make_case().fails_with(raises(KeyError("another")), scene, ZeroDivisionError)
    with pytest.raises(NoError, match="raised ZeroDivisionError, the call did not"):
        make_case().fails_with(lambda: None, scene, ZeroDivisionError)


def test_done_or_refused_is_judged_where_done(make_case: MakeCase) -> None:
    """Where the call is done, the claim judges what came out."""
    judged: list[str] = []

    make_case().done_or_refused(lambda: "y", Scene.of([]), judged.append)

    assert judged == ["y"]


@pytest.mark.parametrize("name", ["refuses", "done_or_refused"])
def test_a_leaked_tracer_refuses_nothing(name: str, make_case: MakeCase) -> None:
    """UnexpectedTracerError is a TypeError, but nobody raised it to refuse anything."""
    with pytest.raises(jax.errors.UnexpectedTracerError):
        JUDGES[name](make_case(), raises(jax.errors.UnexpectedTracerError("x")), Scene.of([]))


MAY_BE_REFUSED = ("refuses", "done_or_refused", "leaves_no_tracer")


@pytest.mark.parametrize("name", MAY_BE_REFUSED)
def test_an_accident_of_the_suite_refuses_nothing(
    name: str, loop_case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A TypeError out of the suite's own frame says that it got nonsense, here a loop's None."""
    monkeypatch.setattr(nnx, "while_loop", lambda *arguments: None)
    applied = loop_case.apply(add, Block, edit=Edit.RESIZE)

    with pytest.raises(TypeError, match="'NoneType' object is not subscriptable"):
        JUDGES[name](loop_case, applied.call, applied.scene)


@pytest.mark.parametrize("name", MAY_BE_REFUSED)
def test_an_error_of_jax_in_a_body_is_a_refusal(name: str, make_case: MakeCase) -> None:
    """What JAX raises deep in its own code refuses, whoever called it."""
    variable = nnx.Param(jnp.zeros(2))

    JUDGES[name](make_case(), lambda: spelling.add(variable, jnp.zeros(3)), Scene.of([]))


# Calls


@pytest.mark.parametrize("style", STYLES)
def test_call(style: str, make_case: MakeCase) -> None:
    """As a function it gets its arguments, as a method the first of them is its instance."""
    layer = Layer()
    seen: list[Any] = []

    class Lift:
        def __call__(self, *arguments: Any) -> str:
            seen.extend(arguments)
            return "y"

        def __get__(self, instance: Any, owner: type) -> Any:
            return lambda *rest: self("bound", instance, *rest)

    assert make_case(style=style).call(Lift(), layer, 1) == "y"
    assert seen == ([layer, 1] if style == "function" else ["bound", layer, 1])
    assert not hasattr(layer, "transformed")


def test_no_method_is_left_behind(make_case: MakeCase) -> None:
    """The class is as it was, also after an error."""
    with pytest.raises(ZeroDivisionError):
        make_case(style="method").call(lambda self: 1 / 0, layer := Layer())

    assert not hasattr(layer, "transformed")


def test_equal(make_case: MakeCase) -> None:
    """Any named values can be held against others."""
    case = make_case()
    one, two = (jnp.asarray(np.array(value, np.float32)) for value in (1, 2))

    case.equal({"x": one, "label": "a"}, {"x": one, "label": "a"})
    with pytest.raises(WrongResult, match=r"^x: expected array float32\[\] 2\., found .* 1\.$"):
        case.equal({"x": one}, {"x": two})


def test_decorate(make_case: MakeCase, cpu: Any) -> None:
    """The transform's own options reach it, and pmap is given this backend's devices."""
    doubled = make_case("vmap").decorate(lambda x: x * 2, in_axes=1, out_axes=0)
    x = jnp.asarray(np.arange(6, dtype=np.float32).reshape(2, 3))

    assert doubled(x).shape == (3, 2)
    assert make_case("pmap").decorate(lambda x: x)(x).devices() == set(cpu.devices[:2])
