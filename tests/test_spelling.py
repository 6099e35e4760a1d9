"""spelling: one meaning in every release."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from conformance.harness import spelling
from conformance.models import Block, Layer


def test_read_gives_what_was_written(cpu: Any) -> None:
    """What is written to a Variable is what is read, in value, shape and dtype."""
    variable = nnx.Param(jnp.zeros(3))

    spelling.write(variable, jnp.arange(2))

    assert spelling.read(variable).tolist() == [0, 1]
    assert spelling.read(variable).dtype == jnp.arange(2).dtype


def test_write_keeps_the_variable(cpu: Any) -> None:
    """Writing replaces the value, not the Variable: who else holds it sees the new value."""
    layer = Layer()
    held = layer.kernel

    spelling.write(layer.kernel, jnp.ones(3))

    assert layer.kernel is held
    assert spelling.read(held).tolist() == [1, 1, 1]


def test_add(cpu: Any) -> None:
    """`add` is `+=` on the value."""
    layer = Layer()
    held = layer.count

    spelling.add(layer.count, 2)
    spelling.add(layer.count, 3)

    assert int(spelling.read(held)) == 5


def test_node_list(cpu: Any) -> None:
    """A node list is a list of objects that the object graph reaches."""
    layers = [Layer(0), Layer(1)]

    made = spelling.node_list(layers)

    assert [layer is other for layer, other in zip(made, layers, strict=True)] == [True, True]
    assert spelling.is_node_list(made) == (not isinstance(made, list))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (Layer, True),
        (lambda: nnx.Rngs(0), True),
        (lambda: nnx.Param(jnp.zeros(1)), False),
        (lambda: jnp.zeros(1), False),
        (lambda: {"a": 1}, False),
        (lambda: (1, 2), False),
    ],
    ids=["module", "rngs", "variable", "array", "dict", "tuple"],
)
def test_is_object(make: Any, expected: bool, cpu: Any) -> None:
    """An object has attributes that transforms track; a Variable, an array or a dict is none."""
    assert spelling.is_object(make()) == expected


def test_attributes(cpu: Any) -> None:
    """The attributes are what the class's author gave it, in order of name."""
    assert [name for name, _ in spelling.attributes(Block())] == ["first", "label", "second"]


def test_metadata_is_what_the_user_gave(cpu: Any) -> None:
    """Metadata has nothing that a release keeps for itself."""
    assert spelling.metadata(nnx.Param(jnp.zeros(1))) == {}
    assert spelling.metadata(nnx.Param(jnp.zeros(1), note="mine")) == {"note": "mine"}


def test_axis_names_go_by_one_name(cpu: Any) -> None:
    """Axis names are metadata under one name, whatever the release calls them."""
    variable = nnx.Param(jnp.zeros((1, 1)), sharding=("a", None), eager_sharding=False)

    assert spelling.metadata(variable) == {"axis_names": ("a", None)}


def test_axis_names(cpu: Any) -> None:
    """The keyword for axis names is the one that transforms keep in step, in every release."""
    layer, seen = Layer(), []
    del layer.count
    layer.kernel = nnx.Param(
        jnp.zeros((2, 3)), **{spelling.AXIS_NAMES: ("a", "b")}, **spelling.UNPLACED
    )

    @nnx.vmap(transform_metadata={nnx.PARTITION_NAME: "a"})
    def look(layer: Any) -> None:
        seen.append(spelling.axis_names(layer.kernel))

    look(layer)

    assert seen == [("b",)]
    assert spelling.axis_names(layer.kernel) == ("a", "b")
    assert spelling.axis_names(Layer().kernel) is None


def test_axis_names_of_a_state(cpu: Any) -> None:
    """The leaves of a State have their axis names, too."""
    layer = Layer()
    layer.named = nnx.Param(jnp.zeros(3), **{spelling.AXIS_NAMES: ("a",)}, **spelling.UNPLACED)

    leaves = spelling.state_leaves(nnx.state(layer, nnx.Param))

    assert {path: spelling.axis_names(leaf) for path, leaf in leaves.items()} == {
        ("named",): ("a",),
        ("kernel",): None,
    }


def test_mesh(cpu: Any) -> None:
    """In the mesh a Variable may be made that has its axes, on the device that was asked for."""
    device = cpu.devices[0]

    with spelling.mesh(device, ("a", "b")) as mesh:
        variable = nnx.Param(jnp.array(np.zeros((2, 3))), **{spelling.AXIS_NAMES: ("a", None)})

    assert mesh.axis_names == ("a", "b")
    assert mesh.devices.tolist() == [[device]]
    assert spelling.metadata(variable) == {"axis_names": ("a", None)}


def test_state_arrays(cpu: Any) -> None:
    """The arrays of a State go by their paths."""
    arrays = spelling.state_arrays(nnx.state(Block(), nnx.Param))

    assert {path: array.tolist() for path, array in arrays.items()} == {
        ("first", "kernel"): [1, 2, 3],
        ("second", "kernel"): [11, 12, 13],
    }


def test_state_arrays_of_plain_mappings(cpu: Any) -> None:
    """Nested mappings are read as a State is."""
    arrays = spelling.state_arrays({"a": {0: np.ones(1)}, "b": np.zeros(1)})

    assert list(arrays) == [("a", 0), ("b",)]


def test_a_development_version_counts_as_its_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spelling is asked for by release: what leads up to a release already spells as it does."""
    from packaging.version import Version

    from conformance.harness import subject

    monkeypatch.setattr(subject, "version_of", lambda _: Version("0.12.1.dev3"))

    assert subject.at_least("0.12.1")
    assert subject.at_least("0.12.0")
    assert not subject.at_least("0.12.2")
