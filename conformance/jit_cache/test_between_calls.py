"""How often jit traces, by what happens to its argument between the calls."""

import jax.numpy as jnp
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.jit_cache.calling import Calls, Part, Parts, X
from conformance.models import Block, Count

GUIDE = "Graph updates propagation"
JIT = ("jit",)


def new_values(block):
    spelling.write(block.first.kernel, spelling.read(block.first.kernel) * 2)
    spelling.write(block.second.kernel, jnp.asarray(X * 7))


@claim(
    "jit_cache/stable",
    guide=GUIDE,
    across=JIT,
    styles=STYLES,
    variants={"alone": False, "nested": True},
)
def test_stable(case: Case) -> None:
    """While the structure of the argument stays the same, jit traces once, whatever the values
    and however often it is called."""
    calls = Calls(case, Block.__call__, Block, nested=case.variant)

    traces = calls.make([None, None, new_values, None])

    functions = 2 if case.variant else 1  # a jitted function and the one it calls
    case.equal({"traces": traces}, {"traces": [functions] * 4})


def trade_alike(parts):
    parts.first, parts.second = parts.second, parts.first


def trade_variables(parts):
    first, second = parts.first, parts.second
    first.kept, second.kept = second.kept, first.kept


def replace_module(parts):
    parts.second = Part(8)


def replace_variable(parts):
    parts.state = nnx.Param(jnp.asarray(X * 9))


@claim(
    "jit_cache/same-structure",
    guide=GUIDE,
    across=JIT,
    styles=STYLES,
    variants={
        "modules-trade-places": trade_alike,
        "variables-trade-places": trade_variables,
        "module-replaced": replace_module,
        "variable-replaced": replace_variable,
    },
)
def test_same_structure(case: Case) -> None:
    """Objects that take the place of objects alike leave the structure as it was: jit does not
    trace again, and what it does, it does to the objects that are there now."""
    calls = Calls(case, Parts.__call__, Parts)

    traces = calls.make([None, case.variant, case.variant])

    case.equal({"traces": traces}, {"traces": [1, 1, 1]})


def change_static(parts):
    parts.pick = 3


def add_static(parts):
    parts.repick = 2


def delete_static(parts):
    del parts.pick


def add_variable(parts):
    parts.later = nnx.Param(jnp.asarray(X))


def delete_variable(parts):
    del parts.state


def change_type(parts):
    parts.state = Count(jnp.asarray(X))


def change_metadata(parts):
    parts.state = nnx.Param(jnp.asarray(X), tag="new")


def add_module(parts):
    parts.third = Part(2)


def delete_module(parts):
    del parts.second


def swap(parts):
    parts.first, parts.state = parts.state, parts.first


def share_module(parts):
    parts.third = parts.first


def share_variable(parts):
    parts.later = parts.first.kept


def share_instead(parts):
    parts.second = parts.first


KINDS = (
    change_static,
    add_static,
    delete_static,
    add_variable,
    delete_variable,
    change_type,
    change_metadata,
    add_module,
    delete_module,
    swap,
    share_module,
    share_variable,
    share_instead,
)


@claim(
    "jit_cache/retrace-once",
    guide=GUIDE,
    across=JIT,
    styles=STYLES,
    variants={kind.__name__.replace("_", "-"): kind for kind in KINDS},
)
def test_retrace_once(case: Case) -> None:
    """After one change of structure jit traces once more, and then no more."""
    calls = Calls(case, Parts.__call__, Parts)

    traces = calls.make([None, None, case.variant, None, None])

    case.equal({"traces": traces}, {"traces": [1, 1, 2, 2, 2]})


def restore_static(parts):
    parts.pick = 0


def delete_later(parts):
    del parts.later


def delete_third(parts):
    del parts.third


def unshare(parts):
    parts.second = Part(1)


@claim(
    "jit_cache/return-to-known",
    guide=GUIDE,
    across=JIT,
    styles=STYLES,
    variants={
        "static": (change_static, restore_static),
        "variable": (add_variable, delete_later),
        "module": (add_module, delete_third),
        "alias": (share_module, delete_third),
        "sharing": (share_instead, unshare),
        "swap": (swap, swap),
    },
)
def test_return_to_known(case: Case) -> None:
    """A structure that was there before is known: going back to it, jit does not trace again."""
    there, back = case.variant
    calls = Calls(case, Parts.__call__, Parts)

    traces = calls.make([None, there, back, there, back])

    case.equal({"traces": traces}, {"traces": [1, 2, 2, 2, 2]})


@claim(
    "jit_cache/new-instance",
    guide=GUIDE,
    across=JIT,
    styles=STYLES,
    variants={"built": Parts, "cloned": lambda: nnx.clone(Parts())},
)
def test_new_instance(case: Case) -> None:
    """Another instance of the same structure uses the program that is there: no second trace."""
    calls = Calls(case, Parts.__call__, Parts)

    traces = calls.make([None])
    calls.use(case.variant(), Parts())
    traces += calls.make([replace_variable, None])

    case.equal({"traces": traces}, {"traces": [1, 1, 1]})
