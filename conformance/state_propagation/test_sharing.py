"""References that were shared before the call."""

from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL
from conformance.harness.twins import together
from conformance.models import Layer


class Tied(nnx.Module):
    """Two layers with one kernel and one count; the second layer has two names."""

    def __init__(self, element: int = 0) -> None:
        self.first = Layer(element)
        self.second = Layer(element + 10)
        self.second.kernel = self.first.kernel
        self.second.count = self.first.count
        self.again = self.second


class Holder(nnx.Module):
    """Who holds a layer."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer


def a_module(element):
    return (Tied(element),)


def through_one_module(tied, x):
    return update_one_read_other(tied.first, tied.again, x)


def two_modules(element):
    # The first is what gradients are taken of: what it shares with others would be aliased.
    tied = Tied(element)
    return Layer(element), Holder(tied.first), Holder(tied.again)


def through_two_modules(apart, left, right, x):
    return update_one_read_other(left.layer, right.layer, apart(x))


def update_one_read_other(first, second, x):
    """Updates what two layers share through the one, and reads it through the other."""
    spelling.write(first.kernel, spelling.read(second.kernel) * 2)
    spelling.add(second.count, 10)
    return second(first(x)) * spelling.read(first.count)


SHARING = {
    "within": (through_one_module, together(a_module, 1)),
    "across": (through_two_modules, together(two_modules, 3)),
}


@claim(
    "state_propagation/pre-existing-sharing",
    guide="State propagation",
    across=ALL,
    styles=("function",),
    variants=SHARING,
)
def test_pre_existing_sharing(case: Case) -> None:
    """References shared before the call are so after it; an update is seen through each of them."""
    body, makers = case.variant
    case.holds(body, *makers)
