"""The release that changed a verdict: out of the baselines, and by runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from packaging.version import Version

from conformance.asked import Asked, NotKnown
from conformance.bisect.searching import Change, changes, search
from conformance.bisect.standing import Standing
from conformance.guide.releases import version_named
from conformance.harness.records import RecordError, read
from conformance.matrix.runs import Failed, Result, Workplace
from conformance.matrix.subjects import MatrixError, Wanted
from conformance.report import baselines

Say = Callable[[str], None]


@dataclass
class Runs:
    """Runs of what is asked for, each told as it ends; none is made twice."""

    asked: Asked
    workplace: Workplace
    say: Say

    def __post_init__(self) -> None:
        self._seen: dict[Wanted, Standing | None] = {}

    def verdict(self, wanted: Wanted) -> str:
        """The verdict of a subject; empty where it cannot be made or tested."""
        standing = self.standing(wanted)
        return standing.verdict if standing else ""

    def standing(self, wanted: Wanted) -> Standing | None:
        """How the cases stand with a subject; None where it cannot be made or tested."""
        if wanted not in self._seen:
            self._seen[wanted] = self._run(wanted)
        return self._seen[wanted]

    def _run(self, wanted: Wanted) -> Standing | None:
        result = self.workplace.run(wanted)
        if isinstance(result, Failed):
            self.say(f"{named(wanted)}: skipped: {result.problem}")
            return None
        standing = Standing.of(self.asked, result.record)
        self.say(f"{named(wanted)}: {standing} ({_took(result)})")
        return standing


def told(asked: Asked, subjects: Sequence[Wanted]) -> list[tuple[Wanted, Standing]]:
    """How the cases stand in the baselines of these subjects; empty where one has no baseline.

    Raises NotKnown where the claim has no such case.
    """
    found = []
    for wanted in subjects:
        path = baselines.FOLDER / baselines.name_of(wanted.flax, wanted.jax)
        try:
            record = read(path)
            found.append((wanted, Standing.of(asked, record)))
        except (RecordError, MatrixError):
            return []
        except NotKnown:
            if any(seen.claim == asked.claim for seen in record.cases.values()):
                raise
            return []  # the claim is younger than the baselines
    return found


def history(standings: Sequence[tuple[Wanted, Standing]]) -> list[str]:
    """The releases in a row that stand alike, a line each."""
    lines: list[tuple[str, str, str]] = []
    for wanted, standing in standings:
        words = str(standing)
        if lines and lines[-1][2] == words:
            lines[-1] = (lines[-1][0], wanted.flax, words)
        else:
            lines.append((wanted.flax, wanted.flax, words))
    return [f"{a}: {words}" if a == b else f"{a} to {b}: {words}" for a, b, words in lines]


def by_baselines(standings: Sequence[tuple[Wanted, Standing]]) -> list[Change[Wanted]]:
    """Every change that the baselines tell, oldest first."""
    return changes([(wanted, standing.verdict) for wanted, standing in standings])


def by_runs(subjects: Sequence[Wanted], runs: Runs) -> Change[Wanted] | None:
    """A change between the ends, which are looked at first."""
    return search(subjects, runs.verdict)


def confirmed(change: Change[Wanted], runs: Runs) -> bool:
    """Whether runs on both sides of a change say what it says."""
    sides = runs.verdict(change.before), runs.verdict(change.after)
    return sides == (change.was, change.now)


def ends(subjects: Sequence[Wanted], good: str, bad: str) -> list[Wanted]:
    """The subjects between the two that are named, whichever of them is older, and these.

    Raises MatrixError where there is no such release.
    """
    first, last = _index(subjects, good, 0), _index(subjects, bad, len(subjects) - 1)
    if first == last:
        raise MatrixError("good and bad are the same release: there is nothing between them")
    return list(subjects[min(first, last) : max(first, last) + 1])


def named(wanted: Wanted) -> str:
    """A subject in words."""
    return f"flax {wanted.flax}, jax {wanted.jax or 'as the index chooses'}"


def _index(subjects: Sequence[Wanted], release: str, default: int) -> int:
    if not release:
        return default
    version = version_named(release)
    for index, wanted in enumerate(subjects):
        if version is not None and Version(wanted.flax) == version:
            return index
    raise MatrixError(f"no release of conformance/releases.toml is {release!r}")


def _took(result: Result) -> str:
    return "as before" if result.kept else f"{result.seconds:.0f} s"
