"""settings: options of the gate, and what the environment says where one is not given."""

import argparse
from pathlib import Path

import pytest

from conformance.gate.settings import BadInput, add_options, settle


def settled(*words: str, **environ: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = parser.parse_args(words, argparse.Namespace(pytest=[]))
    settle(options, environ)
    return options


def test_defaults() -> None:
    """Without a word it is what is installed here, on every core."""
    found = settled()
    assert (found.flax, found.jax, found.jobs, found.folder) == (
        *("installed", "newest", "auto"),
        ".conformance",
    )
    assert (found.report_only, found.new_only, found.no_known_deviations) == (False,) * 3


def test_environment() -> None:
    """Every option has a variable; several values are written as words of a shell."""
    found = settled(
        CONFORMANCE_FLAX="0.12.12",
        CONFORMANCE_REQUIRE_BACKEND="cpu gpu",
        CONFORMANCE_SECTION="rngs\n'scan_carry'\n",
        CONFORMANCE_DEVIATIONS="'my known.toml'",
        CONFORMANCE_REPORT_ONLY="true",
        CONFORMANCE_NEW_ONLY="false",
        CONFORMANCE_PYTEST="-k 'one or two'",
        CONFORMANCE_JAX="  ",
    )
    assert (found.flax, found.jax) == ("0.12.12", "newest")
    assert found.require_backend == ["cpu", "gpu"]
    assert found.section == ["rngs", "scan_carry"]
    assert found.deviations == [Path("my known.toml")]
    assert (found.report_only, found.new_only) == (True, False)
    assert found.pytest == ["-k", "one or two"]


def test_an_option_comes_first() -> None:
    """What the command line says counts, whatever the environment says."""
    found = settled(
        *("--flax", "newest", "--section", "rngs"),
        CONFORMANCE_FLAX="0.12.12",
        CONFORMANCE_SECTION="scan_carry",
    )
    assert (found.flax, found.section) == ("newest", ["rngs"])


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("SECTION", "'rngs", "CONFORMANCE_SECTION: no closing quotation"),
        ("REPORT_ONLY", "maybe", "CONFORMANCE_REPORT_ONLY: 'maybe' is neither true nor false"),
    ],
)
def test_malformed(name: str, text: str, complaint: str) -> None:
    """A variable that is not what its option takes is refused in a line that names it."""
    with pytest.raises(BadInput) as refused:
        settled(**{f"CONFORMANCE_{name}": text})
    assert str(refused.value) == complaint
