"""deviations: what an entry must be, which cases it names, and which failure it explains."""

from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from conformance.harness import deviations
from conformance.harness.claims import CaseKey
from conformance.harness.deviations import DeviationsError, load
from conformance.harness.verdicts import Observed

ENTRY = {
    "claims": ["section/name"],
    "flax": "<99",
    "observed": "wrong result",
    "message": "x: expected",
    "cause": "A cache is keyed by identity.",
    "evidence": "https://github.com/google/flax/issues/1",
}
KEY = CaseKey("section/name", "vmap", "method", "axis-1", "cpu", "default")


def toml(**fields: Any) -> str:
    """An entry with these fields changed, or without those that are None."""
    entry = {name: value for name, value in (ENTRY | fields).items() if value is not None}
    return "[[deviation]]\n" + "".join(f"{name} = {value!r}\n" for name, value in entry.items())


def entry(tmp_path: Path, **fields: Any) -> deviations.Deviation:
    path = tmp_path / "deviations.toml"
    path.write_text(toml(**fields))
    (loaded,) = load(path)
    return loaded


# What a file may hold


def test_load(tmp_path: Path) -> None:
    """An entry has what its file says, and speaks of everything where that says nothing."""
    loaded = entry(tmp_path, transforms=["vmap", "p*"])

    assert loaded.source == f"{tmp_path / 'deviations.toml'}: deviation 1"
    assert loaded.claims == ("section/name",)
    assert loaded.transforms == ("vmap", "p*")
    assert loaded.styles == loaded.variants == loaded.backends == ("*",)
    assert loaded.observed is Observed.WRONG_RESULT
    assert loaded.cause == ENTRY["cause"]


def test_load_several(tmp_path: Path) -> None:
    """Entries go by their number in the file."""
    path = tmp_path / "two.toml"
    path.write_text(toml() + toml(observed="no error"))

    assert [loaded.source for loaded in load(path)] == [
        f"{path}: deviation 1",
        f"{path}: deviation 2",
    ]


def test_load_nothing(tmp_path: Path) -> None:
    """A file may hold no entry."""
    path = tmp_path / "none.toml"
    path.write_text("# nothing is known\n")

    assert load(path) == ()


LIST = "must be a list of strings"
TEXT = "must be a string that says something"
MALFORMED = {
    **{f"{name}-missing": (toml(**{name: None}), f"field {name!r} is missing") for name in ENTRY},
    **{
        f"{name}-{label}": (toml(**{name: value}), f"field {name!r} {LIST}")
        for name in ("claims", "transforms", "styles", "variants", "backends")
        for label, value in {"text": "jit", "empty": [], "number": [1], "blank": [" "]}.items()
    },
    **{
        f"{name}-{label}": (toml(**{name: value}), f"field {name!r} {TEXT}")
        for name in ("flax", "jax", "observed", "error", "message", "cause", "evidence")
        for label, value in {"number": 1, "empty": "", "blank": "  ", "list": ["x"]}.items()
    },
    "flax-specifier": (toml(flax="0.12"), "field 'flax' is no version specifier: '0.12'"),
    "jax-specifier": (toml(jax="newest"), "field 'jax' is no version specifier: 'newest'"),
    "observed-else": (
        toml(observed="sad"),
        "field 'observed' must be one of 'wrong result', 'no error', 'error'",
    ),
    "error-missing": (
        toml(observed="error"),
        "field 'error' goes with observed = 'error', and only then",
    ),
    "error-too-much": (
        toml(error="ValueError"),
        "field 'error' goes with observed = 'error', and only then",
    ),
    "unknown": (toml(reason="x"), "field 'reason' is unknown"),
}


@pytest.mark.parametrize(("text", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_entry(text: str, message: str, tmp_path: Path) -> None:
    """A malformed entry is one line that names the file, the entry and the field."""
    path = tmp_path / "mine.toml"
    path.write_text(toml() + text)

    with pytest.raises(DeviationsError) as caught:
        load(path)

    assert str(caught.value) == f"{path}: deviation 2: {message}"


NO_FILE = {
    "not-toml": ("deviation", "not TOML: "),
    "not-text": ("\x00", "not TOML: "),
    "other-table": ("[[deviations]]\nclaims = ['a']", "unknown table 'deviations'"),
    "one-table": ("[deviation]\nclaims = ['a']", "'deviation' must be an array of tables"),
    "no-tables": ("deviation = [1]", "'deviation' must be an array of tables"),
}


@pytest.mark.parametrize(("text", "message"), NO_FILE.values(), ids=NO_FILE)
def test_malformed_file(text: str, message: str, tmp_path: Path) -> None:
    """A file that is no list of entries is one line that names it."""
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(DeviationsError) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(DeviationsError) as caught:
        load(tmp_path / "none.toml")

    assert str(caught.value) == f"{tmp_path / 'none.toml'}: No such file or directory"


# Whom an entry concerns

CONCERNS = [
    ({}, "0.12.12", "0.12.0", True),
    ({"flax": ">=0.11,<0.12"}, "0.11.2", "0.12.0", True),
    ({"flax": ">=0.11,<0.12"}, "0.12.0", "0.12.0", False),
    ({"flax": "==0.12.7"}, "0.12.7", "0.12.0", True),
    ({"flax": "==0.12.*"}, "0.12.7", "0.12.0", True),
    ({"flax": "!=0.12.7"}, "0.12.7", "0.12.0", False),
    ({"flax": "<=0.12.12"}, "0.12.13", "0.12.0", False),
    ({"flax": ">=0.12.7"}, "0.12.8.dev0", "0.12.0", True),
    ({"jax": "<0.8"}, "0.12.12", "0.7.1", True),
    ({"jax": "<0.8"}, "0.12.12", "0.8.0", False),
    ({"jax": ">=0.8"}, "0.12.12", "0.8.1.dev20251010", True),
    ({"backends": ["cpu"]}, "0.12.12", "0.12.0", True),
    ({"backends": ["gpu", "tpu"]}, "0.12.12", "0.12.0", False),
    ({"backends": ["gpu", "c*"]}, "0.12.12", "0.12.0", True),
]


@pytest.mark.parametrize(("fields", "flax", "jax", "expected"), CONCERNS)
def test_concerns(
    fields: dict[str, Any], flax: str, jax: str, expected: bool, tmp_path: Path
) -> None:
    """An entry speaks of the Flax and the JAX in its ranges, and of backends that are here."""
    loaded = entry(tmp_path, **fields)

    assert loaded.concerns(Version(flax), Version(jax), ("cpu",)) == expected


MATCHES = [
    ({}, {}, True),
    ({"claims": ["section/*"]}, {}, True),
    ({"claims": ["*/name"]}, {}, True),
    ({"claims": ["other/name", "section/n*"]}, {}, True),
    ({"claims": ["section/nam"]}, {}, False),
    ({"claims": ["Section/Name"]}, {}, False),
    ({"transforms": ["vmap", "jit"]}, {}, True),
    ({"transforms": ["jit"]}, {}, False),
    ({"transforms": ["*"]}, {"transform": "-"}, True),
    ({"styles": ["function"]}, {}, False),
    ({"variants": ["axis-*"]}, {}, True),
    ({"variants": ["axis-2"]}, {}, False),
    ({"backends": ["gpu"]}, {}, False),
    ({"backends": ["cpu", "gpu"]}, {}, True),
    ({}, {"mode": "x=1"}, False),
]


@pytest.mark.parametrize(("fields", "case", "expected"), MATCHES)
def test_matches(
    fields: dict[str, Any], case: dict[str, str], expected: bool, tmp_path: Path
) -> None:
    """An entry names a case if each of its lists has a glob for it, and never in another mode."""
    key = CaseKey(**(vars(KEY) | case))

    assert entry(tmp_path, **fields).matches(key) == expected


class Odd(ValueError):
    """An error that is a ValueError, too."""


ERROR = {"observed": "error", "error": "ValueError", "message": "no axis"}
EXPLAINS = [
    ({}, Observed.WRONG_RESULT, AssertionError("x: expected 1, found 2"), True),
    ({}, Observed.WRONG_RESULT, AssertionError("y: expected 1, found 2"), False),
    ({}, Observed.NO_ERROR, AssertionError("x: expected 1"), False),
    ({}, Observed.ERROR, AssertionError("x: expected 1"), False),
    (ERROR, Observed.ERROR, ValueError("there is no axis 3"), True),
    (ERROR, Observed.ERROR, ValueError("there is no key"), False),
    (ERROR, Observed.ERROR, TypeError("there is no axis 3"), False),
    (ERROR, Observed.ERROR, Odd("there is no axis 3"), False),
    (ERROR, Observed.WRONG_RESULT, ValueError("there is no axis 3"), False),
]


@pytest.mark.parametrize(("fields", "observed", "error", "expected"), EXPLAINS)
def test_explains(
    fields: dict[str, Any],
    observed: Observed,
    error: Exception,
    expected: bool,
    tmp_path: Path,
) -> None:
    """A failure is explained if it is of the kind, the class and the words of the entry."""
    assert entry(tmp_path, **fields).explains(observed, error) == expected


# What the suite ships

SHIPPED = load(deviations.SHIPPED_FILE)
FUTURE = Version("99")


def test_shipped_entries_end() -> None:
    """A release that is not out yet is judged with no entry to hide behind."""
    open_ended = [found.source for found in SHIPPED if found.flax.contains(FUTURE)]

    assert open_ended == []


def test_shipped_entries_have_evidence() -> None:
    """Every cause can be read up."""
    assert [
        found.source
        for found in SHIPPED
        if not found.evidence.startswith(
            ("https://github.com/google/flax/", "https://github.com/jax-ml/jax/")
        )
    ] == []


def test_shipped_entries_name_cases(sections: dict[str, list[Any]]) -> None:
    """Every entry names cases of the suite, so far as that depends on no release."""
    keys = [
        CaseKey(claim.id, transform, style, variant, backend, "default")
        for functions in sections.values()
        for claim in (function.claim for function in functions)
        for transform in claim.across or ("-",)
        for style in claim.styles or ("-",)
        for variant in claim.variants or ("-",)
        for backend in ("cpu", "gpu", "tpu")
    ]

    assert [found.source for found in SHIPPED if not any(map(found.matches, keys))] == []
