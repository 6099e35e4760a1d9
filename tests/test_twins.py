"""twins: what a transform means, in plain Python."""

import ast
import inspect
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from conformance.harness import spelling, twins
from conformance.harness.descriptions import describe, differences
from conformance.harness.transforms import ALL, STACKED, TRANSFORMS, Form
from conformance.harness.verdicts import SuiteError
from conformance.models import Block, Layer

pytestmark = pytest.mark.usefixtures("cpu")

X = np.array([1, 2, 3], np.float32)  # the input of the first element
X2 = np.array([4, 5, 6], np.float32)  # and of the second
K, K2 = X, X + 1  # the kernels of Layer(0) and Layer(1)


def use(layer: Layer, x: jax.Array) -> jax.Array:
    layer.label = "used"
    return layer(x)


def use_while_traced(layer: Layer, x: jax.Array) -> jax.Array:
    y = use(layer, x)
    y_item = y.sum() if isinstance(y, jax.core.Tracer) else float(y.sum())
    return y + 0 * y_item


def layer_after(uses: Any, kernel: Any = K) -> dict[str, Any]:
    """What a Layer is after `uses`, spelled out by hand."""
    layer = Layer()
    spelling.write(layer.kernel, jnp.asarray(kernel))
    spelling.write(layer.count, jnp.asarray(np.array(uses, np.int32)))
    layer.label = "used"
    return twins.Scene.of([layer]).describe()


STACKED_KERNEL = np.stack([K, K2])
ONCE = K * X + 1
TWICE = K2 * ONCE + 1
ROWS = np.stack([K * X + 1, K2 * X2 + 1])
THRICE = K * (K * (K * X + 1) + 1) + 1
GRADIENTS = {("kernel",): X}

# By transform: what the layer is afterwards (its counts, its kernel), and what comes out.
MEANINGS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "jit": ((1,), ONCE),
    "remat": ((1,), ONCE),
    "cond": ((1,), ONCE),
    "switch": ((1,), ONCE),
    "checkify": ((1,), ONCE),
    "vmap": (([1, 2], STACKED_KERNEL), ROWS),
    "pmap": (([1, 2], STACKED_KERNEL), ROWS),
    "shard_map": (([1, 2], STACKED_KERNEL), ROWS),
    "scan": (([1, 2], STACKED_KERNEL), TWICE),
    "while_loop": ((3,), THRICE),
    "fori_loop": ((3,), THRICE),
    "grad": ((1,), {"gradients": GRADIENTS}),
    "value_and_grad": ((1,), {"value": ONCE.sum(), "gradients": GRADIENTS}),
    "custom_vjp": ((1,), {"value": ONCE.sum(), "cotangent of x": np.full(3, 3, np.float32)}),
    "vjp": ((1,), {"y": ONCE, "cotangent of x": K}),
    "jvp": ((1,), {"y": ONCE, "tangent": K}),
}


def test_every_transform_has_a_meaning_here() -> None:
    """The table above is whole."""
    assert set(MEANINGS) == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_meaning(name: str) -> None:
    """Each form leaves the objects and gives the outputs that mathematics says."""
    transform = TRANSFORMS[name]
    layer, output = MEANINGS[name]
    told = twins.tell(transform, use, [Layer], transform.elements((None,) * 8))

    assert differences(layer_after(*layer), told.scene) == []
    assert differences(describe({"output": output}), told.outputs) == []


def test_stepped() -> None:
    """A form that steps runs the body once per input, in order, on the same object."""
    transform = replace(TRANSFORMS["scan"], form=Form.STEPPED, steps=2)

    told = twins.tell(transform, use, [Layer], transform.elements((None,) * 8))

    assert differences(layer_after(2), told.scene) == []
    assert differences(describe({"output": np.stack([ONCE, K * X2 + 1])}), told.outputs) == []


@pytest.mark.parametrize("name", ["jit", "vmap", "scan", "while_loop"])
def test_bodies_run_eagerly(name: str) -> None:
    """Nothing is traced: a body can look at its values, as plain Python can."""
    transform = TRANSFORMS[name]

    twins.tell(transform, use_while_traced, [Layer], transform.elements((None,) * 8))


@pytest.mark.parametrize("name", ["jit", "vmap", "shard_map", "scan", "while_loop", "grad"])
def test_references_follow(name: str) -> None:
    """A reference that the body shares is one object in the scene, and the lost one still held."""

    def share(block: Block, x: jax.Array) -> jax.Array:
        block.second.kernel = block.first.kernel
        return block(x)

    transform = TRANSFORMS[name]
    told = twins.tell(transform, share, [Block], transform.elements((None,) * 8))
    said = {path: leaf.what for path, leaf in told.scene.items()}

    assert said["object0.second.kernel"] == "same object as object0.first.kernel"
    assert said["held object0.second"] == "same object as object0.second"
    assert said["held object0.second.kernel"] == "Param"


@pytest.mark.parametrize("name", ["jit", "vmap", "scan"])
def test_references_across_objects(name: str) -> None:
    """Several objects are one scene: what the body shares among them is shared in it."""

    def share(left: Layer, right: Layer, x: jax.Array) -> jax.Array:
        right.kernel = left.kernel
        return right(left(x))

    transform = TRANSFORMS[name]
    told = twins.tell(transform, share, [Layer, Layer], transform.elements((None,) * 8))

    assert told.scene["object1.kernel"].what == "same object as object0.kernel"


def test_elements_must_agree() -> None:
    """A body that leaves its elements with different structures is an error of the suite."""

    def differ(layer: Layer, x: jax.Array) -> jax.Array:
        layer.label = str(float(x[0]))
        return layer(x)

    with pytest.raises(SuiteError):
        twins.tell(TRANSFORMS["vmap"], differ, [Layer], 2)


def test_held_references() -> None:
    """A scene remembers every object and Variable it started with, reachable or not."""
    layer = Layer()
    scene = twins.Scene.of([layer])
    layer.kernel = layer.count

    said = {path: leaf.what for path, leaf in scene.describe().items()}

    assert said["object0.kernel"] == "same object as object0.count"
    assert said["held object0.count"] == "same object as object0.count"
    assert said["held object0.kernel"] == "Param"


def test_calls() -> None:
    """A call starts from what the one before it left, and each has an output."""

    def grow(layer: Layer, x: jax.Array) -> jax.Array:
        spelling.add(layer.kernel, x)
        return use(layer, x)

    told = twins.tell(TRANSFORMS["grad"], grow, [Layer], 1, calls=2)
    kernel = K + 2 * X
    gradients = {"gradients": GRADIENTS}
    expected = {"output of call 1": gradients, "output of call 2": gradients}

    assert differences(layer_after(2, kernel), told.scene) == []
    assert differences(describe(expected), told.outputs) == []


def test_gradients_of_a_later_call() -> None:
    """Gradients are those at the state that the call started from, Params or not."""

    def weigh(layer: Layer, x: jax.Array) -> jax.Array:
        return layer(x) * spelling.read(layer.count)

    told = twins.tell(TRANSFORMS["grad"], weigh, [Layer], 1, calls=2)
    second = {path: 2 * gradient for path, gradient in GRADIENTS.items()}
    expected = {"output of call 1": GRADIENTS, "output of call 2": second}

    assert (
        differences(
            describe({name: {"gradients": value} for name, value in expected.items()}),
            told.outputs,
        )
        == []
    )


@pytest.mark.parametrize("name", ["jit", "vmap", "grad"])
def test_together(name: str) -> None:
    """Objects that are made at once share what they share in every element, and in copies."""

    def make(element: int) -> list[Layer]:
        first, second = Layer(element), Layer(element + 10)
        second.kernel = first.kernel
        return [first, second]

    def both(first: Layer, second: Layer, x: jax.Array) -> jax.Array:
        return use(second, use(first, x))

    transform = TRANSFORMS[name]
    elements = transform.elements((None,) * 8)
    told = twins.tell(transform, both, twins.together(make, 2), elements)

    assert told.scene["object1.kernel"].what == "same object as object0.kernel"
    assert told.scene["object1.count"].what == "Count"


@pytest.mark.parametrize("form", Form)
def test_stack(form: Form) -> None:
    """The caller's object holds the values of all elements along a leading axis, or is the one."""
    elements = 2 if form in STACKED else 1
    transform = replace(TRANSFORMS["vmap"], form=form)
    parts = twins.make_elements(transform, [Layer], elements)
    (block,) = twins.stack(transform, parts, elements)
    expected = STACKED_KERNEL if form in STACKED else K

    assert np.asarray(spelling.read(block.kernel)).tolist() == expected.tolist()


def test_stack_of_keys() -> None:
    """PRNG keys are stacked as keys."""

    class Stream(nnx.Module):
        def __init__(self, element: int) -> None:
            self.key = nnx.Param(jax.random.key(element))

    parts = twins.make_elements(TRANSFORMS["vmap"], [Stream], 2)
    keys = [spelling.read(objects[0].key) for objects in parts]
    (stacked,) = twins.stack(TRANSFORMS["vmap"], parts, 2)

    assert (
        differences(
            describe({"key": jnp.stack(keys)}), describe({"key": spelling.read(stacked.key)})
        )
        == []
    )


def test_twins_take_only_types_from_nnx() -> None:
    """Plain Python is an oracle only where it shares nothing with what is tested."""
    tree = ast.parse(inspect.getsource(twins))
    taken = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "nnx"
    }

    assert [name for name in taken if not isinstance(getattr(nnx, name), type)] == []


@pytest.mark.parametrize("name", ALL)
def test_twins_run_without_nnx_transforms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No NNX transform runs while plain Python tells what a case means."""
    for other in ALL:
        monkeypatch.delattr(nnx, other, raising=False)
    transform = TRANSFORMS[name]

    twins.tell(transform, use, [Layer], transform.elements((None,) * 8))
