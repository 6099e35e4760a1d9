"""Variables that a body updates, and what it leaves alone."""

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import ALL
from conformance.models import Block, Layer

GUIDE = "State propagation"


def train(layer, x):
    """Uses a layer, which counts that, and moves its weights by what it gave."""
    y = layer(x)
    spelling.write(layer.kernel, spelling.read(layer.kernel) * 2 + y)
    return y


@claim("state_propagation/update-in-place", guide=GUIDE, across=ALL, styles=STYLES)
def test_update_in_place(case: Case) -> None:
    """A Variable that the body updates has its new value outside: the same Variable and Module."""
    case.holds(train, Layer)


def set_first(layer, x):
    layer.kernel[0] = layer.kernel[1] + x[-1]
    return layer(x)


def set_first_by_array(layer, x):
    kernel = spelling.read(layer.kernel)
    spelling.write(layer.kernel, kernel.at[0].set(kernel[1] + x[-1]))
    return layer(x)


@claim(
    "state_propagation/update-item",
    guide=GUIDE,
    across=ALL,
    styles=("function",),
    since="0.10.7",  # before, an item was written to JAX's array, which refuses that
)
def test_update_item(case: Case) -> None:
    """Of a Variable of which the body reads and writes items, those that it wrote are new outside,
    and no others."""
    case.holds(set_first, Layer, twin=set_first_by_array)


@claim(
    "state_propagation/per-element",
    guide=GUIDE,
    across=("vmap", "pmap", "scan"),
    styles=STYLES,
)
def test_per_element(case: Case) -> None:
    """A mapped Variable is updated element by element: each from its own value and input."""

    def body(layer, x):
        state = spelling.read(layer.kernel) * x + spelling.read(layer.count)
        spelling.write(layer.kernel, state)
        return layer(state)

    case.holds(body, Layer)


@claim("state_propagation/several-modules", guide=GUIDE, across=ALL, styles=("function",))
def test_several_modules(case: Case) -> None:
    """Of several Modules that are passed beside each other, each has its own updates outside."""

    def body(left, right, x):
        return right(train(left, x))

    case.holds(body, Layer, lambda element: Layer(element + 10))


@claim("state_propagation/untouched", guide=GUIDE, across=ALL, styles=("function",))
def test_untouched(case: Case) -> None:
    """What the body does not touch keeps its value, and is the same object as before."""

    def body(block, x):
        return block.first(x)

    case.holds(body, Block)


@claim("state_propagation/repeat", guide=GUIDE, across=ALL, styles=("function",))
def test_repeat(case: Case) -> None:
    """A second call starts from the state that the first one left."""

    def body(layer, x):
        y = layer(x) * spelling.read(layer.count)
        spelling.write(layer.kernel, spelling.read(layer.kernel) + x)
        return y

    case.holds(body, Layer, calls=2)
