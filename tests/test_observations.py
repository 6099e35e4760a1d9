"""observations: what a case has seen, without what rightly differs between subjects."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from conformance.harness.cases import Case
from conformance.harness.descriptions import Leaf, describe
from conformance.harness.observations import Observation
from conformance.harness.verdicts import WrongResult
from conformance.models import Layer


def texts(seen: Observation) -> dict[str, str]:
    """The outputs in words."""
    return {path: leaf.text for path, leaf in seen.outputs.items()}


def test_looked_at_again() -> None:
    """What is looked at more than once is kept each time."""
    seen = Observation()
    for value in (1, 2, 3):
        seen.add({"count": Leaf(f"static {value}")})

    assert texts(seen) == {"count": "static 1", "count (2)": "static 2", "count (3)": "static 3"}


def test_held() -> None:
    """A held reference that leads where it did is left out; one that does not is kept."""
    seen = Observation()
    seen.add(
        {
            "held object0.a": Leaf("same object as object0.a"),
            "held object0.b": Leaf("same object as object0.a"),
        }
    )

    assert texts(seen) == {"held object0.b": "same object as object0.a"}


def test_keys() -> None:
    """Of random keys it is kept which are equal, and not what they are made of."""
    keys = jax.random.split(jax.random.key(0), 2)
    seen = Observation()
    seen.add(describe({"both": keys, "first": keys[0], "other": jax.random.key(7)}))

    assert texts(seen) == {
        "both": "key numbered uint32[2] [1,2]",
        "first": "key numbered uint32[] 1",
        "other": "key numbered uint32[] 3",
    }


def test_drawn(cpu: object) -> None:
    """Of what was drawn the shape and the type are kept."""
    seen = Observation(drawn=("output",))
    seen.add(describe({"output": jnp.ones((2, 3)), "count": jnp.asarray(np.float32(2))}))

    assert texts(seen) == {
        "output": "array drawn float32[2, 3]",
        "count": "array float32[] 2.0",
    }


def test_internal() -> None:
    """Of a layer of Flax's own its Variables are kept; how it is set up is a detail."""
    seen = Observation(detailed=True)
    seen.add(describe({"layer": nnx.Linear(1, 1, use_bias=False, rngs=nnx.Rngs(0))}))

    assert set(seen.outputs) == {"layer", "layer.kernel"}
    assert "layer.use_bias: static False" in seen.details["internal"]


def test_details() -> None:
    """Details are how objects show themselves, and the order of their state, without addresses."""
    layer = Layer()
    layer.hook = test_details
    seen = Observation(detailed=True)
    seen.look_closer({"layer": layer, "x": 3})

    assert set(seen.details) == {"repr of layer", "order of layer"}
    assert seen.details["order of layer"] == "count, kernel"
    assert "0x" not in seen.details["repr of layer"]


def test_detail_that_fails() -> None:
    """An object that cannot be shown costs nobody a verdict."""

    class Shy(Layer):
        def __repr__(self) -> str:
            raise ValueError("no")

    seen = Observation(detailed=True)
    seen.look_closer({"shy": Shy()})

    assert seen.details["repr of shy"] == "ValueError: no"


def test_refusal() -> None:
    """Of a refusal the promised words are kept, and the whole of it as a detail."""
    seen = Observation(detailed=True)
    seen.refused(ValueError("x has rank 2 here"), "rank")

    assert texts(seen) == {"refused": "with a message like 'rank'"}
    assert seen.details == {"refusal": "ValueError: x has rank 2 here"}


def test_refusal_without_addresses() -> None:
    """Where the objects of a message lie is no part of it."""
    seen = Observation(detailed=True)
    seen.refused(ValueError("x with id=140100324552016 is <f at 0x7f00> here"), "x")

    assert seen.details == {"refusal": "ValueError: x is <f> here"}


def test_weakly_typed() -> None:
    """Whether an array's type is weak is a detail."""
    seen = Observation(detailed=True)
    seen.add(describe({"weak": jnp.asarray(1.0) * 2, "strong": jnp.float32(1)}))

    assert seen.details == {"weakly typed": "weak"}


@pytest.mark.parametrize("times", [1, 3])
def test_saw(make_case: Callable[..., Case], times: int) -> None:
    """What a body saw is kept once, however often it was traced."""
    case = make_case()
    case.saw("inside", ["a"] * times, "a")

    assert texts(case.seen) == {"inside": "static 'a'"}


def test_saw_too_seldom(make_case: Callable[..., Case]) -> None:
    """A body that is to look twice, and looked once, breaks the claim."""
    with pytest.raises(WrongResult):
        make_case().saw("inside", ["a"], "a", least=2)


@pytest.mark.parametrize("found", [[], ["b"], ["a", "b"]])
def test_saw_something_else(make_case: Callable[..., Case], found: list[str]) -> None:
    """A body that saw something else, if only once, or nothing, breaks the claim."""
    with pytest.raises(WrongResult):
        make_case().saw("inside", found, "a")


def test_details_cost_nothing() -> None:
    """Where no record keeps details, none are made."""
    seen = Observation()
    seen.add(describe({"layer": nnx.Linear(1, 1, rngs=nnx.Rngs(0)), "weak": jnp.asarray(1.0) * 2}))
    seen.refused(ValueError("no"), "no")

    assert seen.details == {}
