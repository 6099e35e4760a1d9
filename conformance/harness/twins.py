"""What a lifted body means in plain Python: an eager call, a loop over elements, a repeated call.

No NNX transform is called here. Gradients are JAX's own, of the same body on rebuilt objects.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import Description, describe, gather, nodes, variables
from conformance.harness.transforms import RULE, STACKED, Body, Form, Transform

Maker = Callable[[int], Any]
Join = Callable[[Sequence[np.ndarray]], np.ndarray]

WIDTH = 3  # of the input that bodies get


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


def element_inputs(elements: int) -> list[jax.Array]:
    """One input per element: positive floats of shape (WIDTH,), all different."""
    start = np.arange(1, WIDTH + 1, dtype=np.float32)
    return [jnp.asarray(start + WIDTH * element) for element in range(elements)]


def stack_inputs(transform: Transform, elements: int) -> jax.Array:
    """What the caller passes beside its objects: a row per element or step, or the first input."""
    form = transform.form
    inputs = element_inputs(transform.steps if form is Form.STEPPED else elements)
    return jnp.stack(inputs) if form in (Form.MAPPED, Form.SHARDED, Form.STEPPED) else inputs[0]


def joined_by(form: Form) -> Join:
    """How a stack is made of the arrays of its elements."""
    return np.concatenate if form is Form.SHARDED else np.stack


def stack(form: Form, parts: Sequence[Any]) -> Any:
    """The caller's object made of its elements' `parts`: each Variable holds all of their values.

    A form that maps nothing has one element, which is the object itself.
    """
    if form in STACKED:
        columns = [variables(part) for part in parts]
        for path, variable in columns[0].items():
            if form is Form.SHARDED and isinstance(variable, nnx.RngState):
                continue
            spelling.write(variable, _join(form, [spelling.read(c[path]) for c in columns]))
    return parts[0]


def _join(form: Form, values: Sequence[jax.Array]) -> jax.Array:
    if jnp.issubdtype(values[0].dtype, jax.dtypes.prng_key):
        return jnp.stack(values) if form is not Form.SHARDED else jnp.concatenate(values)
    return jnp.asarray(joined_by(form)([np.asarray(value) for value in values]))


def make_elements(form: Form, makers: Sequence[Maker], elements: int) -> list[list[Any]]:
    """Fresh objects, a list per element; a block keeps its leading axis, of length one.

    Random state is no stack of blocks: every block has that of the first.
    """
    made = [[make(element) for make in makers] for element in range(elements)]
    if form is Form.SHARDED:
        firsts = variables(made[0])
        for path, variable in ((p, v) for objects in made for p, v in variables(objects).items()):
            if isinstance(variable, nnx.RngState):
                spelling.write(variable, spelling.read(firsts[path]))
            else:
                spelling.write(variable, spelling.read(variable)[None])
    return made


def tell(transform: Transform, body: Body, makers: Sequence[Maker], elements: int) -> Told:
    """Runs `body` as the form of `transform` says, without any transform."""
    form = transform.form
    parts = make_elements(form, makers, elements)
    inputs = element_inputs(elements)
    scenes = [Scene.of(objects) for objects in parts]
    outputs: Any
    if form is Form.ONCE:
        outputs = body(*parts[0], inputs[0])
    elif form is Form.REPEATED:
        outputs = inputs[0]
        for _ in range(transform.steps):
            outputs = body(*parts[0], outputs)
    elif form is Form.STEPPED:
        outputs = jnp.stack([body(*parts[0], x) for x in element_inputs(transform.steps)])
    elif form is Form.THREADED:
        outputs = inputs[0]
        for objects in parts:
            outputs = body(*objects, outputs)
    elif form is Form.DIFFERENTIATED:
        outputs = _differentiate(transform.name, body, makers, parts[0], inputs[0])
    else:
        shaped = [x[None] for x in inputs] if form is Form.SHARDED else inputs
        results = [body(*objects, x) for objects, x in zip(parts, shaped, strict=True)]
        outputs = jnp.asarray(joined_by(form)([np.asarray(result) for result in results]))
    described = [scene.describe() for scene in scenes]
    whole = ("RngKey", "RngCount") if form is Form.SHARDED else ()
    scene = gather(described, joined_by(form), whole) if form in STACKED else described[0]
    return Told(scene, describe({"output": outputs}))


def _differentiate(
    name: str, body: Body, makers: Sequence[Maker], objects: Sequence[Any], x: jax.Array
) -> dict[str, Any]:
    """Edits `objects` by one eager run, and gives the outputs that the transform `name` owes."""
    parameters = {
        path: spelling.read(variable) for path, variable in variables(objects[0], nnx.Param).items()
    }

    def on_fresh_objects(values: dict[Any, jax.Array], x: jax.Array) -> jax.Array:
        fresh = [make(0) for make in makers]
        for path, variable in variables(fresh[0], nnx.Param).items():
            spelling.write(variable, values[path])
        y: jax.Array = body(*fresh, x)
        return y

    def of_x(x: jax.Array) -> jax.Array:
        return on_fresh_objects(parameters, x)

    y = body(*objects, x)
    if name == "custom_vjp":
        return {"value": y.sum(), "cotangent of x": jnp.full_like(x, RULE)}
    if name == "vjp":
        return {"y": y, "cotangent of x": jax.vjp(of_x, x)[1](jnp.ones_like(y))[0]}
    if name == "jvp":
        return {"y": y, "tangent": jax.jvp(of_x, (x,), (jnp.ones_like(x),))[1]}
    gradients = jax.grad(lambda values: on_fresh_objects(values, x).sum())(parameters)
    if name == "grad":
        return {"gradients": gradients}
    return {"value": y.sum(), "gradients": gradients}
