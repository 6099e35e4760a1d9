"""Writes tox.ini's environments, one per Flax release, from conformance/releases.toml.

    python tools/tox_environments.py

Run it after an edit of that table; tests/test_releases.py fails until then.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.specifiers import SpecifierSet

from conformance.matrix.subjects import PYTHONS

ROOT = Path(__file__).parent.parent
TOX_INI = ROOT / "tox.ini"
HEAD = "# From here on made by tools/tox_environments.py out of conformance/releases.toml.\n"


def python_of(release: Mapping[str, str]) -> str:
    """The oldest Python that the suite, a release and the JAX of its day all run on."""
    asked = SpecifierSet(release["requires_python"]) & SpecifierSet(
        release.get("jax_requires_python", "")
    )
    return next(python for python in PYTHONS if python in asked)


def environments() -> Iterator[str]:
    """The section of each release that was not withdrawn, with the JAX of its day."""
    table = tomllib.loads((ROOT / "conformance" / "releases.toml").read_text("utf-8"))
    releases = [release for release in table["release"] if not release.get("yanked")]
    yield f"\n[newest]\nbase_python = python{python_of(releases[-1])}\n"
    for release in releases:
        yield (
            f"\n[testenv:flax-{release['flax']}]\n"
            f"base_python = python{python_of(release)}\n"
            f"labels = releases\n"
            f"deps =\n"
            f"    flax=={release['flax']}\n"
            f"    jax=={release['jax_of_its_day']}\n"
        )


def with_environments(tox_ini: str) -> str:
    """The text of tox.ini: what is written by hand in it, and the environments as they must be."""
    return "".join((tox_ini.partition(HEAD)[0], HEAD, *environments()))


if __name__ == "__main__":
    TOX_INI.write_text(with_environments(TOX_INI.read_text("utf-8")), "utf-8")
