"""Explanations: why a mutant that our suite does not notice is as it is, in words of ours."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FILE = Path(__file__).parent / "explained.toml"


class Why(StrEnum):
    """The kinds of explanation. Only the last one asks for a claim or a case."""

    EQUIVALENT = "equivalent"
    IMPORT = "at import"  # no test of either suite runs through it, so that none was asked
    PERFORMANCE = "performance only"
    MODE = "another mode"
    MESSAGE = "error message only"
    BEYOND = "beyond the guide"
    GAP = "gap"


class ExplanationsError(Exception):
    """The explanations cannot be used; the message is one line that says where and why."""


@dataclass(frozen=True)
class Explanation:
    """Why one mutant survives; without a kind, nobody knows."""

    why: Why | None
    words: str


def load(path: Path, flax: str) -> Mapping[str, Explanation]:
    """The explanations of a Flax's mutants, by key; raises ExplanationsError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
        found = {}
        for entry in document.get("survivor", ()):
            if entry["mutant"] in found:
                raise ExplanationsError(f"{path}: {entry['mutant']} is explained twice")
            found[entry["mutant"]] = Explanation(Why(entry["why"]), entry["words"])
        return found if document["flax"] == flax else {}
    except KeyError as error:
        raise ExplanationsError(f"{path}: {error} is missing") from None
    except (OSError, ValueError) as error:
        raise ExplanationsError(f"{path}: {error}") from None
