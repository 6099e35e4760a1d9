"""Gradients with respect to the sub-state that a filter selects; JAX's own are the oracle."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.descriptions import variables
from conformance.harness.twins import WIDTH
from conformance.models import Count

GUIDE = "Transforming sub-states (lift types)"
GRADIENTS = ("grad", "value_and_grad")
DIFFERENTIATING = (*GRADIENTS, "custom_vjp")

Path = tuple[str, ...]
Arrays = dict[Path, jax.Array]


class Scale(nnx.Variable):
    """A factor that is no parameter."""


class Inner(nnx.Module):
    """A kernel one level down."""

    def __init__(self, start: np.ndarray) -> None:
        self.kernel = nnx.Param(jnp.asarray(start + 2))


class Net(nnx.Module):
    """A model with parameters, a float that is none, and a count."""

    def __init__(self, offset: int = 0) -> None:
        start = np.arange(WIDTH, dtype=np.float32) + offset
        self.kernel = nnx.Param(jnp.asarray(start + 1))
        self.bias = nnx.Param(jnp.asarray(start * 2))
        self.scale = Scale(jnp.asarray(start + 3))
        self.inner = Inner(start)
        self.count = Count(jnp.asarray(0))


KERNEL, BIAS, SCALE, INNER = ("kernel",), ("bias",), ("scale",), ("inner", "kernel")
PARAMS = (KERNEL, BIAS, INNER)


def loss_of(arrays: Arrays, x: jax.Array) -> jax.Array:
    """The loss as a function of plain arrays."""
    return ((x * arrays[KERNEL] + arrays[BIAS]) * arrays[SCALE] * arrays[INNER]).sum()


def floats(net: Net) -> Arrays:
    """The arrays of a model that have a gradient, by path."""
    found = {path: spelling.read(variable) for path, variable in variables(net).items()}
    return {path: value for path, value in found.items() if path != ("count",)}


def loss(net: Net, x: jax.Array) -> jax.Array:
    """The loss of a model, which counts its uses."""
    spelling.add(net.count, 1)
    return loss_of(floats(net), x)


def loss_of_two(net: Net, other: Net, x: jax.Array) -> jax.Array:
    """A loss that mixes two models and an array."""
    return loss(net, x) * loss(other, x)


def the_input() -> jax.Array:
    return jnp.asarray(np.arange(1, WIDTH + 1, dtype=np.float32))


LOSSES = {loss: loss_of, loss_of_two: lambda net, other, x: loss_of(net, x) * loss_of(other, x)}


@dataclass(frozen=True)
class Wanted:
    """What is to be differentiated: by argnums, as Flax gets it, and by paths, as it is meant.

    `meant` gives the paths of each argument in the order of the argnums; None is a whole array.
    """

    argnums: Any
    meant: tuple[tuple[int, tuple[Path, ...] | None], ...]

    @property
    def filtered(self) -> tuple[nnx.DiffState, ...]:
        """The DiffStates among the argnums."""
        several = self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        return tuple(argnum for argnum in several if isinstance(argnum, nnx.DiffState))

    def gradients(self, whole: Callable[..., jax.Array], *arguments: Any) -> Any:
        """What JAX says of the loss as a function of just the arrays that are meant."""
        arrays = [floats(a) if isinstance(a, Net) else a for a in arguments]
        chosen = [
            arrays[index] if paths is None else {path: arrays[index][path] for path in paths}
            for index, paths in self.meant
        ]

        def of_chosen(chosen):
            mixed = list(arrays)
            for (index, paths), values in zip(self.meant, chosen, strict=True):
                mixed[index] = values if paths is None else mixed[index] | values
            return whole(*mixed)

        return self.shaped(jax.grad(of_chosen)(chosen))

    def ruled(self, gradient: jax.Array) -> Any:
        """The same gradient for all that is meant."""
        return self.shaped(
            [gradient if p is None else dict.fromkeys(p, gradient) for _, p in self.meant]
        )

    def shaped(self, gradients: list[Any]) -> Any:
        """As Flax gives them: several for several argnums, by themselves for one."""
        return tuple(gradients) if isinstance(self.argnums, tuple) else gradients[0]


def one(filter: Any, *paths: Path) -> Wanted:
    return Wanted(nnx.DiffState(0, filter), ((0, paths),))


FILTERS = {
    "type": one(Scale, SCALE),
    "param": one(nnx.Param, *PARAMS),
    "tuple": one((Scale, nnx.PathContains("inner")), SCALE, INNER),
    "path": one(nnx.PathContains("kernel"), KERNEL, INNER),
    "predicate": one(lambda path, value: path[-1] == "bias", BIAS),
    "not": one(nnx.Not(nnx.Any(nnx.Param, Count)), SCALE),
    "nothing": one(nnx.PathContains("absent")),
}
SCALE_AND_KERNELS = ((0, (SCALE,)), (1, (KERNEL, INNER)))
FIRST, SECOND = nnx.DiffState(0, Scale), nnx.DiffState(1, nnx.PathContains("kernel"))
ARGNUMS = {
    "two-objects": Wanted((FIRST, SECOND), SCALE_AND_KERNELS),
    "with-array": Wanted((FIRST, SECOND, 2), (*SCALE_AND_KERNELS, (2, None))),
    "reversed": Wanted((SECOND, FIRST), SCALE_AND_KERNELS[::-1]),
}
DEFAULTS = {
    "none-said": Wanted(None, ((0, PARAMS),)),
    "first": Wanted(0, ((0, PARAMS),)),
    "second": Wanted(1, ((1, PARAMS),)),
    "both": Wanted((0, 1), ((0, PARAMS), (1, PARAMS))),
    "mixed": Wanted((0, SECOND), ((0, PARAMS), (1, (KERNEL, INNER)))),
}


def differentiate(case: Case, body: Callable[..., Any], wanted: Wanted) -> Any:
    """`body` differentiated by this case's transform.

    A custom_vjp is seen through grad, of twice the body: its rule gives, for just the sub-states
    that it is to be asked for, the input times the cotangent as gradient.
    """
    if case.transform.name != "custom_vjp":
        options = {} if wanted.argnums is None else {"argnums": wanted.argnums}
        return case.decorate(body, **options)
    custom = case.decorate(body, nondiff_argnums=wanted.filtered)
    tops = {index: {path[0] for path in paths} for index, paths in wanted.meant if paths}

    def backward(x, cotangents):
        updates, y = cotangents
        return tuple(
            y * x if update is None else by_rule(update, tops.get(index, set()), y * x)
            for index, update in enumerate(updates)
        )

    custom.defvjp(lambda *arguments: (body(*arguments), arguments[-1]), backward)
    return nnx.grad(lambda *arguments: custom(*arguments) * 2, argnums=wanted.argnums)


def by_rule(state: Any, names: set[str], gradient: jax.Array) -> Any:
    """Of the State of a model just what goes by `names`, and `gradient` for each of its arrays."""
    kept = jax.tree.map(lambda array: array, state)
    for name in set(kept) - names:
        del kept[name]
    return jax.tree.map(lambda array: array + gradient, kept)


def check(case: Case, body: Callable[..., Any], wanted: Wanted, objects: int) -> None:
    """Differentiates `body`, and holds the gradients against JAX's own, the rest against Python."""
    nets = [Net(offset) for offset in range(objects)]
    expected = [Net(offset) for offset in range(objects)]
    held = [variables(net) for net in nets]
    x = the_input()
    if case.transform.name == "custom_vjp":
        gradients = wanted.ruled(2 * x)
    else:
        gradients = wanted.gradients(LOSSES[body], *expected, x)
    outputs = case.call(differentiate(case, body, wanted), *nets, x)
    value = body(*expected, x)
    if case.transform.name == "value_and_grad":
        found = {"value": outputs[0], "gradients": arrays_of(outputs[1])}
        told = {"value": value, "gradients": gradients}
    else:
        found, told = {"gradients": arrays_of(outputs)}, {"gradients": gradients}
    told |= {"nets": expected, "held": [variables(net) for net in expected]}
    case.equal(found | {"nets": nets, "held": held}, told)


def arrays_of(gradients: Any) -> Any:
    """Gradients as they come from Flax, as arrays by path; several are a tuple."""
    if isinstance(gradients, tuple):
        return tuple(arrays_of(gradient) for gradient in gradients)
    return gradients if isinstance(gradients, jax.Array) else spelling.state_arrays(gradients)


@claim(
    "lift_types/diff-state",
    guide=GUIDE,
    across=DIFFERENTIATING,
    styles=STYLES,
    variants=FILTERS,
)
def test_diff_state(case: Case) -> None:
    """Exactly the sub-state that the filter of a DiffState selects is differentiated."""
    check(case, loss, case.variant, 1)


@claim(
    "lift_types/diff-state-argnums",
    guide=GUIDE,
    across=DIFFERENTIATING,
    styles=STYLES,
    variants=ARGNUMS,
)
def test_diff_state_argnums(case: Case) -> None:
    """Several arguments are differentiated, each by its own DiffState, in the order given."""
    check(case, loss_of_two, case.variant, 2)


@claim(
    "lift_types/diff-state-default",
    guide=GUIDE,
    across=GRADIENTS,
    styles=STYLES,
    variants=DEFAULTS,
)
def test_diff_state_default(case: Case) -> None:
    """Without a DiffState it is the Params that are differentiated, of the first argument."""
    check(case, loss_of_two, case.variant, 2)


@claim(
    "lift_types/diff-state-bare-variable",
    guide=GUIDE,
    across=GRADIENTS,
    variants={
        "param": (nnx.Param, 0),
        "not-param": (Scale, 0),
        "param-by-filter": (nnx.Param, nnx.DiffState(0, nnx.Param)),
        "not-param-by-filter": (Scale, nnx.DiffState(0, Scale)),
    },
)
def test_diff_state_bare_variable(case: Case) -> None:
    """A Variable that is an argument by itself is differentiated, whatever its type."""
    kind, argnums = case.variant
    variable = kind(the_input())

    def cube(variable):
        return (variable[...] ** 3).sum()

    outputs = case.decorate(cube, argnums=argnums)(variable)
    found = outputs[1] if case.transform.name == "value_and_grad" else outputs
    gradients = jax.grad(lambda array: (array**3).sum())(the_input())
    case.equal(
        {"gradients": jax.tree.leaves(found), "variable": variable},
        {"gradients": [gradients], "variable": kind(the_input())},
    )
