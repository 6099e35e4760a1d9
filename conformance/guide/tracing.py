"""A guide's text held against the mapping: what is covered, what is not, what has changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from conformance.guide.mapping import Known, Text
from conformance.guide.passages import Passage

_SHOWN = 60  # characters of a passage that a line shows


@dataclass(frozen=True)
class Change:
    """A place where the text differs from the one that the mapping was made for.

    `before` is what was there, `after` what is there now: either may be empty.
    """

    before: tuple[Passage, ...]
    after: tuple[Passage, ...]


@dataclass(frozen=True)
class Trace:
    """What the mapping says of a text.

    `missing` are the claims that the mapping names and no test has, by the places that name them;
    `unfounded`, the claims that no passage of any text is mapped to.
    """

    passages: tuple[Passage, ...]
    known: Mapping[str, Known]
    reference: Text
    changes: tuple[Change, ...]
    missing: Mapping[str, tuple[str, ...]]
    unfounded: tuple[str, ...]

    @property
    def uncovered(self) -> tuple[Passage, ...]:
        """The passages of which the mapping says nothing."""
        return tuple(passage for passage in self.passages if passage.digest not in self.known)

    @property
    def is_whole(self) -> bool:
        """Whether every passage is covered, nothing has changed, and all claims are there."""
        return not (self.uncovered or self.changes or self.missing or self.unfounded)

    def touched(self, change: Change) -> tuple[str, ...]:
        """The claims of what was there before a change."""
        claims = (self.known[p.digest].claims for p in change.before if p.digest in self.known)
        return tuple(dict.fromkeys(claim for some in claims for claim in some))


def trace(
    passages: Sequence[Passage],
    known: Mapping[str, Known],
    texts: Sequence[Text],
    claims: frozenset[str],
) -> Trace:
    """Holds a text against the mapping, and against the most similar text that it was made for."""
    digests = [passage.digest for passage in passages]
    reference = max(
        reversed(texts), key=lambda text: SequenceMatcher(None, text.digests, digests).ratio()
    )
    matcher = SequenceMatcher(None, reference.digests, digests, autojunk=False)
    changes = tuple(
        Change(reference.passages[first:last], tuple(passages[start:stop]))
        for tag, first, last, start, stop in matcher.get_opcodes()
        if tag != "equal"
    )
    places = {passage.digest: passage.place for text in texts for passage in text.passages}
    missing: dict[str, tuple[str, ...]] = {}
    for digest, entry in known.items():
        for claim in entry.claims:
            if claim not in claims:
                missing[claim] = (*missing.get(claim, ()), places.get(digest, digest))
    named = {claim for entry in known.values() for claim in entry.claims}
    unfounded = tuple(sorted(claims - named))
    return Trace(tuple(passages), known, reference, changes, missing, unfounded)


def summary(found: Trace, name: str) -> Iterator[str]:
    """The lines that a person reads: a count by section, then whatever is not as it should be."""
    sections = dict.fromkeys(passage.section for passage in found.passages)
    rows = [
        ("section", "passages", "covered", "not testable", "uncovered"),
        *(_row(found, section, (section,)) for section in sections),
        _row(found, "all", tuple(sections)),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield f"{name}, against the text of {found.reference.name}"
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
    yield from _complaints(found)


def _row(found: Trace, title: str, sections: tuple[str, ...]) -> tuple[str, ...]:
    inside = [passage for passage in found.passages if passage.section in sections]
    entries = [found.known[p.digest] for p in inside if p.digest in found.known]
    covered = sum(bool(entry.claims) for entry in entries)
    counts = (len(inside), covered, len(entries) - covered, len(inside) - len(entries))
    return (title, *map(str, counts))


def _complaints(found: Trace) -> Iterator[str]:
    told: set[str] = set()
    for change in found.changes:
        told.update(passage.digest for passage in change.after)
        yield f"changed: {_what(change)}"
        yield from (f"  now: {_quoted(passage)}" for passage in change.after)
        touched = found.touched(change)
        yield f"  claims touched: {', '.join(touched) if touched else 'none'}"
    for passage in found.uncovered:
        if passage.digest not in told:
            yield f"uncovered: {_quoted(passage)}"
    for claim, places in found.missing.items():
        yield f"no such claim: {claim}, which is to check {'; '.join(places)}"
    for claim in found.unfounded:
        yield f"no passage: {claim} checks nothing that any text says"


def _what(change: Change) -> str:
    if not change.before:
        return "something is new"
    places = "; ".join(passage.place for passage in change.before)
    return f"{places} is gone" if not change.after else f"{places} is another"


def _quoted(passage: Passage) -> str:
    words = " ".join(passage.words.split())
    shown = words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
    return f"{passage.place} ({passage.digest}): {shown}"


def listing(found: Trace) -> Iterator[str]:
    """Every passage, with what the mapping says of it."""
    for passage in found.passages:
        entry = found.known.get(passage.digest, Known((), "uncovered"))
        yield _quoted(passage)
        yield f"    {', '.join(entry.claims) or entry.reason}"


def of_claim(found: Trace, claim: str) -> Iterator[str]:
    """The passages that a claim checks, in full."""
    for passage in found.passages:
        if passage.digest in found.known and claim in found.known[passage.digest].claims:
            yield f"{passage.place}:"
            yield from (f"    {line}" for line in passage.words.splitlines())
