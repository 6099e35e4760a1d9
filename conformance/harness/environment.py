"""What must be settled before JAX is imported, merged into what the user has set."""

from collections.abc import MutableMapping

CPU_DEVICES = 8

_XLA_FLAGS = {
    "--xla_force_host_platform_device_count": str(CPU_DEVICES),
    # A case's program runs once, so that making it fast is most of what it costs. JAX has the same
    # pair for its own tests (JAX_DISABLE_MOST_OPTIMIZATIONS); a program means the same without.
    "--xla_backend_optimization_level": "0",
    "--xla_llvm_disable_expensive_passes": "true",
}

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
    added = [f"{flag}={value}" for flag, value in _XLA_FLAGS.items() if flag not in flags]
    environ["XLA_FLAGS"] = " ".join([*flags.split(), *added])
    for name, value in _DEFAULTS.items():
        environ.setdefault(name, value)
