"""What must be settled before JAX is imported, merged into what the user has set."""

from collections.abc import MutableMapping

CPU_DEVICES = 8
_DEVICE_COUNT_FLAG = "--xla_force_host_platform_device_count"

_DEFAULTS = {
    # Workers share one card: none of them may claim its memory up front.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    # A GPU would otherwise multiply in TF32 and disagree with plain Python in the third digit.
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    # A program from an earlier run is not what is tested, and some JAX load it wrongly: 0.5.1 gives
    # back a while loop that runs no step.
    "JAX_ENABLE_COMPILATION_CACHE": "false",
}


def prepare(environ: MutableMapping[str, str]) -> None:
    """Gives the CPU several devices and the GPU manners; what is already set stays as it is."""
    flags = environ.get("XLA_FLAGS", "")
    if _DEVICE_COUNT_FLAG not in flags:
        environ["XLA_FLAGS"] = f"{flags} {_DEVICE_COUNT_FLAG}={CPU_DEVICES}".strip()
    for name, value in _DEFAULTS.items():
        environ.setdefault(name, value)
