"""The ways a case can end, and how a failure is told from an error of the suite itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.harness.descriptions import Description

MESSAGE_LENGTH = 4000  # characters of what a failure says that are kept


class Verdict(StrEnum):
    """What a case says of the subject."""

    HELD = "held"
    BROKEN = "broken"
    KNOWN_DEVIATION = "known deviation"
    STALE_DEVIATION = "stale deviation"
    NOT_APPLICABLE = "not applicable"
    SUITE_ERROR = "suite error"


# What somebody must look at.
FINDINGS = (Verdict.BROKEN, Verdict.STALE_DEVIATION, Verdict.SUITE_ERROR)


class Observed(StrEnum):
    """How a claim was found broken."""

    WRONG_RESULT = "wrong result"
    NO_ERROR = "no error"
    ERROR = "error"


class ClaimBroken(AssertionError):
    """The subject does not keep the claim; the message says what was found."""

    observed: Observed


class WrongResult(ClaimBroken):
    """What is outside, or what came out, is not what the claim promises.

    Where two descriptions differ, they are `expected` and `found`.
    """

    observed = Observed.WRONG_RESULT

    def __init__(
        self,
        message: str,
        expected: "Description | None" = None,
        found: "Description | None" = None,
    ) -> None:
        super().__init__(message)
        self.expected = expected or {}
        self.found = found or {}


class NoError(ClaimBroken):
    """What the claim says is refused was accepted."""

    observed = Observed.NO_ERROR


class SuiteError(Exception):
    """The case itself is wrong: it says nothing about the subject."""


@dataclass(frozen=True)
class Failure:
    """What is kept of a failure: how the claim was found broken, and the error, in words."""

    observed: Observed
    error: str
    message: str


def failure_in(error: BaseException) -> Failure:
    """The failure that `error`, which ended a case, shows."""
    observed = error.observed if isinstance(error, ClaimBroken) else Observed.ERROR
    return Failure(observed, type(error).__name__, str(error)[:MESSAGE_LENGTH])
