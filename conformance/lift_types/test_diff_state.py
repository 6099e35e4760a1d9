"""Gradients with respect to the sub-state that a filter selects; JAX's own are the oracle."""

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables
from conformance.lift_types.nets import (
    BIAS,
    INNER,
    KERNEL,
    LOSSES,
    PARAMS,
    SCALE,
    Net,
    Path,
    Scale,
    Wanted,
    loss,
    loss_of_two,
    the_input,
)
from conformance.models import Count

GUIDE = "Transforming sub-states (lift types)"
GRADIENTS = ("grad", "value_and_grad")
DIFFERENTIATING = (*GRADIENTS, "custom_vjp")


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
    styles=("function",),
    variants=FILTERS,
)
def test_diff_state(case: Case) -> None:
    """Exactly the sub-state that the filter of a DiffState selects is differentiated."""
    check(case, loss, case.variant, 1)


@claim(
    "lift_types/diff-state-argnums",
    guide=GUIDE,
    across=DIFFERENTIATING,
    styles=("function",),
    variants=ARGNUMS,
)
def test_diff_state_argnums(case: Case) -> None:
    """Several arguments are differentiated, each by its own DiffState, in the order given."""
    check(case, loss_of_two, case.variant, 2)


@claim(
    "lift_types/diff-state-default",
    guide=GUIDE,
    across=GRADIENTS,
    styles=("function",),
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
