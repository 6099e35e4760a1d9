"""The mapping: each passage of each text that Flax shipped, and its claims or why it has none."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.guide.passages import GuideError, Passage
from conformance.guide.promises import SUITE, promises

HERE = Path(__file__).parent
MAPPING_FILE = HERE / "mapping.toml"
TEXTS_FILE = HERE / "texts.toml"


@dataclass(frozen=True)
class Known:
    """What is known of a passage: its claims, or the reason why it has none."""

    claims: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Text:
    """A text of the guide: the releases that ship it, and its passages without their words."""

    releases: tuple[str, ...]
    passages: tuple[Passage, ...]

    @property
    def name(self) -> str:
        """The releases that ship it, as a range."""
        first, last = self.releases[0], self.releases[-1]
        return f"flax {first}" if first == last else f"flax {first} to {last}"

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests of its passages, in order."""
        return tuple(passage.digest for passage in self.passages)


def load_mapping(path: Path = MAPPING_FILE) -> dict[str, Known]:
    """What is known of each passage, by digest; raises GuideError where the file is malformed.

    The file's `reasons` are a table of names and sentences; every other table is a section of the
    guide, in which a digest has either a list of claims or the name of a reason.
    """
    document = _document(path)
    reasons = document.pop("reasons", {})
    known: dict[str, Known] = {}
    for section, passages in document.items():
        if not isinstance(passages, dict):
            raise GuideError(f"{path}: {section!r} must be a table of passages")
        for digest, entry in passages.items():
            if digest in known:
                raise GuideError(f"{path}: {section!r}: passage {digest} is mapped twice")
            known[digest] = _known(f"{path}: {section!r}: passage {digest}", entry, reasons)
    return known


def _known(where: str, entry: object, reasons: Mapping[str, str]) -> Known:
    if isinstance(entry, str):
        if entry not in reasons:
            raise GuideError(f"{where}: {entry!r} is none of the file's reasons")
        return Known((), reasons[entry])
    if isinstance(entry, list) and entry and all(isinstance(claim, str) for claim in entry):
        return Known(tuple(entry), "")
    raise GuideError(f"{where}: must be a list of claims or the name of a reason")


def load_texts(path: Path = TEXTS_FILE) -> tuple[Text, ...]:
    """The texts that releases ship, oldest first; raises GuideError where the file is malformed."""
    try:
        return tuple(
            Text(tuple(text["releases"]), tuple(_stored(text["sections"])))
            for text in _document(path)["text"]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GuideError(f"{path}: not as tools/guide_texts.py makes it: {error!r}") from None


def _stored(sections: Mapping[str, Sequence[str]]) -> Iterator[Passage]:
    for section, lines in sections.items():
        counts: dict[str, int] = {}
        for line in lines:
            kind, digest = line.split()
            counts[kind] = counts.get(kind, 0) + 1
            yield Passage(section, kind, counts[kind], digest, "")


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GuideError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GuideError(f"{path}: not TOML: {error}") from None


def claim_ids(suite: Path = SUITE) -> frozenset[str]:
    """The ids of all claims."""
    return frozenset(promises(suite))
