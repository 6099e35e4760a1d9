"""guide.releases: the guide out of a release's source distribution, from a package index."""

import re

import pytest
from packaging.version import Version

from conformance.guide import releases
from conformance.guide.mapping import TEXTS_FILE
from conformance.guide.passages import GuideError
from conformance.harness.subject import releases as table
from tests.guide import INDEX, SDIST, archive, passages, serve
from tools import guide_texts


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What is at which address; an index with flax 1.0 to begin with."""
    return serve(monkeypatch)


def test_guide_of(web: dict[str, bytes]) -> None:
    """A release's guide is read out of its source distribution, from the index that is set."""
    assert releases.guide_of(Version("1.0")) == passages()


def test_another_file(web: dict[str, bytes]) -> None:
    """Any file of the source distribution can be had."""
    name = "docs_nnx/guides/other.md"
    web[SDIST.replace("1.0", "2.0")] = archive(f"flax-2.0/{name}", "# Other\n")

    assert releases.text_of(Version("2.0"), name) == "# Other\n"


@pytest.mark.parametrize(
    ("version", "edit", "message"),
    [
        ("3.0", {}, f"flax 3.0: {INDEX}/flax/ has no source distribution of it"),
        ("2.0", {}, "https://index.example/files/flax-2.0.tar.gz: nothing there"),
        ("1.0", {SDIST: b"other"}, f"flax 1.0: {SDIST} is not what the index says it is"),
        ("1.0", {f"{INDEX}/flax/": b"<html>"}, f"{INDEX}/flax/ does not answer in JSON"),
        (
            "2.0",
            {SDIST.replace("1.0", "2.0"): b"no archive"},
            "flax 2.0: https://index.example/files/flax-2.0.tar.gz cannot be read",
        ),
        (
            "2.0",
            {SDIST.replace("1.0", "2.0"): archive("flax-2.0/README.md")},
            f"flax 2.0: its source distribution holds no {releases.GUIDE_FILE}",
        ),
    ],
)
def test_refused(web: dict[str, bytes], version: str, edit: dict[str, bytes], message: str) -> None:
    """What cannot be had or trusted is refused in one line."""
    web.update(edit)

    with pytest.raises(GuideError, match=f"^{re.escape(message)}") as refused:
        releases.guide_of(Version(version))

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://index.example/", "https://127.0.0.1:1/"]
)
def test_unreachable(address: str) -> None:
    """An address that is not on the web, or does not answer, is told in one line."""
    with pytest.raises(GuideError, match=f"^{re.escape(address)}: ") as refused:
        releases._get(address)

    assert "\n" not in str(refused.value)


@pytest.mark.install
def test_texts_are_those_of_the_releases() -> None:
    """What is stored of every release's guide is what its source distribution holds."""
    guides = [(str(row.version), releases.guide_of(row.version)) for row in table()]

    assert guide_texts.document(guides) == TEXTS_FILE.read_text("utf-8")
