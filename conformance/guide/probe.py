"""Says which Flax, JAX and backends a Python has. A program of its own, as `kernel` is."""

import json
import platform
import sys
from importlib import metadata
from typing import Any


def found() -> dict[str, Any]:
    """The versions, and the devices by backend, JAX's default first; or why there are none."""
    try:
        versions = {package: metadata.version(package) for package in ("flax", "jax", "jaxlib")}
    except metadata.PackageNotFoundError as error:
        return {"refused": f"{error.name} is not installed"}
    try:
        import jax
        import jax.extend.backend
        from flax import nnx  # noqa: F401

        default = jax.devices()[0].platform
        names = {backend.platform for backend in jax.extend.backend.backends().values()}
        backends = {}
        for name in sorted(names, key=lambda name: (name != default, name)):
            devices = jax.local_devices(backend=name)
            kinds = ", ".join(sorted({device.device_kind for device in devices}))
            backends[name] = f"{name} ({len(devices)} x {kinds})"
    except Exception as error:  # noqa: BLE001  # somebody else's code may raise anything
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        pair = f"flax {versions['flax']} cannot be used with jax {versions['jax']}"
        return {"refused": f"{pair}: {reason}"}
    versions["python"] = platform.python_version()
    return {"versions": versions, "backends": backends}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(found()))
