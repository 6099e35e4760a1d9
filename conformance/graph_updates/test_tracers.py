"""No tracer stays behind: not in the arguments, not in what the body reaches past them."""

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL, Edit
from conformance.harness.twins import Scene
from conformance.models import Count, Layer

GUIDE = "Graph updates propagation"


def assign_variable(layer, x):
    spelling.write(layer.kernel, x * spelling.read(layer.kernel))


def add_variable(layer, x):
    layer.seen = Count(x * 2)


def add_raw_array(layer, x):
    layer.raw = x * 2


def add_list_of_raw_arrays(layer, x):
    layer.raws = [x, x * 2]


def add_node_list_of_raw_arrays(layer, x):
    layer.raws = spelling.node_list([x, x * 2])


ASSIGNMENTS = {
    "variable_value": (assign_variable, Edit.VALUE),
    "new_variable": (add_variable, Edit.RESIZE),
    "raw_array": (add_raw_array, Edit.RAW),
    "list_of_raw_arrays": (add_list_of_raw_arrays, Edit.RAW),
    "node_list_of_raw_arrays": (add_node_list_of_raw_arrays, Edit.RAW),
}


@claim(
    "graph_updates/no-tracer-outside",
    guide=GUIDE,
    across=ALL,
    styles=("function",),
    variants=ASSIGNMENTS,
)
def test_no_tracer_outside(case: Case) -> None:
    """What the body assigns is outside as a concrete array, or refused; it is never a tracer."""
    assign, edit = case.variant

    def body(layer, x):
        assign(layer, x)
        return layer(x)

    case.holds(body, Layer, edit=edit)


MUTATIONS = {
    "variable_value": assign_variable,
    "new_variable": add_variable,
    "raw_array": add_raw_array,
}


@claim("graph_updates/globals-unsupported", guide=GUIDE, across=ALL, variants=MUTATIONS)
def test_globals_unsupported(case: Case) -> None:
    """A traced value that the body stores in an object of an enclosing scope never stays there."""
    enclosing = Layer()

    def body(layer, x):
        y = layer(x)
        case.variant(enclosing, y)
        return y

    case.leaves_no_tracer(case.apply(body, Layer).call, Scene.of([enclosing]))
