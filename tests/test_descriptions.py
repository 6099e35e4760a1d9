"""descriptions: one canonical form for equality, for the message and for a diff."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import (
    describe,
    differences,
    gather,
    nodes,
    tracers,
    variables,
)
from conformance.harness.verdicts import SuiteError
from conformance.models import Block, Count, Layer

pytestmark = pytest.mark.usefixtures("cpu")


def lines(scene: Mapping[str, Any], platform: str | None = None) -> dict[str, str]:
    return {path: str(leaf) for path, leaf in describe(scene, platform).items()}


def arr(*values: float, dtype: Any = np.float32) -> jax.Array:
    return jnp.asarray(np.array(values, dtype=dtype))


class Bag(nnx.Module):
    """A Module that holds what it is given."""

    def __init__(self, **attributes: Any) -> None:
        for name, value in attributes.items():
            setattr(self, name, value)


def leaked() -> jax.Array:
    """A tracer of a trace that is over."""
    kept: list[jax.Array] = []
    jax.jit(kept.append)(arr(1.0))
    return kept[0]


def gone() -> jax.Array:
    """An array that was given away."""
    array = arr(1.0)
    array.delete()
    return array


# What stands at one path

LEAVES = {
    "float": (lambda: arr(1.5, 2), "array float32[2] [1.5,2. ]"),
    "int": (lambda: arr(1, dtype=np.int32), "array int32[1] [1]"),
    "bool": (lambda: arr(True, dtype=bool), "array bool[1] [ True]"),
    "scalar": (lambda: jnp.asarray(np.float32(3)), "array float32[] 3."),
    "matrix": (lambda: jnp.asarray(np.eye(2, dtype=np.int32)), "array int32[2,2] [[1,0], [0,1]]"),
    "empty": (lambda: arr(), "array float32[0] []"),
    "numpy": (lambda: np.float32(1), "array float32[] 1."),
    "tracer": (leaked, "tracer float32[1]"),
    "deleted": (gone, "deleted array"),
    "abstract": (lambda: jax.ShapeDtypeStruct((2, 3), np.float32), "abstract float32[2, 3]"),
    "key": (lambda: jax.random.key(0, impl="threefry2x32"), "key uint32[2] [0,0]"),
    "raw-key": (lambda: arr(0, 7, dtype=np.uint32), "array uint32[2] [0,7]"),
    "none": (lambda: None, "static None"),
    "str": (lambda: "a", "static 'a'"),
    "true": (lambda: True, "static True"),
    "one": (lambda: 1, "static 1"),
    "float-static": (lambda: 1.0, "static 1.0"),
    "type": (lambda: Layer, "static Layer"),
    "function": (lambda: leaked, "static leaked"),
    "partial": (lambda: partial(leaked), "static partial"),
    "param": (lambda: nnx.Param(arr(1.0)), "Param float32[1] [1.]"),
    "own-kind": (lambda: Count(arr(1, dtype=np.int32)), "Count int32[1] [1]"),
    "metadata": (lambda: nnx.Param(arr(1.0), b=2, a="x"), "Param a='x' b=2 float32[1] [1.]"),
    "param-of-none": (lambda: nnx.Param(None), "Param of static None"),
    "param-of-tracer": (lambda: nnx.Param(leaked()), "Param of tracer float32[1]"),
    "param-of-deleted": (lambda: nnx.Param(gone()), "Param of deleted array"),
    "param-of-key": (
        lambda: nnx.Param(jax.random.key(0, impl="threefry2x32")),
        "Param of key uint32[2] [0,0]",
    ),
}


@pytest.mark.parametrize(("make", "expected"), LEAVES.values(), ids=LEAVES)
def test_leaf(make: Any, expected: str) -> None:
    """What stands at a path is said in one line, without addresses or devices."""
    assert lines({"it": make()}) == {"it": expected}


def test_platform() -> None:
    """An array that lives elsewhere is said to, so that it equals nothing that is at home."""
    scene = {"it": arr(1.0), "param": nnx.Param(arr(1.0)), "key": jax.random.key(0)}

    assert describe(scene, "cpu").keys() == describe(scene).keys()
    assert differences(describe(scene), describe(scene, "cpu")) == []
    assert [leaf.what for leaf in describe(scene, "gpu").values()] == [
        "array on cpu instead of gpu",
        "Param of array on cpu instead of gpu",
        "key on cpu instead of gpu",
    ]
    assert len(differences(describe(scene), describe(scene, "gpu"))) == 3


# Containers and references


def test_module() -> None:
    """A Module is its type and, by path, its attributes in order of name."""
    assert lines({"it": Layer()}) == {
        "it": "Layer",
        "it.count": "Count int32[] 0",
        "it.kernel": "Param float32[3] [1.,2.,3.]",
        "it.label": "static 'new'",
    }


def test_containers() -> None:
    """Dicts, lists and tuples are described part by part, dicts in order of their keys."""
    layers = spelling.node_list([Bag(), Bag()])
    scene = {"it": {"b": [1, (2,)], "a": {}, 0: Bag(layers=layers)}}

    assert lines(scene) == {
        "it": "dict",
        "it.0": "Bag",
        "it.0.layers": "list",
        "it.0.layers.0": "Bag",
        "it.0.layers.1": "Bag",
        "it.a": "dict",
        "it.b": "list",
        "it.b.0": "static 1",
        "it.b.1": "tuple",
        "it.b.1.0": "static 2",
    }


def test_variable_of_a_container() -> None:
    """A Variable may hold a tree of arrays: each is described, and a tracer in it is found."""
    variable = nnx.Param((arr(1.0), {"deep": leaked()}), note="n")

    assert lines({"it": variable}) == {
        "it": "Param of tuple note='n'",
        "it.0": "array float32[1] [1.]",
        "it.1": "dict",
        "it.1.deep": "tracer float32[1]",
    }
    assert tracers(describe({"it": variable})) == ["it.1.deep"]


def aliased() -> dict[str, Any]:
    block = Block()
    block.second.kernel = block.first.kernel
    return {"block": block, "again": block.second}


def cyclic() -> dict[str, Any]:
    bag = Bag()
    bag.me = bag
    return {"bag": bag}


REFERENCES = {
    "shared": (
        aliased,
        {"block.second.kernel": "block.first.kernel", "again": "block.second"},
    ),
    "cycle": (cyclic, {"bag.me": "bag"}),
    "in-containers": (lambda: {"a": [v := nnx.Param(arr(1.0)), {"x": v}]}, {"a.1.x": "a.0"}),
    "equal-is-not-same": (lambda: {"a": Layer(), "b": Layer()}, {}),
    "arrays-have-no-identity": (lambda: {"a": [x := arr(1.0), x]}, {}),
}


@pytest.mark.parametrize(("make", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_references(make: Any, expected: dict[str, str]) -> None:
    """An object or Variable that is reached again is the same object as at its first path."""
    same = {path: line for path, line in lines(make()).items() if line.startswith("same")}

    assert same == {path: f"same object as {first}" for path, first in expected.items()}


def test_tracers() -> None:
    """Tracers are found wherever they stand, and nothing else is taken for one."""
    bag = Bag(name="tracer-free", param=nnx.Param(leaked()))

    assert tracers(describe({"bag": bag, "raw": [leaked()], "fine": arr(1.0)})) == [
        "bag.param",
        "raw.0",
    ]


def test_nodes_and_variables() -> None:
    """Every object and Variable is given once, at its first path."""
    scene = aliased()

    assert [path for path, _ in nodes(scene)] == [
        ("again",),
        ("again", "count"),
        ("again", "kernel"),
        ("block",),
        ("block", "first"),
        ("block", "first", "count"),
    ]
    assert list(variables(scene, Count)) == [("again", "count"), ("block", "first", "count")]


def test_descriptions_do_not_change_with_their_object() -> None:
    """A description is of its moment: later changes to the object do not reach it."""
    layer = Layer()
    before = describe({"it": layer})

    spelling.add(layer.count, 1)

    assert differences(before, describe({"it": layer})) == [
        "it.count: expected Count int32[] 0, found Count int32[] 1"
    ]


# Equality

EQUAL = {
    "same": (arr(1.0), arr(1.0)),
    "within-tolerance": (arr(1.0), arr(1.000001)),
    "half": (arr(1, dtype=np.float16), arr(1.001, dtype=np.float16)),
    "bfloat16": (arr(1, dtype=ml_dtypes.bfloat16), arr(1.0078125, dtype=ml_dtypes.bfloat16)),
    "complex": (arr(1 + 1j, dtype=np.complex64), arr(1.000001 + 1j, dtype=np.complex64)),
    "nan": (arr(np.nan), arr(np.nan)),
    "infinite": (arr(np.inf), arr(np.inf)),
    "numpy-and-jax": (np.ones(1, np.float32), arr(1.0)),
}
DIFFERENT = {
    "beyond-tolerance": (arr(1.0), arr(1.0001)),
    "int-is-exact": (arr(10**6, dtype=np.int32), arr(10**6 + 1, dtype=np.int32)),
    "bool": (arr(True, dtype=bool), arr(False, dtype=bool)),
    "key-is-exact": (jax.random.key(0), jax.random.key(1)),
    "key-and-its-data": (jax.random.key(0), jax.random.key_data(jax.random.key(0))),
    "dtype": (arr(1.0), arr(1, dtype=np.int32)),
    "width": (arr(1.0), arr(1, dtype=np.float16)),
    "shape": (arr(1.0), jnp.asarray(np.float32(1))),
    "broadcastable": (arr(1, 1), arr(1.0)),
    "nan": (arr(np.nan), arr(0.0)),
    "sign-of-infinity": (arr(np.inf), arr(-np.inf)),
    "complex": (arr(1 + 1j, dtype=np.complex64), arr(1 + 1.001j, dtype=np.complex64)),
    "static-type": (1, True),
    "static-and-array": (1, np.int32(1)),
    "static-float": (1.0, 1.0000001),
    "list-and-tuple": ([1], (1,)),
    "longer": ([1], [1, 2]),
    "missing": ({"a": 1, "b": 2}, {"a": 1}),
    "kind": (nnx.Param(arr(1.0)), Count(arr(1.0))),
    "bare": (nnx.Param(arr(1.0)), arr(1.0)),
    "metadata": (nnx.Param(arr(1.0), a=1), nnx.Param(arr(1.0), a=2)),
    "metadata-lost": (nnx.Param(arr(1.0), a=1), nnx.Param(arr(1.0))),
    "tracer": (arr(1.0), leaked()),
    "deleted": (arr(1.0), gone()),
    "nothing": (arr(1.0), None),
    "module-type": (Layer(), Bag()),
    "in-variable": (nnx.Param((arr(1.0),)), nnx.Param((arr(2.0),))),
}


@pytest.mark.parametrize("pair", EQUAL.values(), ids=EQUAL)
def test_equal(pair: tuple[Any, Any]) -> None:
    """Floats are equal within the tolerance of their width, all else exactly."""
    left, right = (describe({"it": value}) for value in pair)

    assert differences(left, right) == []
    assert differences(right, left) == []


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
def test_different(pair: tuple[Any, Any]) -> None:
    """What differs in any respect is different, whichever of the two was expected."""
    left, right = (describe({"it": value}) for value in pair)

    assert differences(left, right)
    assert differences(right, left)


def test_alias_and_copy_are_different() -> None:
    """One object under two names is not two equal objects."""
    first, second = Layer(), Layer()

    assert (
        differences(describe({"a": first, "b": first}), describe({"a": first, "b": second}))[0]
        == "b: expected same object as a, found Layer"
    )


# The diff


def test_differences_are_readable() -> None:
    """A line per path, in the order of paths: what was expected there, and what was found."""
    expected = {"a": {"x": 1, "gone": 2}, "same": 0, "w": nnx.Param(arr(1.0))}
    found = {"a": {"x": 2, "new": 3}, "same": 0, "w": nnx.Param(leaked())}

    assert differences(describe(expected), describe(found)) == [
        "a.gone: expected static 2, found nothing",
        "a.x: expected static 1, found static 2",
        "w: expected Param float32[1] [1.], found Param of tracer float32[1]",
        "a.new: expected nothing, found static 3",
    ]


def test_differences_that_the_short_form_hides_are_shown() -> None:
    """Where both values read the same, the first place that differs is named, in full."""
    expected = np.zeros((100, 2))
    found = expected.copy()
    found[50, 1] = 3

    assert differences(describe({"it": expected}), describe({"it": found}))[0].endswith(
        "found at (50, 1) 3.0 instead of 0.0"
    )


# Stacks


def test_gather_joins_arrays() -> None:
    """One description of equal structures: their arrays are joined, the rest is theirs."""
    elements = [describe({"it": Layer(element)}) for element in range(2)]

    assert {path: str(leaf) for path, leaf in gather(elements, np.stack).items()} == {
        "it": "Layer",
        "it.count": "Count int32[2] [0,1]",
        "it.kernel": "Param float32[2,3] [[1.,2.,3.], [2.,3.,4.]]",
        "it.label": "static 'new'",
    }


@pytest.mark.parametrize("other", [{"it": 2}, {"it": arr(1.0)}, {"it": 1, "more": 1}, {}])
def test_gather_of_different_structures(other: dict[str, Any]) -> None:
    """Elements that differ in anything but their arrays are an error of the suite."""
    with pytest.raises(SuiteError):
        gather([describe({"it": 1}), describe(other)], np.stack)
