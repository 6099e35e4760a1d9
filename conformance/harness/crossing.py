"""The cases of a claim: what it is crossed with, and what this Flax never had."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest

from conformance.harness.claims import SEARCH, CaseKey, Claim
from conformance.harness.lost_cases import words_of
from conformance.harness.nesting import LIFTS
from conformance.harness.subject import at_least

NOT_APPLICABLE = "not applicable: "


@dataclass(frozen=True)
class Crossing:
    """What every claim of a run is crossed with.

    Args:
      backends: the names of those that the run is on.
      mode: of NNX.
      examples: how many scripts a search draws; without any, no claim is searched.
    """

    backends: Collection[str]
    mode: str
    examples: int = 0

    def keys(self, claim: Claim) -> list[CaseKey]:
        """The cases of a claim, those included that this Flax cannot have."""
        return [
            CaseKey(claim.id, transform, style, variant, backend, self.mode)
            for transform in claim.across or ("-",)
            for style in claim.styles or ("-",)
            for variant in self._variants(claim)
            for backend in self.backends
        ]

    def _variants(self, claim: Claim) -> tuple[str, ...]:
        searched = (SEARCH,) if claim.search and self.examples else ()
        return (*(claim.variants or ("-",)), *searched)

    def parameters(self, claim: Claim) -> list[Any]:
        """The cases as pytest takes them: named, marked, and skipped where there is a reason."""
        return [_parameter(claim, key) for key in self.keys(claim)]


def _parameter(claim: Claim, key: CaseKey) -> Any:
    lift = LIFTS.get(key.transform)
    layers = {layer.name for layer in lift.layers} if lift else ()
    marks = [
        getattr(pytest.mark, word)
        for word in (*sorted(layers), key.style, key.backend)
        if word != "-"
    ]
    if reason := not_applicable(claim, key):
        marks.append(pytest.mark.skip(reason=reason))
    return pytest.param((claim, key), id=words_of(key), marks=marks)


def not_applicable(claim: Claim, key: CaseKey) -> str:
    """Why the running Flax cannot have this case: it never had what is claimed. Else empty."""
    since, what = claim.since, "what the claim speaks of"
    lift = LIFTS.get(key.transform)
    if lift and not at_least(lift.since):
        [latest, *_] = [layer for layer in lift.layers if layer.since == lift.since]
        since, what = lift.since, f"nnx.{latest.name}"
    return "" if at_least(since) else f"{NOT_APPLICABLE}{what} came with flax {since}"
