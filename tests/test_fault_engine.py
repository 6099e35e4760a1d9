"""The faults' engine: it stands between callers and transforms while a fault is active."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from conformance.faults import engine
from conformance.faults.catalogue import FAULTS, file_of
from conformance.faults.fault import Application, Call, Fault, Function
from conformance.faults.graphs import ABSENT, Before, map_outputs
from conformance.harness import spelling
from conformance.harness.nesting import LIFTS
from conformance.harness.transforms import ALL, Body, Edit, Setting
from conformance.models import Block, Layer

Seen = list[tuple[str, tuple[Any, ...]]]


def body(layer: Any, x: jax.Array) -> Any:
    return layer(x)


def watching(seen: Seen) -> Fault:
    """A fault that breaks nothing, and notes the calls."""

    def call(call: Call) -> Any:
        seen.append((call.transform, call.arguments))
        return call.make()

    return Fault("watch", "Nothing is broken.", (), call=call)


@pytest.mark.parametrize("name", ALL)
def test_calls(cpu: Any, make_case: Callable[..., Any], name: str) -> None:
    """Every transform shows the arguments of its calls, objects and all, and works as before."""
    seen: Seen = []

    with engine.active(watching(seen)):
        make_case(name).holds(body, Layer)

    assert name in [transform for transform, _ in seen]
    assert all(Before(arguments).objects for _, arguments in seen)


def test_gone_without_a_fault() -> None:
    """Where no fault is active, a transform gives what Flax's own gives."""
    with engine.active(watching([])):
        pass

    real = nnx.jit.stands_for  # type: ignore[attr-defined]
    assert type(nnx.jit(body)) is type(real(body))
    assert nnx.custom_vjp(body).fun is body


def test_functions() -> None:
    """A fault sees the functions that a transform is applied to, and its options."""
    seen: list[Application] = []

    def apply(application: Application) -> Function:
        seen.append(application)
        return application.apply()

    with engine.active(Fault("watch", "", (), apply=apply)):
        nnx.vmap(in_axes=1)(body)
        nnx.cond(True, body, body, Layer(), jnp.ones(3))
        nnx.switch(1, (body, body, body), Layer(), jnp.ones(3))

    assert [(each.transform, each.functions, dict(each.options)) for each in seen] == [
        ("vmap", (body,), {"in_axes": 1}),
        ("cond", (body, body), {}),
        ("switch", (body, body, body), {}),
    ]


def test_patched_while_active() -> None:
    """What a fault replaces by name is back when the fault is over."""
    before = nnx.split_rngs

    with engine.active(FAULTS["rngs-not-split"]):
        assert nnx.split_rngs is not before

    assert nnx.split_rngs is before


def test_one_inside_the_other() -> None:
    """After a fault the one before it is active again."""
    outer: Seen = []

    with engine.active(watching(outer)):
        with engine.active(watching([])):
            nnx.jit(body)(Layer(), jnp.ones(3))
        assert not outer
        nnx.jit(body)(Layer(), jnp.ones(3))

    assert [transform for transform, _ in outer] == ["jit"]


def test_before() -> None:
    """What has changed is told: Variables with another value, attributes with another content."""
    block = Block()
    before = Before([block])
    second, kernel = block.second, block.first.kernel
    old = spelling.read(kernel)

    spelling.write(kernel, old + 1)
    block.label = "used"
    block.third = second
    del block.second

    assert [(variable, was) for variable, was, _ in before.updated()] == [(kernel, old)]
    assert list(before.changes()) == [
        (block, "label", "new", "used"),
        (block, "second", second, ABSENT),
        (block, "third", ABSENT, second),
    ]
    assert before.knows(kernel)
    assert not before.knows(Layer())


def test_outputs() -> None:
    """Arrays are changed wherever they are among outputs, be it in what a function gives later."""
    node = Layer()
    outputs = {"a": [jnp.ones(2)], "b": (node, lambda x: x), "c": 1}

    changed = map_outputs(outputs, lambda array: array + 1)

    assert changed["a"][0].tolist() == [2, 2]
    assert changed["b"][0] is node
    assert changed["b"][1](jnp.zeros(1)).tolist() == [1]
    assert changed["c"] == 1


def test_catalogue() -> None:
    """A fault says what it breaks in a sentence, and what it may hit; it is found in its file."""
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.breaks.endswith(".")
        assert fault.hits
        assert f'"{name}"' in file_of(name).read_text("utf-8")


def test_nests() -> None:
    """A fault of a transform that stands in a nest is seen there."""
    seen: Seen = []
    setting = Setting(1, Edit.VALUE, tuple(jax.devices()[:2]))
    lifted: Body = LIFTS["jit-of-cond"].lift(body, setting)

    with engine.active(watching(seen)):
        lifted(Layer(), jnp.ones(3))

    assert [transform for transform, _ in seen] == ["cond"]
