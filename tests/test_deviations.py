"""deviations: what an entry must be, which cases it names, which failures it explains."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.harness import deviations
from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation, DeviationsError, concerning, judge, load
from conformance.harness.verdicts import Failure, Observed, Verdict

ENTRY = {
    "claims": ["section/name"],
    "flax": "<99",
    "observed": "wrong result",
    "message": "x: expected",
    "cause": "A cache is keyed by identity.",
    "evidence": "https://github.com/google/flax/issues/1",
}
SHARED = {name: ENTRY[name] for name in ("cause", "evidence", "flax")}
FOUND = {name: value for name, value in ENTRY.items() if name not in SHARED}
KEY = CaseKey("section/name", "vmap", "method", "axis-1", "cpu", "default")


def toml(**fields: Any) -> str:
    """An entry with these fields changed, or without those that are None."""
    return table("deviation", ENTRY | fields)


def table(name: str, fields: dict[str, Any]) -> str:
    given = {field: value for field, value in fields.items() if value is not None}
    return f"[[{name}]]\n" + "".join(f"{field} = {value!r}\n" for field, value in given.items())


def several(*found: dict[str, Any], **fields: Any) -> str:
    """An entry that says that several things are found; `fields` are of the entry."""
    tables = [table("deviation.found", FOUND | changed) for changed in found]
    return "".join((table("deviation", SHARED | fields), *tables))


def entry(tmp_path: Path, **fields: Any) -> Deviation:
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


def test_load_found(tmp_path: Path) -> None:
    """What an entry says in tables of their own has its cause and evidence in common."""
    path = tmp_path / "several.toml"
    path.write_text(toml() + several({}, {"claims": ["other/*"], "observed": "no error"}, jax="<1"))

    (_, first, second) = load(path)

    assert first.entry == second.entry == f"{path}: deviation 2"
    assert (first.source, second.source) == (
        f"{path}: deviation 2, found 1",
        f"{path}: deviation 2, found 2",
    )
    assert first.cause == second.cause == ENTRY["cause"]
    assert first.jax == second.jax == SpecifierSet("<1")
    assert (first.claims, second.claims) == (("section/name",), ("other/*",))
    assert (first.observed, second.observed) == (Observed.WRONG_RESULT, Observed.NO_ERROR)


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

MALFORMED_FOUND = {
    **{
        f"{name}-missing": (several({}, **{name: None}), f": field {name!r} is missing")
        for name in SHARED
    },
    **{
        f"found-{name}-missing": (
            several({}, {name: None}),
            f", found 2: field {name!r} is missing",
        )
        for name in FOUND
    },
    **{
        f"found-{name}-blank": (several({name: " "}), f", found 1: field {name!r} {TEXT}")
        for name in ("flax", "jax", "observed", "error", "message")
    },
    "found-claims-text": (several({"claims": "a"}), f", found 1: field 'claims' {LIST}"),
    "found-specifier": (
        several({"flax": "0.12"}),
        ", found 1: field 'flax' is no version specifier: '0.12'",
    ),
    "specifier": (several({}, jax="1"), ": field 'jax' is no version specifier: '1'"),
    "found-error": (
        several({"observed": "error"}),
        ", found 1: field 'error' goes with observed = 'error', and only then",
    ),
    "found-cause": (several({"cause": "x"}), ", found 1: field 'cause' is unknown"),
    "claims-beside": (several({}, claims=["a"]), ": field 'claims' is unknown"),
    "none": (toml(**dict.fromkeys(FOUND), found=[]), ": field 'found' must be an array of tables"),
    "text": (toml(**dict.fromkeys(FOUND), found="x"), ": field 'found' must be an array of tables"),
}


@pytest.mark.parametrize(("text", "message"), MALFORMED_FOUND.values(), ids=MALFORMED_FOUND)
def test_malformed_found(text: str, message: str, tmp_path: Path) -> None:
    """What is malformed in an entry with several tables is named by entry, table and field."""
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(DeviationsError) as caught:
        load(path)

    assert str(caught.value) == f"{path}: deviation 1{message}"


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
    ({"flax": "==0.12.8"}, "0.12.8.dev0", "0.12.0", True),
    ({"flax": "==0.12.8"}, "0.12.8rc1", "0.12.0", True),
    ({"flax": "==0.12.8"}, "0.12.8+local.1", "0.12.0", True),
    ({"flax": "<=0.12.8"}, "0.12.9.dev1", "0.12.0", False),
    ({"flax": ">=0.12.9"}, "0.12.9.dev1", "0.12.0", True),
    ({"flax": "<0.12.9"}, "0.12.9rc1", "0.12.0", False),
    ({"flax": "<=0.12.12"}, "0.12.13.dev0", "0.12.0", False),
    ({"jax": "<0.8"}, "0.12.12", "0.7.1", True),
    ({"jax": "<0.8"}, "0.12.12", "0.8.0", False),
    ({"jax": ">=0.8.1"}, "0.12.12", "0.8.1.dev20251010", True),
    ({"jax": "<0.8.1"}, "0.12.12", "0.8.1.dev20251010", False),
    ({"jax": "==0.8.1"}, "0.12.12", "0.8.1+cuda12", True),
    ({"backends": ["cpu"]}, "0.12.12", "0.12.0", True),
    ({"backends": ["gpu", "tpu"]}, "0.12.12", "0.12.0", False),
    ({"backends": ["gpu", "c*"]}, "0.12.12", "0.12.0", True),
]


@pytest.mark.parametrize(("fields", "flax", "jax", "expected"), CONCERNS)
def test_concerns(
    fields: dict[str, Any], flax: str, jax: str, expected: bool, tmp_path: Path
) -> None:
    """An entry speaks of the Flax and the JAX in its ranges, and of backends that are here.

    A development version is judged as the release that it leads to.
    """
    loaded = entry(tmp_path, **fields)

    assert loaded.concerns(Version(flax), Version(jax), ("cpu",)) == expected


NARROWER = [
    ("<0.12", ">=0.11", {"0.10.7": False, "0.11.2": True, "0.12.0": False}),
    ("<0.12", "<0.13", {"0.11.2": True, "0.12.0": False}),
    ("<0.12", None, {"0.11.2": True, "0.12.0": False}),
]


@pytest.mark.parametrize(("of_entry", "of_found", "expected"), NARROWER)
def test_concerns_narrower(
    of_entry: str, of_found: str | None, expected: dict[str, bool], tmp_path: Path
) -> None:
    """What is found may have a range of its own, but is never said of more than its entry is."""
    path = tmp_path / "deviations.toml"
    path.write_text(several({"flax": of_found}, flax=of_entry))
    (loaded,) = load(path)

    jax = Version("0.8.0")
    assert {flax: loaded.concerns(Version(flax), jax, ("cpu",)) for flax in expected} == expected


def test_concerning(tmp_path: Path) -> None:
    """Those that concern a subject are those in range, and none in another mode."""
    old, new = entry(tmp_path, flax="<0.12"), entry(tmp_path, flax=">=0.12")
    subject = (Version("0.12.0"), Version("0.8.0"))

    assert concerning((old, new), *subject, "default", ("cpu",)) == (new,)
    assert concerning((old, new), *subject, "x=1", ("cpu",)) == ()


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


ERROR = {"observed": "error", "error": "ValueError", "message": "no axis"}
EXPLAINS = [
    ({}, Failure(Observed.WRONG_RESULT, "WrongResult", "x: expected 1, found 2"), True),
    ({}, Failure(Observed.WRONG_RESULT, "WrongResult", "y: expected 1, found 2"), False),
    ({}, Failure(Observed.NO_ERROR, "NoError", "x: expected 1"), False),
    ({}, Failure(Observed.ERROR, "AssertionError", "x: expected 1"), False),
    (ERROR, Failure(Observed.ERROR, "ValueError", "there is no axis 3"), True),
    (ERROR, Failure(Observed.ERROR, "ValueError", "there is no key"), False),
    (ERROR, Failure(Observed.ERROR, "TypeError", "there is no axis 3"), False),
    (ERROR, Failure(Observed.ERROR, "XValueError", "there is no axis 3"), False),
    (ERROR, Failure(Observed.WRONG_RESULT, "ValueError", "there is no axis 3"), False),
]


@pytest.mark.parametrize(("fields", "failure", "expected"), EXPLAINS)
def test_explains(fields: dict[str, Any], failure: Failure, expected: bool, tmp_path: Path) -> None:
    """A failure is explained if it is of the kind, the class and the words of the entry."""
    assert entry(tmp_path, **fields).explains(failure) == expected


FAILURE = Failure(Observed.WRONG_RESULT, "WrongResult", "x: expected 1, found 2")
JUDGED = {
    "held": ([], None, Verdict.HELD, None),
    "broken": ([], FAILURE, Verdict.BROKEN, None),
    "stale": ([{"claims": ["other/*"]}, {}], None, Verdict.STALE_DEVIATION, 1),
    "known": ([{}], FAILURE, Verdict.KNOWN_DEVIATION, 0),
    "first": ([{"message": "y:"}, {"message": "found"}, {}], FAILURE, Verdict.KNOWN_DEVIATION, 1),
    "otherwise": ([{"message": "y:"}], FAILURE, Verdict.BROKEN, None),
    "elsewhere": ([{"claims": ["other/*"]}], FAILURE, Verdict.BROKEN, None),
}


@pytest.mark.parametrize(("entries", "failure", "verdict", "which"), JUDGED.values(), ids=JUDGED)
def test_judge(
    entries: list[dict[str, Any]],
    failure: Failure | None,
    verdict: Verdict,
    which: int | None,
    tmp_path: Path,
) -> None:
    """A case is judged by the first entry that explains it, or that says it must not hold."""
    known = [entry(tmp_path, **fields) for fields in entries]

    expected = None if which is None else known[which]
    assert judge(known, KEY, failure) == (verdict, expected)


# What the suite ships

SHIPPED = load(deviations.SHIPPED_FILE)
FUTURE = Version("99")


def test_shipped_entries_end() -> None:
    """A release that is not out yet is judged with no entry to hide behind."""
    open_ended = [found.source for found in SHIPPED if found.flax.contains(FUTURE)]

    assert open_ended == []


def test_shipped_entries_have_causes_of_their_own() -> None:
    """One cause is one entry, with as many things found as there are ways in which it shows."""
    assert len({found.entry for found in SHIPPED}) == len({found.cause for found in SHIPPED})


def test_shipped_entries_have_evidence() -> None:
    """Every cause can be read up."""
    assert [
        found.source
        for found in SHIPPED
        if not found.evidence.startswith(
            ("https://github.com/google/flax/", "https://github.com/jax-ml/jax/")
        )
    ] == []


def test_shipped_entries_name_cases(keys: frozenset[CaseKey]) -> None:
    """Every entry names cases of the suite, so far as that depends on no release."""
    anywhere = [replace(key, backend=name) for key in keys for name in ("cpu", "gpu", "tpu")]

    assert [found.source for found in SHIPPED if not any(map(found.matches, anywhere))] == []
