"""How the cases that are asked for stand in a record."""

from dataclasses import dataclass

from conformance.asked import Asked
from conformance.harness.records import Record, Seen
from conformance.harness.verdicts import Verdict
from conformance.matrix.subjects import MatrixError

HELD, BROKEN = "held", "broken"


@dataclass(frozen=True)
class Standing:
    """How many cases held with one subject, and which did not.

    Known deviations do not count: what is compared is the raw truth.
    """

    held: int
    failed: tuple[Seen, ...]

    @classmethod
    def of(cls, asked: Asked, record: Record) -> "Standing":
        """How they stand in a record.

        Raises NotKnown where the record has none of them, MatrixError where one is an error of the
        suite, which says nothing about the subject.
        """
        cases = [record.cases[case] for case in asked.chosen(sorted(record.cases))]
        for seen in cases:
            if seen.verdict is Verdict.SUITE_ERROR:
                raise MatrixError(f"{seen.case} is an error of the suite: {first_words(seen)}")
        held = (Verdict.HELD, Verdict.STALE_DEVIATION)
        executed = [seen for seen in cases if seen.verdict is not Verdict.NOT_APPLICABLE]
        failed = tuple(seen for seen in executed if seen.verdict not in held)
        return cls(len(executed) - len(failed), failed)

    @property
    def verdict(self) -> str:
        """`held`, `broken` where a case is, or nothing where none was executed."""
        return BROKEN if self.failed else HELD if self.held else ""

    def __str__(self) -> str:
        cases = self.held + len(self.failed)
        if not cases:
            return "no case was executed"
        number = "1 case" if cases == 1 else f"{cases} cases"
        return f"{BROKEN} ({len(self.failed)} of {number})" if self.failed else f"{HELD} ({number})"


def first_words(seen: Seen) -> str:
    """The error of a case, and the first line of what it says."""
    line = seen.message.strip().partition("\n")[0]
    return ": ".join(filter(None, (seen.error, line)))
