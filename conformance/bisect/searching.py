"""A search for the place where a verdict changes, in as few looks as may be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Look = Callable[[T], str]  # the verdict of one; empty where there is none


@dataclass(frozen=True)
class Change(Generic[T]):
    """A change of the verdict: the last before it and the first after it.

    `between` cannot be judged: where there are any, the change may have come with one of them.
    """

    before: T
    after: T
    was: str
    now: str
    between: tuple[T, ...] = ()


def changes(verdicts: Sequence[tuple[T, str]]) -> list[Change[T]]:
    """Every change in a row of verdicts, oldest first."""
    found: list[Change[T]] = []
    last: tuple[T, str] | None = None
    between: list[T] = []
    for item, verdict in verdicts:
        if not verdict:
            between.append(item)
            continue
        if last and last[1] != verdict:
            found.append(Change(last[0], item, last[1], verdict, tuple(between)))
        last, between = (item, verdict), []
    return found


def search(items: Sequence[T], look: Look[T]) -> Change[T] | None:
    """A change between the ends of `items`; None where both ends have the same verdict, or none.

    It presumes that there is one change. An item without a verdict is skipped, at the ends too.
    """
    seen: dict[int, str] = {}

    def verdict(index: int) -> str:
        if index not in seen:
            seen[index] = look(items[index])
        return seen[index]

    low = next((index for index in range(len(items)) if verdict(index)), None)
    if low is None:
        return None
    high = next(index for index in reversed(range(len(items))) if verdict(index))
    if verdict(low) == verdict(high):
        return None
    while (middle := _middle(low, high, seen)) is not None:
        if not verdict(middle):
            continue
        if verdict(middle) == verdict(low):
            low = middle
        else:
            high = middle
    between = tuple(items[low + 1 : high])
    return Change(items[low], items[high], verdict(low), verdict(high), between)


def _middle(low: int, high: int, seen: dict[int, str]) -> int | None:
    """The place nearest the middle between two that may still have a verdict."""
    inside = [index for index in range(low + 1, high) if seen.get(index, "?")]
    return min(inside, key=lambda index: abs(2 * index - low - high), default=None)
