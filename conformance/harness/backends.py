"""Every backend that JAX reports, as a parameter of every case."""

from dataclasses import dataclass

import jax
import jax.extend.backend
import numpy as np

from conformance.harness.leaf_texts import TOLERANCES


@dataclass(frozen=True)
class Backend:
    """A platform that JAX can run on here, and its devices."""

    name: str
    devices: tuple[jax.Device, ...]

    def line(self) -> str:
        """The backend in the words of the run's header."""
        kinds = sorted({device.device_kind for device in self.devices})
        return f"{self.name} ({len(self.devices)} x {', '.join(kinds)})"


class BackendError(Exception):
    """A backend that was asked for is not here; the message is one line."""


def present() -> dict[str, Backend]:
    """The backends of this process by name, JAX's default first."""
    default = jax.devices()[0].platform
    names = {backend.platform for backend in jax.extend.backend.backends().values()}
    return {
        name: Backend(name, tuple(jax.local_devices(backend=name)))
        for name in sorted(names, key=lambda name: (name != default, name))
    }


def select(wanted: list[str], required: list[str], here: dict[str, Backend]) -> dict[str, Backend]:
    """The backends to run on: all that are here, or those in `wanted`.

    Raises BackendError when one in `wanted` or `required` is not here.
    """
    for name in (*wanted, *required):
        if name not in here:
            raise BackendError(f"backend {name!r} is not here: JAX reports {', '.join(here)}")
    return {name: backend for name, backend in here.items() if not wanted or name in wanted}


def tolerance(dtype: np.dtype) -> tuple[float, float]:
    """The relative and the absolute tolerance within which two floats of `dtype` are equal."""
    width = dtype.itemsize // 2 if np.issubdtype(dtype, np.complexfloating) else dtype.itemsize
    return TOLERANCES.get(width, TOLERANCES[2])
