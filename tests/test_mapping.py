"""mapping: the files that say what each passage is mapped to, and the ones that are shipped."""

import re
from pathlib import Path

import pytest

from conformance.guide.mapping import (
    Known,
    claim_ids,
    load_mapping,
    load_texts,
)
from conformance.guide.passages import GuideError, Passage
from conformance.guide.tracing import trace
from conformance.harness.subject import releases
from tests.guide import written

MAPPING = """
[reasons]
why = "says why"

[Shapes]
aa = ["shapes/closed", "shapes/sharp"]
bb = "why"
"""

TEXTS = """
[[text]]
releases = ["1.0", "1.1"]

[text.sections]
"Shapes" = ["sentence aa", "cell bb", "sentence cc"]
"""


def test_load_mapping(tmp_path: Path) -> None:
    """A passage has claims, or a reason why it has none."""
    found = load_mapping(written(tmp_path / "mapping.toml", MAPPING))

    assert found == {
        "aa": Known(("shapes/closed", "shapes/sharp"), ""),
        "bb": Known((), "says why"),
    }


MALFORMED = {
    "absent": (None, ": No such file or directory"),
    "not-toml": ("[Shapes", ": not TOML: "),
    "no-table": ("x = 1", ": 'x' must be a table of passages"),
    "reason": (
        "[Shapes]\naa = 'why'",
        ": 'Shapes': passage aa: 'why' is none of the file's reasons",
    ),
    "empty": ("[Shapes]\naa = []", ": 'Shapes': passage aa: must be a list of claims or the name"),
    "number": (
        "[Shapes]\naa = [1]",
        ": 'Shapes': passage aa: must be a list of claims or the name",
    ),
    "twice": ("[A]\naa = ['a/b']\n[B]\naa = ['a/b']", ": 'B': passage aa is mapped twice"),
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_mapping(tmp_path: Path, content: str | None, message: str) -> None:
    """A malformed mapping is refused in one line that says where."""
    path = tmp_path / "mapping.toml"
    if content is not None:
        written(path, content)

    with pytest.raises(GuideError, match=f"^{re.escape(str(path) + message)}") as refused:
        load_mapping(path)

    assert "\n" not in str(refused.value)


def test_load_texts(tmp_path: Path) -> None:
    """Passages are numbered by kind in their section."""
    (found,) = load_texts(written(tmp_path / "texts.toml", TEXTS))

    assert found.name == "flax 1.0 to 1.1"
    assert found.passages == (
        Passage("Shapes", "sentence", 1, "aa", ""),
        Passage("Shapes", "cell", 1, "bb", ""),
        Passage("Shapes", "sentence", 2, "cc", ""),
    )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "text = 1",
        "[[text]]",
        TEXTS.replace("sentence aa", "aa"),
        TEXTS.replace("[text.", "[x."),
    ],
)
def test_malformed_texts(tmp_path: Path, content: str) -> None:
    """A malformed table of texts is refused in one line that says who makes it."""
    path = written(tmp_path / "texts.toml", content)

    with pytest.raises(GuideError, match=r"texts\.toml: not as tools/guide_texts\.py makes it"):
        load_texts(path)


def test_claim_ids(tmp_path: Path) -> None:
    """The claims are read from the decorators of tests, without running them."""
    (tmp_path / "shapes").mkdir()
    source = '@claim("shapes/closed", guide="G")\n@other("x/y")\ndef test_closed(case): ...'
    written(tmp_path / "shapes" / "test_shapes.py", f'{source}\n\nclaim("a/b")')

    assert claim_ids(tmp_path) == {"shapes/closed"}


# What is shipped


def test_claim_ids_of_the_suite(sections: dict[str, list]) -> None:
    """Reading the source finds the claims that importing it registers."""
    imported = {function.claim.id for functions in sections.values() for function in functions}

    assert claim_ids() == imported


def test_texts_of_all_releases() -> None:
    """Every release has a text; no release has two."""
    listed = [release for text in load_texts() for release in text.releases]

    assert listed == [str(release.version) for release in releases()]


@pytest.mark.parametrize("text", load_texts(), ids=lambda text: text.releases[0])
def test_every_text_is_whole(text) -> None:
    """Every passage of every text is mapped, to claims that are there; no claim is unfounded."""
    found = trace(text.passages, load_mapping(), load_texts(), claim_ids())

    assert found.reference == text
    assert (found.uncovered, dict(found.missing), found.unfounded) == ((), {}, ())
    assert found.is_whole


def test_mapping_has_no_passage_of_no_text() -> None:
    """What no text says is not mapped, and a passage is mapped under its own section."""
    sections = {p.digest: p.section for text in load_texts() for p in text.passages}

    assert set(load_mapping()) == set(sections)


def test_claims_are_mapped_in_their_section(sections: dict[str, list]) -> None:
    """The section of the guide that a claim's test names is one that has a passage of it."""
    known = load_mapping()
    places = {
        (claim, passage.section)
        for text in load_texts()
        for passage in text.passages
        for claim in known[passage.digest].claims
    }
    elsewhere = [
        (function.claim.id, function.claim.guide)
        for functions in sections.values()
        for function in functions
        if (function.claim.id, function.claim.guide) not in places
    ]

    assert elsewhere == []
