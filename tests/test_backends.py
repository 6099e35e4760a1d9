"""backends: what JAX reports, what is chosen of it, and how close floats must be there."""

import jax.numpy as jnp
import numpy as np
import pytest

from conformance.harness.backends import Backend, BackendError, present, select, tolerance

HERE = {name: Backend(name, ()) for name in ("gpu", "cpu")}


def test_present_is_what_jax_reports(cpu: Backend) -> None:
    """The CPU is always here, and every device of a backend is on its platform."""
    here = present()

    assert here["cpu"].devices == cpu.devices
    for name, backend in here.items():
        assert backend.name == name
        assert {device.platform for device in backend.devices} == {name}


def test_line_says_kind_and_count(cpu: Backend) -> None:
    """The header's words name the backend, its devices' kind and how many there are."""
    assert cpu.line() == f"cpu ({len(cpu.devices)} x {cpu.devices[0].device_kind})"


@pytest.mark.parametrize(
    ("wanted", "required", "chosen"),
    [
        ([], [], ["gpu", "cpu"]),
        (["cpu"], [], ["cpu"]),
        (["cpu", "gpu"], [], ["gpu", "cpu"]),
        (["cpu", "cpu"], [], ["cpu"]),
        ([], ["cpu"], ["gpu", "cpu"]),
        (["cpu"], ["gpu"], ["cpu"]),
    ],
)
def test_select(wanted: list[str], required: list[str], chosen: list[str]) -> None:
    """All that are here are chosen, or those that are wanted; requiring one chooses nothing."""
    assert list(select(wanted, required, HERE)) == chosen


@pytest.mark.parametrize(("wanted", "required"), [(["tpu"], []), ([], ["tpu"]), (["cpu"], ["tpu"])])
def test_select_what_is_not_here(wanted: list[str], required: list[str]) -> None:
    """One that is wanted or required and not here is named, beside those that are."""
    with pytest.raises(BackendError) as caught:
        select(wanted, required, HERE)

    assert str(caught.value) == "backend 'tpu' is not here: JAX reports gpu, cpu"


@pytest.mark.parametrize(
    ("dtype", "like"),
    [
        (np.float16, np.float16),
        (jnp.bfloat16, np.float16),
        (np.complex64, np.float32),
        (np.complex128, np.float64),
    ],
)
def test_tolerance_goes_by_the_width_of_a_float(dtype: type, like: type) -> None:
    """A complex number is as exact as its parts, and a bfloat16 as another float of two bytes."""
    assert tolerance(np.dtype(dtype)) == tolerance(np.dtype(like))


def test_wider_is_closer() -> None:
    """The wider the float, the closer two must be to be equal."""
    half, single, double = (tolerance(np.dtype(kind))[0] for kind in ("f2", "f4", "f8"))

    assert half > single > double > 0
