"""Attributes that a body updates, adds and deletes."""

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import ALL, Edit
from conformance.models import Block, Count, Layer

GUIDE = "Graph updates propagation"


@claim("graph_updates/update-attribute", guide=GUIDE, across=ALL, styles=STYLES)
def test_update_attribute(case: Case) -> None:
    """A static attribute that the body changes has its new value outside."""

    def body(layer, x):
        layer.label = "used"
        layer.steps = 5
        layer.sizes = (1, 2)
        return layer(x)

    case.holds(body, Layer, edit=Edit.STATIC)


def add_static(block, x):
    block.notes = ["a", 2, False]


def add_variable(block, x):
    block.last_input = Count(x)


def add_module(block, x):
    block.third = Layer()
    spelling.write(block.third.kernel, x + spelling.read(block.first.kernel))
    spelling.write(block.third.count, spelling.read(block.first.count) * 2)


ADDITIONS = {
    "static": (add_static, Edit.STATIC),
    "variable": (add_variable, Edit.RESIZE),
    "module": (add_module, Edit.RESIZE),
}


@claim("graph_updates/add-attribute", guide=GUIDE, across=ALL, styles=STYLES, variants=ADDITIONS)
def test_add_attribute(case: Case) -> None:
    """An attribute that the body adds is there outside, its arrays with the axis of the others."""
    add, edit = case.variant

    def body(block, x):
        add(block, x)
        return block(x)

    case.holds(body, Block, edit=edit)


def delete_static(block):
    if "label" in vars(block):  # in a loop, the first step has deleted it
        del block.label


def delete_variable(block):
    del block.second.count


def delete_module(block):
    del block.second


DELETIONS = {
    "static": (delete_static, Edit.STATIC),
    "variable": (delete_variable, Edit.RESIZE),
    "module": (delete_module, Edit.RESIZE),
}


@claim("graph_updates/delete-attribute", guide=GUIDE, across=ALL, styles=STYLES, variants=DELETIONS)
def test_delete_attribute(case: Case) -> None:
    """An attribute that the body deletes is gone outside."""
    delete, edit = case.variant

    def body(block, x):
        y = block(x)
        delete(block)
        return y

    case.holds(body, Block, edit=edit)
