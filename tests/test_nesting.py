"""nesting: the table of nests, and that each is lifted, and told, as both of its transforms are."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx
from packaging.version import Version

from conformance.harness import crossing, spelling, twins
from conformance.harness.cases import Case
from conformance.harness.descriptions import describe, differences
from conformance.harness.nesting import LIFTS, NESTED
from conformance.harness.subject import at_least
from conformance.harness.transforms import ALL, TRANSFORMS, Answer, Edit, Form
from conformance.models import Layer
from tests.conftest import Suite

pytestmark = pytest.mark.usefixtures("cpu")

HERE = [name for name in NESTED if at_least(NESTED[name].since)]
WITH_ONE_RUN = [name for name in NESTED if any(o.form is Form.ONCE for o in NESTED[name].layers)]

X = np.array([1, 2, 3], np.float32)
ROWS = [X, X + 3, X + 6, X + 9]  # the inputs of four elements, and their kernels
KERNELS = [X, X + 1, X + 2, X + 3]


def layer(element: int, x: Any) -> Any:
    return KERNELS[element] * x + 1


def pairs(values: list[Any]) -> Any:
    """Four values as the elements of a stack of stacks."""
    return np.stack(values).reshape(2, 2, *np.shape(values[0]))


EACH = np.stack([layer(0, ROWS[0]), layer(1, ROWS[1])])
OF_EACH = {("kernel",): np.stack(ROWS[:2])}

# By nest of two that both run the body otherwise than once: the counts afterwards, the output.
MEANINGS: dict[str, tuple[Any, Any]] = {
    "vmap-of-vmap": ([[1, 2], [3, 4]], pairs([layer(e, ROWS[e]) for e in range(4)])),
    "vmap-of-scan": (
        [[1, 2], [3, 4]],
        np.stack([layer(1, layer(0, ROWS[0])), layer(3, layer(2, ROWS[1]))]),
    ),
    "scan-of-vmap": (
        [[1, 2], [3, 4]],
        np.stack([layer(2, layer(0, ROWS[0])), layer(3, layer(1, ROWS[1]))]),
    ),
    "vmap-of-grad": ([1, 2], {"gradients": OF_EACH}),
    "pmap-of-grad": ([1, 2], {"gradients": OF_EACH}),
    "value_and_grad-of-vmap": ([1, 2], {"value": EACH.sum(), "gradients": OF_EACH}),
    "vmap-of-jvp": ([1, 2], {"y": EACH, "tangent": np.stack(KERNELS[:2])}),
    "grad-of-scan": (
        [1, 2],
        {
            "gradients": {
                ("kernel",): np.stack([KERNELS[1] * X, layer(0, X)]),
            }
        },
    ),
}


def use(layer: Layer, x: jax.Array) -> jax.Array:
    return layer(x)


def tell(name: str) -> twins.Told:
    return twins.tell(LIFTS[name], use, [Layer], *LIFTS[name].sizes((None,) * 8))


def test_every_transform_is_nested() -> None:
    """There is no transform that nobody nests here."""
    assert {layer.name for nest in NESTED.values() for layer in nest.layers} == set(ALL)


def test_every_nest_has_a_meaning_here() -> None:
    """The table above and the nests of one run are all."""
    assert {*MEANINGS, *WITH_ONE_RUN} == set(NESTED)


@pytest.mark.parametrize("name", NESTED)
def test_row(name: str) -> None:
    """A nest is as young as the younger of the two, and owes what the stricter of them owes."""
    nest, (outer, inner) = NESTED[name], NESTED[name].layers
    strictness = list(Answer).index

    assert name == nest.name == f"{outer.name}-of-{inner.name}"
    assert Version(nest.since) == max(Version(outer.since), Version(inner.since))
    assert {edit: strictness(nest.answers[edit]) for edit in Edit} == {
        edit: max(strictness(outer.answers[edit]), strictness(inner.answers[edit])) for edit in Edit
    }


@pytest.mark.parametrize("name", MEANINGS)
def test_meaning(name: str) -> None:
    """A nest leaves the objects and gives the outputs that mathematics says."""
    counts, output = MEANINGS[name]
    elements = np.size(counts)
    expected = Layer()
    for variable, values in (
        (expected.kernel, KERNELS[:elements]),
        (expected.count, np.ravel(np.array(counts, np.int32))),
    ):
        whole = np.stack(values).reshape(*np.shape(counts), *np.shape(values[0]))
        spelling.write(variable, jax.numpy.asarray(whole))
    told = tell(name)

    assert differences(twins.Scene.of([expected]).describe(), told.scene) == []
    assert differences(describe({"output": output}), told.outputs) == []


@pytest.mark.parametrize("name", WITH_ONE_RUN)
def test_one_run(name: str) -> None:
    """Where one of two runs its body once, the nest means what the other means."""
    outer, inner = NESTED[name].layers
    other = inner if outer.form is Form.ONCE else outer
    told = tell(name)
    alone = twins.tell(other, use, [Layer], *other.sizes((None,) * 8))

    assert NESTED[name].form is other.form
    assert differences(alone.scene, told.scene) == []
    assert differences(alone.outputs, told.outputs) == []


@pytest.mark.parametrize(
    ("name", "layer"), [(name, layer.name) for name in HERE for layer in NESTED[name].layers]
)
def test_lifted_by_both(
    name: str, layer: str, make_case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is called is nnx.<outer> of nnx.<inner>, as they are at the time of the run."""

    class Called(Exception):
        pass

    def broken(*arguments: Any, **options: Any) -> Any:
        raise Called

    monkeypatch.setattr(nnx, layer, broken)

    with pytest.raises(Called):
        make_case(name).holds(use, Layer)


def test_a_table_of_its_own() -> None:
    """No nest has the name of a transform, so that one look-up serves both."""
    assert LIFTS == {**TRANSFORMS, **NESTED}
    assert len(LIFTS) == len(TRANSFORMS) + len(NESTED)


CLAIM = """
@claim("section/nested", guide="Guide", across=("jit-of-vjp", "vmap-of-vmap", "jit"))
def test_nested(case: Case) -> None:
    '''It is kept.'''
"""


@pytest.mark.parametrize(
    ("mark", "selected"),
    [
        ("jit", ["jit-of-vjp", "jit"]),
        ("vjp", ["jit-of-vjp"]),
        ("vmap", ["vmap-of-vmap"]),
        ("scan", []),
    ],
)
def test_selected_by_either(mark: str, selected: list[str], suite: Suite) -> None:
    """A nest has the marks of both of its transforms."""
    suite.section(CLAIM)

    result = suite.run("--collect-only", "-q", "--strict-markers", "--backend", "cpu", "-m", mark)

    assert [line for line in result.outlines if "::" in line] == [
        f"test_topic.py::test_nested[{name}-cpu]" for name in selected
    ]


def test_not_applicable(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nest is left out where the release never had one of the two, and the reason names it."""
    monkeypatch.setattr(crossing, "at_least", lambda version: Version(version) < Version("0.12.5"))
    suite.section(CLAIM)

    result = suite.run("--backend", "cpu", "-rs")

    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * not applicable: nnx.vjp came with flax 0.12.5"])
