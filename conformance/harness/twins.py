"""What a lifted body means in plain Python: an eager call, a loop over elements, a repeated call.

No NNX transform is called here. Gradients are JAX's own, of the same body on rebuilt objects.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import (
    Description,
    Path,
    describe,
    gather,
    nodes,
    variables,
)
from conformance.harness.transforms import RULE, STACKED, Body, Form, Transform

Maker = Callable[[int], Any]
Join = Callable[[Sequence[np.ndarray]], np.ndarray]
Layers = Sequence[tuple[Transform, int]]  # each with its number of elements, outermost first

WIDTH = 3  # of the input that bodies get


def together(make: Callable[[int], Sequence[Any]], number: int) -> list[Maker]:
    """A maker for each of the `number` objects that `make` makes at once, since they share.

    They are called in turn, element by element, as a case does.
    """
    made: list[Any] = []

    def maker(index: int) -> Maker:
        def make_one(element: int) -> Any:
            if index == 0:
                made[:] = make(element)
            return made[index]

        return make_one

    return [maker(index) for index in range(number)]


@dataclass(frozen=True)
class Scene:
    """Named objects, and every reference into them that their owner held before a call."""

    roots: dict[str, Any]
    held: dict[str, Any]

    @classmethod
    def of(cls, objects: Sequence[Any]) -> "Scene":
        """The scene of a call on `objects`: they, and every node reached from them."""
        roots = {f"object{index}": root for index, root in enumerate(objects)}
        held = {
            ".".join(map(str, (name, *path))): node
            for name, root in roots.items()
            for path, node in nodes(root)
        }
        return cls(roots, held)

    def describe(self, platform: str | None = None) -> Description:
        """What the objects are now, and which of them the held references still reach."""
        return describe(
            self.roots | {f"held {path}": node for path, node in self.held.items()}, platform
        )


@dataclass(frozen=True)
class Told:
    """What plain Python says of a case: what the objects are afterwards, and the outputs."""

    scene: Description
    outputs: Description


@dataclass(frozen=True)
class Parts:
    """The objects of every element of a stack, in order, and how they are made anew."""

    objects: list[list[Any]]
    remake: Callable[[], list[list[Any]]]

    def split(self, number: int) -> list["Parts"]:
        """The parts of each of the `number` equal stacks that this one is made of."""
        size = len(self.objects) // number
        return [self._of(slice(size * index, size * (index + 1))) for index in range(number)]

    def _of(self, chosen: slice) -> "Parts":
        return Parts(self.objects[chosen], lambda: self.remake()[chosen])


def element_inputs(elements: int) -> list[jax.Array]:
    """One input per element: positive floats of shape (WIDTH,), all different."""
    start = np.arange(1, WIDTH + 1, dtype=np.float32)
    return [jnp.asarray(start + WIDTH * element) for element in range(elements)]


def stack_inputs(transform: Transform, *sizes: int) -> jax.Array:
    """What the caller passes beside its objects: a row per element or step, or the first input.

    Here and below, `sizes` says of each layer of the transform how many elements it has.
    """
    shape = [
        layer.steps if layer.form is Form.STEPPED else size
        for layer, size in _layers(transform, sizes)
        if layer.form in (Form.MAPPED, Form.SHARDED, Form.STEPPED)
    ]
    return jnp.asarray(np.stack(element_inputs(math.prod(shape))).reshape(*shape, WIDTH))


def _layers(transform: Transform, sizes: Sequence[int]) -> Layers:
    return list(zip(transform.layers, sizes, strict=True))


def _has(layers: Layers, *forms: Form) -> bool:
    return any(layer.form in forms for layer, _ in layers)


def _joined_by(layers: Layers) -> Join:
    """How a stack is made of its elements' arrays: with an axis for each layer that maps."""
    if _has(layers, Form.SHARDED):
        return np.concatenate
    shape = [size for layer, size in layers if layer.form in STACKED]
    return lambda arrays: np.stack(arrays).reshape((*shape, *arrays[0].shape))


def stack(transform: Transform, parts: Sequence[Any], *sizes: int) -> Any:
    """The caller's object made of its elements' `parts`: each Variable holds all of their values.

    A transform that maps nothing has one element, which is the object itself.
    """
    layers = _layers(transform, sizes)
    if _has(layers, *STACKED):
        join = _joined_by(layers)
        columns = [variables(part) for part in parts]
        for path, variable in columns[0].items():
            if _has(layers, Form.SHARDED) and isinstance(variable, nnx.RngState):
                continue
            spelling.write(variable, _join(join, [spelling.read(c[path]) for c in columns]))
    return parts[0]


def _join(join: Join, values: Sequence[jax.Array]) -> jax.Array:
    if any(map(_beyond_numpy, values)):
        shape = join([np.empty(value.shape) for value in values]).shape
        return jnp.stack(values).reshape(shape)
    return jnp.asarray(join([np.asarray(value) for value in values]))


def _beyond_numpy(value: jax.Array) -> bool:
    is_key: bool = jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
    return is_key or isinstance(value, jax.core.Tracer)


def make_elements(transform: Transform, makers: Sequence[Maker], *sizes: int) -> list[list[Any]]:
    """Fresh objects, a list per element; a block keeps its leading axis, of length one.

    Random state is no stack of blocks: every block has that of the first.
    """
    made = [[make(element) for make in makers] for element in range(math.prod(sizes))]
    if _has(_layers(transform, sizes), Form.SHARDED):
        firsts = variables(made[0])
        for path, variable in ((p, v) for objects in made for p, v in variables(objects).items()):
            if isinstance(variable, nnx.RngState):
                spelling.write(variable, spelling.read(firsts[path]))
            else:
                spelling.write(variable, spelling.read(variable)[None])
    return made


def tell(
    transform: Transform, body: Body, makers: Sequence[Maker], *sizes: int, calls: int = 1
) -> Told:
    """Makes `calls` calls of `body` as the forms of `transform` say, without any transform."""

    def remake() -> list[list[Any]]:
        return make_elements(transform, makers, *sizes)

    parts = Parts(remake(), remake)
    scenes = [Scene.of(objects) for objects in parts.objects]
    x = stack_inputs(transform, *sizes)
    layers = _layers(transform, sizes)
    outputs = [_run(layers, body, parts, x) for _ in range(calls)]
    whole = ("RngKey", "RngCount") if _has(layers, Form.SHARDED) else ()
    described = [scene.describe() for scene in scenes]
    scene = gather(described, _joined_by(layers), whole)
    return Told(scene, describe(name_outputs(outputs)))


def name_outputs(outputs: Sequence[Any]) -> dict[str, Any]:
    """The outputs of one call, or of several, by the name that they have in a description."""
    if len(outputs) == 1:
        return {"output": outputs[0]}
    return {f"output of call {number}": output for number, output in enumerate(outputs, 1)}


def _run(layers: Layers, body: Body, parts: Parts, x: jax.Array) -> Any:
    """Edits the objects of `parts` as one call does, and gives its output.

    The outermost of `layers` runs what the others make of `body`.
    """
    if not layers:
        return body(*parts.objects[0], x)
    (layer, size), *inner = layers

    def run(parts: Parts, x: jax.Array) -> Any:
        return _run(inner, body, parts, x)

    if layer.form is Form.ONCE:
        return run(parts, x)
    if layer.form is Form.DIFFERENTIATED:
        return _differentiate(layer.name, inner, run, parts, x)
    if layer.form is Form.REPEATED:
        for _ in range(layer.steps):
            x = run(parts, x)
        return x
    if layer.form is Form.STEPPED:
        return _pile([run(parts, row) for row in x], np.stack)
    if layer.form is Form.THREADED:
        for element in parts.split(size):
            x = run(element, x)
        return x
    elements = zip(parts.split(size), x, strict=True)
    if layer.form is Form.SHARDED:
        return _pile([run(element, row[None]) for element, row in elements], np.concatenate)
    return _pile([run(element, row) for element, row in elements], np.stack)


def _pile(outputs: Sequence[Any], join: Join) -> Any:
    return jax.tree.map(lambda *arrays: _join(join, arrays), *outputs)


def _differentiate(
    name: str,
    inner: Layers,
    run: Callable[[Parts, jax.Array], jax.Array],
    parts: Parts,
    x: jax.Array,
) -> dict[str, Any]:
    """Edits the objects by one eager run, and gives the outputs that the transform `name` owes."""
    before = [
        {path: spelling.read(variable) for path, variable in variables(objects).items()}
        for objects in parts.objects
    ]
    parameters = [
        {path: spelling.read(variable) for path, variable in found.items()}
        for found in (variables(objects[0], nnx.Param) for objects in parts.objects)
    ]

    def on_fresh_objects(values: list[dict[Path, jax.Array]], x: jax.Array) -> jax.Array:
        fresh = Parts(parts.remake(), parts.remake)
        for objects, given, other in zip(fresh.objects, values, before, strict=True):
            for path, variable in variables(objects).items():
                spelling.write(variable, other[path])
            for path, variable in variables(objects[0], nnx.Param).items():
                spelling.write(variable, given[path])
        return run(fresh, x)

    def of_x(x: jax.Array) -> jax.Array:
        return on_fresh_objects(parameters, x)

    y = run(parts, x)
    if name == "custom_vjp":
        return {"value": y.sum(), "cotangent of x": jnp.full_like(x, RULE)}
    if name == "vjp":
        return {"y": y, "cotangent of x": jax.vjp(of_x, x)[1](jnp.ones_like(y))[0]}
    if name == "jvp":
        return {"y": y, "tangent": jax.jvp(of_x, (x,), (jnp.ones_like(x),))[1]}
    gradients = jax.grad(lambda values: on_fresh_objects(values, x).sum())(parameters)
    join = _joined_by(inner)
    joined = {path: _join(join, [each[path] for each in gradients]) for path in gradients[0]}
    if name == "grad":
        return {"gradients": joined}
    return {"value": y.sum(), "gradients": joined}
