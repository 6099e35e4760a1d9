"""facts: what differs, as assertions that fail on the objects at hand and hold on what is right."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import describe
from conformance.harness.twins import Scene
from conformance.models import Block, Count
from conformance.repro.facts import Facts, Unspeakable, facts
from conformance.repro.recording import Log


def told(right: Any, wrong: Any) -> Facts:
    """What distinguishes an object that is wrong, as `facts` says it."""
    log = Log(
        expected=describe({"object0": right}),
        found=describe({"object0": wrong}),
        roots={"object0": wrong},
    )
    return facts(log, {"object0": "block"})


def runs(said: Facts, block: Any) -> None:
    exec("\n".join((*said.before, *said.after)), {"block": block, "np": np, "jnp": jnp})


def write(block: Block) -> None:
    spelling.write(block.first.kernel, jnp.asarray(np.ones(3, np.float32)))


def count(block: Block) -> None:
    spelling.add(block.first.count, 1)


def reshape(block: Block) -> None:
    spelling.write(block.first.kernel, spelling.read(block.first.kernel)[None])


def retype(block: Block) -> None:
    spelling.write(block.first.kernel, spelling.read(block.first.kernel).astype(jnp.int32))


def relabel(block: Block) -> None:
    block.second.label = "used"


def delete(block: Block) -> None:
    del block.second


def add(block: Block) -> None:
    block.second.seen = Count(jnp.asarray(1))


def tie(block: Block) -> None:
    block.second.kernel = block.first.kernel


CHANGES = (write, count, reshape, retype, relabel, delete, add, tie)


@pytest.mark.parametrize("change", CHANGES)
def test_holds_and_fails(change: Callable[[Block], None]) -> None:
    """Whatever was changed, the assertions fail on the one and hold on the other."""
    wrong = Block()
    change(wrong)
    said = told(Block(), wrong)

    with pytest.raises((AssertionError, AttributeError)):
        runs(said, wrong)
    runs(said, Block())


@pytest.mark.parametrize("change", [tie, delete])
def test_missing_change(change: Callable[[Block], None]) -> None:
    """So they do where it is the change that is lost."""
    right = Block()
    change(right)
    said = told(right, Block())

    with pytest.raises((AssertionError, AttributeError)):
        runs(said, Block())
    runs(said, right)


@pytest.mark.parametrize(("right", "wrong"), [((1, 2), ()), ((), (1,)), ((1, 2), (1, 3))])
def test_elements(right: tuple[int, ...], wrong: tuple[int, ...]) -> None:
    """So they do for the elements of what is no object."""
    blocks = Block(), Block()
    blocks[0].sizes, blocks[1].sizes = right, wrong
    try:
        said = told(*blocks)
    except Unspeakable:
        return  # then a longer script says it

    with pytest.raises((AssertionError, AttributeError, IndexError)):
        runs(said, blocks[1])
    runs(said, blocks[0])


def test_held_reference() -> None:
    """A reference that was held before the call, and leads elsewhere after it, is held first."""
    block = Block()
    scene = Scene.of([block])
    before = scene.describe()
    block.first = Block().first
    log = Log(expected=before, found=scene.describe(), roots=scene.roots)
    said = facts(log, {"object0": "block"})

    assert "held_object0_first = block.first" in said.before
    assert "assert block.first is held_object0_first" in said.after


def test_words() -> None:
    """A number is compared as a number, and what is missing is asked for by name."""
    wrong = Block()
    count(wrong)
    read = "get_value()" if spelling._WRITES_BY_METHOD else "value"
    text = f"block.first.count.{read}"
    assert told(Block(), wrong).after == [f"assert {text} == 0, {text}"]

    wrong = Block()
    delete(wrong)
    assert told(Block(), wrong).after[0] == "assert hasattr(block, 'second')"


def test_unspeakable() -> None:
    """What no plain assertion can say is refused: a key, or metadata that is no literal."""
    with pytest.raises(Unspeakable):
        told(nnx.Rngs(0), nnx.Rngs(1))
    with pytest.raises(Unspeakable):
        told(Count(jnp.ones(2), kind=int), Count(jnp.ones(2), kind=float))


def test_notes() -> None:
    """What is kept on a Variable is asked for by its name."""
    right, wrong = Count(jnp.ones(2), note="mine", size=2), Count(jnp.ones(2), size=3, other=1)
    said = told(right, wrong)

    assert said.after == [
        "assert block.get_metadata().get('note') == 'mine', block.get_metadata().get('note')",
        "assert block.get_metadata().get('size') == 2, block.get_metadata().get('size')",
        "assert 'other' not in block.get_metadata()",
    ]
    runs(said, right)
