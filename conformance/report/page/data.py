"""What the page knows: outcomes as JSON, in which each text and each finding is there once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import conformance
from conformance.guide.promises import Promise
from conformance.harness.claims import CaseKey
from conformance.harness.deviations import Deviation
from conformance.harness.records import Seen
from conformance.harness.verdicts import MESSAGE_LENGTH, Verdict
from conformance.report.outcomes import WORST_FIRST, Outcome

GUIDE = "https://flax.readthedocs.io/en/latest/guides/transforms.html"
LIMIT = 4_800_000  # bytes of the data; with its looks and its script a page stays below 5 MB
_OF_A_SUBJECT = ("flax", "jax", "jaxlib", "python", "prng")
_SHORT = 400
_SHORTEST = 60
_SPELT_OUT = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


class Outputs(Enum):
    """Of which cases the page holds what came out."""

    OF_ALL = "all"
    OF_FAILING = "failing"
    OF_NONE = "none"


@dataclass(frozen=True)
class Thrift:
    """What a page leaves out so as not to be too large, and what it says about that."""

    outputs: Outputs
    message: int  # characters of what a failure says
    says: str


THRIFTS = (
    Thrift(Outputs.OF_ALL, MESSAGE_LENGTH, ""),
    Thrift(
        Outputs.OF_FAILING,
        MESSAGE_LENGTH,
        "To keep this page small, it shows outputs only of cases that do not hold; "
        "the records have them all.",
    ),
    Thrift(
        Outputs.OF_NONE,
        MESSAGE_LENGTH,
        "To keep this page small, it shows no outputs; the records have them.",
    ),
    *(
        Thrift(
            Outputs.OF_NONE,
            length,
            "To keep this page small, it shows no outputs, and only the first "
            f"{length} characters of what a failure says; the records have all of it.",
        )
        for length in (_SHORT, _SHORTEST)
    ),
)


def data(told: Sequence[Outcome], promises: Mapping[str, Promise], limit: int = LIMIT) -> str:
    """The JSON, fit to stand in a `<script>`: as much of the outcomes as `limit` bytes allow."""
    for thrift in THRIFTS:
        text = escaped(_Tables(promises, thrift).all_of(told))
        if len(text.encode("utf-8", "replace")) <= limit:
            break
    return text


def escaped(value: object) -> str:
    """JSON in which no character can end the element that it stands in, or a line of a script."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_SPELT_OUT)


@dataclass
class _Tables:
    """The tables of a page; in a row, a text, a mapping or a case is its number in its table."""

    promises: Mapping[str, Promise]
    thrift: Thrift
    texts: dict[str, int] = field(default_factory=lambda: {"": 0})
    mappings: dict[tuple[int, ...], int] = field(default_factory=lambda: {(): 0})
    findings: dict[tuple[int, ...], int] = field(default_factory=dict)

    def all_of(self, told: Sequence[Outcome]) -> dict[str, Any]:
        """The whole data."""
        keys = {CaseKey.parse(case) for outcome in told for case in outcome.record.cases}
        claims = self._claims_of(keys)
        cases = sorted({_place(key, claims) for key in keys})
        columns = [column for outcome in told for column in self._columns(outcome, claims, cases)]
        return {
            "suite": conformance.__version__,
            "guide": GUIDE,
            "left_out": self.thrift.says,
            "verdicts": list(WORST_FIRST),
            "claims": [self._claim(claim) for claim in claims],
            "cases": [[number, *map(self._text, words)] for number, _, *words in cases],
            "columns": columns,
            "findings": list(self.findings),
            "mappings": list(self.mappings),
            "texts": list(self.texts),
        }

    def _claims_of(self, keys: set[CaseKey]) -> dict[str, int]:
        """The claims by section, and there in the order of the suite; what it lacks comes last."""
        order = {claim: number for number, claim in enumerate(self.promises)}
        claims = {key.claim for key in keys}
        in_order = sorted(claims, key=lambda c: (c.partition("/")[0], order.get(c, len(order)), c))
        return {claim: number for number, claim in enumerate(in_order)}

    def _claim(self, claim: str) -> list[int]:
        promise = self.promises.get(claim, Promise(claim, "", ""))
        return [self._text(text) for text in (claim, promise.sentence, promise.guide)]

    def _columns(
        self, outcome: Outcome, claims: Mapping[str, int], cases: Sequence["_Place"]
    ) -> Iterator[dict[str, Any]]:
        """A column for each backend and mode of a record."""
        numbers = {place: number for number, place in enumerate(cases)}
        found: dict[tuple[str, str], list[int]] = {}
        for case, seen in outcome.record.cases.items():
            key = CaseKey.parse(case)
            column = found.setdefault((key.backend, key.mode), [-1] * len(cases))
            verdict, deviation = outcome.judged.verdicts[case], outcome.judged.explained.get(case)
            column[numbers[_place(key, claims)]] = self._finding(seen, verdict, deviation)
        header = outcome.record.header
        fault = header.subject.get("fault")
        broken = {"flax": f"{header.subject['flax']} broken by {fault}"} if fault else {}
        for backend, mode in sorted(found, key=lambda pair: outcome.backends.index(pair[0])):
            yield {
                **{name: header.subject.get(name, "") for name in _OF_A_SUBJECT},
                **broken,
                "mode": mode,
                "backend": backend,
                "suite": header.suite,
                "devices": header.backends.get(backend, ""),
                "full": outcome.record.footer.full,
                "found": found[backend, mode],
            }

    def _finding(self, seen: Seen, verdict: Verdict, deviation: Deviation | None) -> int:
        """What was found in a case; what is empty at the end of its row is left out."""
        kept = self.thrift.outputs
        shows = kept is Outputs.OF_ALL or (kept is Outputs.OF_FAILING and bool(seen.observed))
        row = [
            WORST_FIRST.index(verdict),
            *map(self._text, (seen.observed, seen.error, self._cut(seen.message))),
            *map(self._text, (deviation.cause, deviation.evidence) if deviation else ("", "")),
            self._mapping(seen.notes),
            *(self._mapping(each if shows else {}) for each in (seen.outputs, seen.details)),
        ]
        while not row[-1] and len(row) > 1:
            row.pop()
        return self.findings.setdefault(tuple(row), len(self.findings))

    def _cut(self, message: str) -> str:
        length = self.thrift.message
        return message if len(message) <= length else f"{message[:length]}…"

    def _mapping(self, texts: Mapping[str, str]) -> int:
        row = tuple(self._text(text) for pair in texts.items() for text in pair)
        return self.mappings.setdefault(row, len(self.mappings))

    def _text(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))


# A case on any backend: its claim's number, whether its transform is a nest, then its words.
_Place = tuple[int, bool, str, str, str]


def _place(key: CaseKey, claims: Mapping[str, int]) -> _Place:
    """Where a case is: by its claim, single transforms before transforms of transforms."""
    return claims[key.claim], "-of-" in key.transform, key.transform, key.style, key.variant
