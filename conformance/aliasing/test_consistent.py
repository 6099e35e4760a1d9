"""One object that is reached several times, and treated alike each time."""

import dataclasses
from collections.abc import Callable
from typing import Any

from flax import nnx

from conformance.aliasing.ways import DIFFERENTIATING, LAYING_OUT, MAPPING, lift, use_both, whole
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL, RULE, Body, Setting
from conformance.harness.twins import Maker
from conformance.models import Layer

GUIDE = "Consistent aliasing"


def twice() -> tuple[Maker, Maker]:
    """Makers of two arguments, which are one object for each element."""
    made: list[Layer] = []

    def make(element: int) -> Layer:
        made.append(Layer(element))
        return made[-1]

    return make, lambda element: made[-1]


def with_common_count() -> tuple[Maker, Maker]:
    """Makers of two layers that share the Variable in which they count."""
    made: list[Layer] = []

    def make(element: int) -> Layer:
        made.append(Layer(element))
        return made[-1]

    def make_another(element: int) -> Layer:
        layer = Layer(element + 10)
        layer.count = made[-1].count
        return layer

    return make, make_another


def differentiate_both(body: Body, setting: Setting) -> Callable[..., Any]:
    return nnx.grad(lambda *arguments: body(*arguments).sum(), argnums=(0, 1))


def value_and_both(body: Body, setting: Setting) -> Callable[..., Any]:
    return nnx.value_and_grad(lambda *arguments: body(*arguments).sum(), argnums=(0, 1))


def with_rule(body: Body, setting: Setting) -> Callable[..., Any]:
    """A custom_vjp whose rule gives no object a gradient, in the form in which it was asked."""
    custom = nnx.custom_vjp(body)

    def backward(_: None, cotangents: Any) -> Any:
        (*objects, _), y = cotangents
        return (*objects, RULE * y)

    custom.defvjp(lambda *arguments: (body(*arguments), None), backward)
    return nnx.value_and_grad(lambda *arguments: custom(*arguments).sum(), argnums=setting.objects)


def first_gradients(outputs: Any) -> dict[str, Any]:
    """What is found of the gradients of two arguments that are one object: those of the first."""
    return {"gradients": spelling.state_arrays(outputs[0])}


LIFTS = {
    "grad": {"lift": differentiate_both, "read": first_gradients},
    "value_and_grad": {
        "lift": value_and_both,
        "read": lambda outputs: {"value": outputs[0]} | first_gradients(outputs[1]),
    },
    "custom_vjp": {"lift": with_rule},
}


def treats_alike(case: Case) -> Case:
    """The case with a lift that treats all of its objects alike."""
    lift = LIFTS.get(case.transform.name, {})
    return dataclasses.replace(case, transform=dataclasses.replace(case.transform, **lift))


@claim("aliasing/consistent-accepted", guide=GUIDE, across=ALL, styles=("function",))
def test_consistent_accepted(case: Case) -> None:
    """An object that is passed twice, and treated alike, is one object inside and outside: each
    use of it is counted, through whichever argument."""
    inside: set[bool] = set()

    def body(layer, again, x):
        inside.add(layer is again and layer.count is again.count)
        return again(layer(x))

    treats_alike(case).holds(body, *twice())
    case.equal({"one object inside": inside}, {"one object inside": {True}})


@claim(
    "aliasing/shared-variable-accepted",
    guide=GUIDE,
    across=("vmap", "scan", "jit", "grad", "while_loop"),
    styles=("function",),
)
def test_shared_variable_accepted(case: Case) -> None:
    """A Variable that two arguments share, and that is treated alike, is one inside and outside."""
    inside: set[bool] = set()

    def body(layer, other, x):
        inside.add(layer.count is other.count)
        return other(layer(x))

    treats_alike(case).holds(body, *with_common_count())
    case.equal({"one Variable inside": inside}, {"one Variable inside": {True}})


def spelled_twice(case: Case) -> tuple[Any, Any]:
    """A lift type, and a prefix that says of the whole object what it says of each sub-state."""
    if case.transform.name in DIFFERENTIATING:
        return nnx.DiffState(0, nnx.Param), 1
    split, replicated = whole(case)
    prefix = replicated if case.transform.name == "jit" else split
    kind = nnx.StateAxes if case.transform.name in MAPPING else nnx.StateSharding
    return kind({nnx.Param: prefix, ...: prefix}), prefix


@claim(
    "aliasing/equivalent-accepted",
    guide=GUIDE,
    across=(*MAPPING, *LAYING_OUT, *DIFFERENTIATING),
    styles=("function",),
)
def test_equivalent_accepted(case: Case) -> None:
    """An object may be passed both under a prefix and under a lift type that means the same."""
    lifted = lift(case, use_both, *spelled_twice(case))
    transform = dataclasses.replace(treats_alike(case).transform, lift=lambda body, setting: lifted)
    dataclasses.replace(case, transform=transform).holds(use_both, *twice())
