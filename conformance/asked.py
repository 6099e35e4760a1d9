"""What a user asks for by name: a claim, or some of its cases."""

import difflib
import fnmatch
import functools
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.guide.promises import promises


class NotKnown(Exception):
    """Nothing of the suite has this name; the message is one line that says what is like it."""


@dataclass(frozen=True)
class Asked:
    """A claim, or those of its cases whose parameters match a pattern."""

    claim: str
    pattern: str = "*"

    @classmethod
    def parse(cls, words: str) -> "Asked":
        """What `section/name`, or `section/name[transform,…]` with wildcards, asks for.

        Parameters at the end may be left out. Raises NotKnown where there is no such claim.
        """
        claim, bracket, pattern = words.partition("[")
        known = _claims()
        if claim not in known:
            raise NotKnown(f"there is no claim {claim!r}{like(claim, known)}")
        return cls(claim, pattern.removesuffix("]") if bracket else "*")

    def __str__(self) -> str:
        return self.claim if self.pattern == "*" else f"{self.claim}[{self.pattern}]"

    @property
    def test(self) -> str:
        """The name of the claim's test."""
        return f"test_{self.claim.partition('/')[2].replace('-', '_')}"

    def matches(self, case: str) -> bool:
        """Whether it asks for the case of this key."""
        claim, _, parameters = case.removesuffix("]").partition("[")
        # A bracket would begin a set of characters; labels of variants may hold one.
        pattern = self.pattern.replace("[", "[[]")
        return claim == self.claim and (
            fnmatch.fnmatchcase(parameters, pattern)
            or fnmatch.fnmatchcase(parameters, f"{pattern},*")
        )

    def chosen(self, cases: Iterable[str]) -> list[str]:
        """The cases among these that are asked for; raises NotKnown where there are none."""
        cases = list(cases)
        found = [case for case in cases if self.matches(case)]
        if not found:
            raise NotKnown(f"{self} names no case of the suite{like(str(self), cases)}")
        return found


@functools.cache
def _claims() -> frozenset[str]:
    return frozenset(promises())


def like(name: str, known: Iterable[str]) -> str:
    """The end of a refusal: which known names are like this one."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f": did you mean {' or '.join(near)}?" if near else ""
