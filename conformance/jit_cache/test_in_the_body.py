"""How often jit traces, by what the body does to its argument."""

import jax.numpy as jnp
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.jit_cache.calling import Calls, Part, Parts, X

GUIDE = "Graph updates propagation"
JIT = ("jit",)


def set_static(parts):
    parts.pick = 7


def make_variable(parts):
    if not hasattr(parts, "later"):
        parts.later = nnx.Param(jnp.asarray(X))


def make_module(parts):
    if not hasattr(parts, "third"):
        parts.third = Part(2)


def make_alias(parts):
    parts.third = parts.first


def drop_module(parts):
    if hasattr(parts, "second"):
        del parts.second


CHANGES = {
    "static": set_static,
    "variable": make_variable,
    "module": make_module,
    "alias": make_alias,
    "deletion": drop_module,
}


@claim("jit_cache/retrace-once-inside", guide=GUIDE, across=JIT, styles=STYLES, variants=CHANGES)
def test_retrace_once_inside(case: Case) -> None:
    """A body that changes the structure in the first call only is traced once more, for the
    structure that it made, and then no more."""

    def body(parts, x):
        y = parts(x)
        case.variant(parts)
        return y

    traces = Calls(case, body, Parts).make([None] * 4)

    case.equal({"traces": traces}, {"traces": [1, 2, 2, 2]})


@claim("jit_cache/new-instance-inside", guide=GUIDE, across=JIT, styles=STYLES, variants=CHANGES)
def test_new_instance_inside(case: Case) -> None:
    """A body that changes the structure of its argument is traced once for all instances that
    arrive with the same structure."""

    def body(parts, x):
        y = parts(x)
        case.variant(parts)
        return y

    calls = Calls(case, body, Parts)

    traces = calls.make([None])
    for _ in range(2):
        calls.use(Parts(), Parts())
        traces += calls.make([None])

    case.equal({"traces": traces}, {"traces": [1, 1, 1]})


def count_static(parts):
    parts.pick += 1


def extend_name(parts):
    setattr(parts, f"extra{len(list(spelling.attributes(parts)))}", 2)


def more_variables(parts):
    setattr(parts, f"extra{len(list(spelling.attributes(parts)))}", nnx.Param(jnp.asarray(X)))


def more_modules(parts):
    setattr(parts, f"extra{len(list(spelling.attributes(parts)))}", Part(3))


def more_aliases(parts):
    setattr(parts, f"extra{len(list(spelling.attributes(parts)))}", parts.first)


@claim(
    "jit_cache/continuous",
    guide=GUIDE,
    across=JIT,
    styles=STYLES,
    variants={
        "static-changed": count_static,
        "static-added": extend_name,
        "variable-added": more_variables,
        "module-added": more_modules,
        "alias-added": more_aliases,
    },
)
def test_continuous(case: Case) -> None:
    """A body that changes the structure in every call is traced in every call; what it does is
    right all the same."""

    def body(parts, x):
        y = parts(x)
        case.variant(parts)
        return y

    traces = Calls(case, body, Parts).make([None] * 4)

    case.equal({"traces": traces}, {"traces": [1, 2, 3, 4]})


def sow_and_pop(parts, x):
    parts.first.sow(nnx.Intermediate, "seen", x)
    nnx.pop(parts, nnx.Intermediate)


def sow_and_delete(parts, x):
    parts.first.sow(nnx.Intermediate, "seen", x)
    del parts.first.seen


def set_and_delete(parts, x):
    parts.later = nnx.Param(x)
    del parts.later


def set_module_and_delete(parts, x):
    parts.third = Part(2)
    del parts.third


def share_and_delete(parts, x):
    parts.third = parts.first
    del parts.third


def change_and_restore(parts, x):
    parts.pick, pick = 9, parts.pick
    parts.pick = pick


def swap_and_restore(parts, x):
    first, state = parts.first, parts.state
    parts.first, parts.state = state, first
    parts.first, parts.state = first, state


def delete_and_restore(parts, x):
    second = parts.second
    del parts.second
    parts.second = second


RESTORING = (
    sow_and_pop,
    sow_and_delete,
    set_and_delete,
    set_module_and_delete,
    share_and_delete,
    change_and_restore,
    swap_and_restore,
    delete_and_restore,
)


@claim(
    "jit_cache/no-net-change",
    guide=GUIDE,
    across=JIT,
    styles=STYLES,
    variants={body.__name__.replace("_", "-"): body for body in RESTORING},
)
def test_no_net_change(case: Case) -> None:
    """A body that undoes its own change of structure is traced once: nothing has changed."""

    def body(parts, x):
        y = parts(x)
        case.variant(parts, y)
        return y

    traces = Calls(case, body, Parts).make([None] * 3)

    case.equal({"traces": traces}, {"traces": [1, 1, 1]})


def flip_static(parts):
    parts.pick = 1 - parts.pick


def flip_variable(parts):
    if hasattr(parts, "later"):
        del parts.later
    else:
        parts.later = nnx.Param(spelling.read(parts.state) * 2)


def flip_order(parts):
    parts.first, parts.state = parts.state, parts.first


@claim(
    "jit_cache/return-to-known-inside",
    guide=GUIDE,
    across=JIT,
    styles=STYLES,
    variants={"static": flip_static, "variable": flip_variable, "swap": flip_order},
)
def test_return_to_known_inside(case: Case) -> None:
    """A body that goes back and forth between two structures is traced once for each."""

    def body(parts, x):
        y = parts(x)
        case.variant(parts)
        return y

    traces = Calls(case, body, Parts).make([None] * 5)

    case.equal({"traces": traces}, {"traces": [1, 2, 2, 2, 2]})
