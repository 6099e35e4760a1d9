"""transforms: the table, and that every entry of it is told apart from its neighbours."""

from collections.abc import Callable
from typing import Any

import jax
import pytest
from flax import nnx
from packaging.version import Version

from conformance.harness.backends import Backend
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES
from conformance.harness.subject import at_least, releases
from conformance.harness.transforms import ALL, ON_DEVICES, TRANSFORMS, Answer, Edit, Form
from conformance.models import Layer

HERE = [name for name in ALL if at_least(TRANSFORMS[name].since)]
# JAX runs the rule of a custom_vjp on the values that there are.
TRACING = [name for name in HERE if name != "custom_vjp"]


def test_the_table_names_what_the_inventory_calls_all() -> None:
    """Every transform that takes a function is in the table."""
    assert set(ALL) == {
        *("vmap", "scan", "jit", "remat", "grad", "value_and_grad", "custom_vjp", "vjp", "jvp"),
        *("cond", "switch", "while_loop", "fori_loop", "pmap", "shard_map", "checkify"),
    }


@pytest.mark.parametrize("name", ALL)
def test_row(name: str) -> None:
    """A row goes by its name, says what it owes for every edit, and since a release that was."""
    transform = TRANSFORMS[name]

    assert transform.name == name
    assert set(transform.answers) == set(Edit)
    assert transform.answers[Edit.VALUE] is Answer.DONE
    assert Version(transform.since) in {release.version for release in releases()}


@pytest.mark.parametrize("name", HERE)
def test_present_since(name: str) -> None:
    """The running Flax has each transform that the since-table gives it."""
    assert callable(getattr(nnx, name))


def test_absent_before() -> None:
    """The running Flax has none that the since-table denies it."""
    assert [name for name in ALL if name not in HERE and hasattr(nnx, name)] == []


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("devices", [1, 2, 8])
def test_elements(name: str, devices: int) -> None:
    """A stack has two elements, one where each needs a device of its own and there is but one."""
    transform = TRANSFORMS[name]
    mapped = transform.form in (Form.MAPPED, Form.SHARDED, Form.THREADED)
    expected = 1 if not mapped or (name in ON_DEVICES and devices == 1) else 2

    assert transform.elements((None,) * devices) == expected


@pytest.mark.parametrize("name", HERE)
def test_body_is_lifted_by_the_transform_of_its_name(
    name: str, make_case: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is called is nnx.<name>, as it is at the time of the run."""

    class Called(Exception):
        pass

    def broken(*arguments: Any, **options: Any) -> Any:
        raise Called

    monkeypatch.setattr(nnx, name, broken)

    with pytest.raises(Called):
        make_case(name).holds(lambda layer, x: layer(x), Layer)


@pytest.mark.parametrize("name", ["pmap", "shard_map"])
def test_runs_on_several_devices(name: str, make_case: Callable[..., Case], cpu: Backend) -> None:
    """What is mapped over devices is on as many as it has elements."""
    if name not in HERE:
        assert not hasattr(nnx, name)
        return
    applied = make_case(name).apply(lambda layer, x: layer(x), Layer)

    assert len(applied.call().devices()) == 2


@pytest.mark.parametrize("name", TRACING)
@pytest.mark.parametrize("style", STYLES)
def test_bodies_are_traced(name: str, style: str, make_case: Callable[..., Case]) -> None:
    """The lifted body does run under the transform: it meets tracers."""
    met: set[bool] = set()

    def body(layer: Layer, x: jax.Array) -> jax.Array:
        y = layer(x)
        met.update(isinstance(value, jax.core.Tracer) for value in (x, y))
        return y

    make_case(name, style).apply(body, Layer).call()

    assert True in met
