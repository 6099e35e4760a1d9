"""Changes that what a loop carries does not permit, since its structure is fixed."""

import jax.numpy as jnp

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import Edit
from conformance.models import Block, Count, Layer
from conformance.scan_carry.carrying import CARRYING, substates, whole

GUIDE = "Graph updates propagation"


def add_variable(block, x):
    block.last_input = Count(x)


def add_module(block, x):
    block.third = Layer()


def add_within(block, x):
    block.second.last_input = Count(x)


ADDITIONS = {"variable": add_variable, "module": add_module, "variable-within": add_within}


def remove_variable(block, x):
    del block.second.count


def remove_module(block, x):
    del block.second


REMOVALS = {"variable": remove_variable, "module": remove_module}


def change_shape(block, x):
    kernel = spelling.read(block.second.kernel)
    spelling.write(block.second.kernel, jnp.concatenate([kernel, kernel]))


def change_rank(block, x):
    spelling.write(block.second.kernel, spelling.read(block.second.kernel)[None])


def change_dtype(block, x):
    spelling.write(block.second.kernel, spelling.read(block.second.kernel).astype(jnp.int32))


RETYPINGS = {"shape": change_shape, "rank": change_rank, "dtype": change_dtype}


def rejects(case: Case, match: str) -> None:
    """Holds that a body which makes the variant's change is refused with such a message."""

    def body(block, x):
        y = block(x)
        case.variant(block, x)
        return y

    applied = case.apply(body, Block, edit=Edit.RESIZE)
    case.refuses(applied.call, applied.scene, match=match)


@claim("scan_carry/add-rejected", guide=GUIDE, across=CARRYING, styles=STYLES, variants=ADDITIONS)
def test_add_rejected(case: Case) -> None:
    """A body that adds a sub-state to the carried Module is refused with an error on structure."""
    rejects(whole(case), "structure")


@claim(
    "scan_carry/add-rejected-substates",
    guide=GUIDE,
    across=("scan",),
    styles=STYLES,
    variants=ADDITIONS,
)
def test_add_rejected_substates(case: Case) -> None:
    """A body that adds to the sub-states declared as carry is refused with an error on
    structure."""
    rejects(substates(case), "structure")


@claim("scan_carry/remove-rejected", guide=GUIDE, across=CARRYING, styles=STYLES, variants=REMOVALS)
def test_remove_rejected(case: Case) -> None:
    """A body that removes a sub-state of the carried Module is refused with an error on
    structure."""
    rejects(whole(case), "structure")


@claim(
    "scan_carry/remove-rejected-substates",
    guide=GUIDE,
    across=("scan",),
    styles=STYLES,
    variants=REMOVALS,
)
def test_remove_rejected_substates(case: Case) -> None:
    """A body that removes one of the sub-states declared as carry is refused with an error on
    structure."""
    rejects(substates(case), "structure")


@claim("scan_carry/shape-rejected", guide=GUIDE, across=CARRYING, styles=STYLES, variants=RETYPINGS)
def test_shape_rejected(case: Case) -> None:
    """A body that gives a carried Variable another shape or dtype is refused with an error that
    speaks of types."""
    rejects(whole(case), "type")


@claim(
    "scan_carry/shape-rejected-substates",
    guide=GUIDE,
    across=("scan",),
    styles=STYLES,
    variants=RETYPINGS,
)
def test_shape_rejected_substates(case: Case) -> None:
    """A body that gives a Variable of a carried sub-state another shape or dtype is refused with
    an error that speaks of types."""
    rejects(substates(case), "type")


CHANGES = {
    f"{verb}-{what}": change
    for verb, changes in (("add", ADDITIONS), ("remove", REMOVALS), ("change", RETYPINGS))
    for what, change in changes.items()
}


@claim(
    "scan_carry/rejected-leaves-object",
    guide=GUIDE,
    across=CARRYING,
    styles=("function",),
    variants=CHANGES,
)
def test_rejected_leaves_object(case: Case) -> None:
    """After the error that such a change causes the caller's Module is as it was, and the next
    loop over it does what it would have done without that."""
    loop = whole(case)

    def spoil(block, x):
        y = block(x)
        block.first.label = "spoiled"
        case.variant(block, x)
        return y

    applied = loop.apply(spoil, Block, edit=Edit.RESIZE)
    loop.fails_with(applied.call, applied.scene, Exception)
    given = iter((*applied.objects, Block()))  # the first for the loop, the other for plain Python
    loop.holds(lambda block, x: block(x), lambda _: next(given))
