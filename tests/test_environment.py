"""environment: what is settled before JAX is imported."""

from typing import Any

import jax
import pytest

from conformance.harness.environment import CPU_DEVICES, prepare
from tests.conftest import Suite

COUNT = "--xla_force_host_platform_device_count"

FLAGS = {
    "unset": (None, f"{COUNT}=8"),
    "empty": ("", f"{COUNT}=8"),
    "others": ("--xla_cpu_use_x=true", f"--xla_cpu_use_x=true {COUNT}=8"),
    "count": (f"{COUNT}=2", f"{COUNT}=2"),
    "count-and-others": (f"--xla_a=1 {COUNT}=3 --xla_b=2", f"--xla_a=1 {COUNT}=3 --xla_b=2"),
}


@pytest.mark.parametrize(("before", "after"), FLAGS.values(), ids=FLAGS)
def test_xla_flags_are_merged(before: str | None, after: str) -> None:
    """The CPU's device count is added to what the user set, and is the user's where they set it."""
    environ = {} if before is None else {"XLA_FLAGS": before}

    prepare(environ)

    assert environ["XLA_FLAGS"] == after


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("XLA_PYTHON_CLIENT_PREALLOCATE", "false"),
        ("JAX_DEFAULT_MATMUL_PRECISION", "highest"),
        ("JAX_ENABLE_COMPILATION_CACHE", "false"),
    ],
)
def test_defaults(name: str, default: str) -> None:
    """A GPU's memory is not claimed up front and it multiplies exactly, and no program comes from
    an earlier run, unless the user says so."""
    untouched: dict[str, str] = {}
    chosen = {name: "mine"}

    prepare(untouched)
    prepare(chosen)

    assert (untouched[name], chosen[name]) == (default, "mine")


def test_twice_is_once() -> None:
    """Preparing again, as a worker does in the environment of its controller, changes nothing."""
    environ: dict[str, str] = {}
    prepare(environ)
    once = dict(environ)

    prepare(environ)

    assert environ == once


def test_other_settings_stay() -> None:
    """Nothing else in the environment is touched."""
    environ = {"HOME": "/home/me", "JAX_PLATFORMS": "cpu"}

    prepare(environ)

    assert environ.items() >= {"HOME": "/home/me", "JAX_PLATFORMS": "cpu"}.items()


def test_this_process(cpu: Any) -> None:
    """The CPU of this very run has several devices, and matrices are multiplied exactly."""
    assert len(cpu.devices) == CPU_DEVICES
    assert jax.config.jax_default_matmul_precision == "highest"


def test_jax_imported_before(suite: Suite) -> None:
    """Where a conftest imported JAX first, matrices are multiplied exactly all the same."""
    chosen = jax.config.jax_default_matmul_precision
    jax.config.update("jax_default_matmul_precision", None)
    try:
        suite.run()
        assert jax.config.jax_default_matmul_precision == chosen
    finally:
        jax.config.update("jax_default_matmul_precision", chosen)
