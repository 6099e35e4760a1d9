"""The ways a case can end, and how a failure is told from an error of the suite itself."""

from enum import StrEnum


class Verdict(StrEnum):
    """What a case says of the subject."""

    HELD = "held"
    BROKEN = "broken"
    KNOWN_DEVIATION = "known deviation"
    STALE_DEVIATION = "stale deviation"
    NOT_APPLICABLE = "not applicable"
    SUITE_ERROR = "suite error"


class Observed(StrEnum):
    """How a claim was found broken."""

    WRONG_RESULT = "wrong result"
    NO_ERROR = "no error"
    ERROR = "error"


class ClaimBroken(AssertionError):
    """The subject does not keep the claim; the message says what was found."""

    observed: Observed


class WrongResult(ClaimBroken):
    """What is outside, or what came out, is not what the claim promises."""

    observed = Observed.WRONG_RESULT


class NoError(ClaimBroken):
    """What the claim says is refused was accepted."""

    observed = Observed.NO_ERROR


class SuiteError(Exception):
    """The case itself is wrong: it says nothing about the subject."""


def observed_in(error: BaseException) -> Observed:
    """How `error`, which ended a case, shows the claim broken."""
    return error.observed if isinstance(error, ClaimBroken) else Observed.ERROR
