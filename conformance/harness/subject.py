"""The subject: which Flax, JAX, jaxlib and Python are tested, and in which NNX mode.

Versions come from the installed metadata, so that a pair that cannot be imported is still named.
"""

import functools
import importlib
import importlib.util
import os
import platform
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path

from packaging.version import Version

FLOOR = Version("0.10.0")
DEFAULT_MODE = "default"
RELEASES_FILE = Path(__file__).parent.parent / "releases.toml"

# Flags that change what NNX transforms mean, with the value that every release gives them.
_NNX_FLAGS = {
    "flax_mutable_array": False,
    "flax_array_ref": False,
    "flax_pytree_module": True,
    "flax_always_shard_variable": True,
    "flax_hijax_variable": False,
    "flax_use_flaxlib": False,
    "nnx_graph_mode": True,
    "nnx_graph_updates": True,
    "nnx_sow_capture_noop": False,
}
_JAX_FLAGS = {"jax_disable_jit": False, "jax_numpy_rank_promotion": "allow"}


class SubjectError(Exception):
    """The subject cannot be tested; the message is one line that says why and what to do."""


@dataclass(frozen=True)
class Subject:
    """What is tested. `mode` is `default`, or the NNX settings that differ from it.

    Where NNX is broken on purpose, `fault` is the name of how, and `breaks` says it in a sentence.
    """

    flax: Version
    jax: Version
    jaxlib: Version
    python: str
    mode: str
    prng: str
    fault: str = ""
    breaks: str = ""

    def lines(self) -> list[str]:
        """The subject in the words of the run's header."""
        lines = [
            f"flax {self.flax}, jax {self.jax}, jaxlib {self.jaxlib}, Python {self.python}",
            f"NNX mode: {self.mode}; PRNG: {self.prng}",
        ]
        if self.fault:
            lines.append(f"NNX is broken on purpose, by the fault {self.fault}: {self.breaks}")
        return lines


@dataclass(frozen=True)
class Release:
    """One row of releases.toml. `jax_of_its_day` and `newest_jax` are None where it was yanked."""

    version: Version
    uploaded: date
    requires_python: str
    jax_of_its_day: str | None
    newest_jax: str | None


@functools.cache
def releases() -> tuple[Release, ...]:
    """The table of Flax releases, oldest first."""
    rows = tomllib.loads(RELEASES_FILE.read_text(encoding="utf-8"))["release"]
    return tuple(
        Release(
            Version(row["flax"]),
            row["uploaded"],
            row["requires_python"],
            row.get("jax_of_its_day"),
            row.get("newest_jax"),
        )
        for row in rows
    )


@functools.cache
def version_of(package: str) -> Version:
    """The installed version of `package`; raises SubjectError where there is none."""
    try:
        return Version(metadata.version(package))
    except metadata.PackageNotFoundError:
        if source := importlib.util.find_spec(package):
            raise SubjectError(
                f"{package} is found at {source.origin} but not installed, so its version is "
                f"unknown: install that source tree with `python -m pip install --no-deps -e`"
            ) from None
        raise SubjectError(
            f"{package} is not installed: install the {package} to be tested, for example "
            f"with `python -m pip install {package}`"
        ) from None


def at_least(release: str) -> bool:
    """Whether the Flax under test is `release` or later, or a development version of it."""
    return version_of("flax").release >= Version(release).release


def load(mode: str = DEFAULT_MODE) -> Subject:
    """Imports the subject and names it.

    Raises SubjectError when Flax or JAX is missing, Flax is older than the guide, the two cannot
    be imported together, or the settings in the environment make another mode than `mode`.
    """
    flax, jax, jaxlib = (version_of(package) for package in ("flax", "jax", "jaxlib"))
    if flax.release < FLOOR.release:
        raise SubjectError(
            f"flax {flax} is older than {FLOOR}, the first release with the transforms guide: "
            f"install flax>={FLOOR}"
        )
    try:
        importlib.import_module("flax.nnx")
    except Exception as error:  # noqa: BLE001 - somebody else's code may raise anything
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise SubjectError(
            f"flax {flax} cannot be imported with jax {jax} ({reason}); {_advice(flax)}"
        ) from None
    imported = importlib.import_module("flax")
    if Version(imported.__version__).release != flax.release:
        raise SubjectError(
            f"flax {flax} is installed, but flax {imported.__version__} is what Python imports, "
            f"from {imported.__file__}: remove the one that is not to be tested"
        )
    found = _mode(os.environ)
    if found != mode:
        raise SubjectError(
            f"the settings in the environment make the NNX mode {found!r}, not {mode!r}: unset "
            f"them, or ask for that mode with --mode '{found}'"
        )
    return Subject(flax, jax, jaxlib, platform.python_version(), found, _prng())


def _advice(flax: Version) -> str:
    for release in releases():
        if release.version == flax and release.jax_of_its_day:
            return f"it runs with jax {release.jax_of_its_day} up to {release.newest_jax}"
    return "no pair of this Flax and a JAX is known: see conformance/releases.toml"


def _mode(environ: Mapping[str, str]) -> str:
    """The settings that differ from the defaults, as `name=value+name=value`, or `default`.

    A flag counts where the environment sets it: a default that Flax itself changes in a later
    release is part of that release, not a mode. A flag that this table does not know yet counts
    whenever it is set.
    """
    flax_config = importlib.import_module("flax").config
    jax_config = importlib.import_module("jax").config
    set_here = []
    for name in sorted(key.lower() for key in environ):
        if name.startswith(("nnx_", "flax_")) and hasattr(flax_config, name):
            value = getattr(flax_config, name)
            if value != _NNX_FLAGS.get(name):
                set_here.append(f"{name}={str(value).lower()}")
        elif name in _JAX_FLAGS and getattr(jax_config, name) != _JAX_FLAGS[name]:
            set_here.append(f"{name}={str(getattr(jax_config, name)).lower()}")
    return "+".join(set_here) or DEFAULT_MODE


def _prng() -> str:
    config = importlib.import_module("jax").config
    partitionable = "partitionable" if config.jax_threefry_partitionable else "not partitionable"
    return f"{config.jax_default_prng_impl}, {partitionable}"
