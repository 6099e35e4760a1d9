"""The command `bisect` of `nnx-conformance`."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from packaging.version import Version

from conformance.asked import Asked
from conformance.bisect import commits, releases
from conformance.bisect.commits import Checkout
from conformance.bisect.releases import Runs, named
from conformance.bisect.searching import Change
from conformance.bisect.standing import BROKEN, HELD, Standing, first_words
from conformance.bisect.step import Plan, selection
from conformance.harness import deviations
from conformance.harness.claims import CaseKey
from conformance.harness.subject import DEFAULT_MODE
from conformance.matrix.commands import FOLDER
from conformance.matrix.environments import copy_suite, uv
from conformance.matrix.runs import Workplace
from conformance.matrix.subjects import NEWEST, OF_ITS_DAY, MatrixError, Wanted, wanted
from conformance.report.judging import failure_of

FOUND, NOT_FOUND = 0, 1


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the parser of `nnx-conformance`."""
    parser = commands.add_parser(
        "bisect",
        help="which release, or commit, of Flax changed the verdict of a claim",
        description="Finds the first release of Flax at which a claim is broken, or held again: "
        "out of the baselines that the suite ships, which runs of the two releases at the border "
        "then have to confirm; or, where the baselines do not say, by a binary search of runs. "
        "With a checkout of Flax git bisects its commits. What is compared is the raw truth: known "
        "deviations count as broken. Exits with 0 where the change was found, with 1 where there "
        "is none between the ends, or it cannot be told which one of several it came with.",
    )
    parser.add_argument(
        "claim",
        metavar="CLAIM",
        help="a claim (graph_updates/cycle), or some of its cases, with wildcards: "
        "'graph_updates/cycle[fori_loop,*]'",
    )
    parser.add_argument("--good", default="", metavar="REV", help="where it is held")
    parser.add_argument("--bad", default="", metavar="REV", help="where it is broken")
    parser.add_argument(
        "--checkout",
        type=Path,
        metavar="DIR",
        help="a git repository of Flax, which is not written to: --good and --bad are then "
        "revisions of it, and --bad is HEAD if left out",
    )
    parser.add_argument(
        "--jax",
        default="",
        metavar="JAX",
        help=f"a version, {OF_ITS_DAY!r} (the default) or {NEWEST!r}; with a checkout a version, "
        "by default that of the day of the release that the newer end leads to",
    )
    parser.add_argument("--python", default="", metavar="VERSION", help="as in matrix")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--from-baselines", action="store_true", help="no runs: what the baselines say is all"
    )
    which.add_argument("--no-baselines", action="store_true", help="search by runs from the start")
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help="where environments, records and logs are kept (default: %(default)s)",
    )
    parser.set_defaults(run=_bisect)


def _bisect(options: argparse.Namespace) -> int:
    asked = Asked.parse(options.claim)
    if options.checkout is not None:
        return _commits(options, asked)
    return _releases(options, asked)


def _releases(options: argparse.Namespace, asked: Asked) -> int:
    every = wanted([], [options.jax or OF_ITS_DAY], options.python)
    subjects = releases.ends(every, options.good, options.bad)
    use_baselines = not (options.no_baselines or options.pytest or options.python)
    told = releases.told(asked, subjects) if use_baselines else []
    if options.from_baselines and not told:
        raise MatrixError(
            f"the baselines do not tell of {asked} with this JAX: leave the option out"
        )
    if not options.from_baselines:
        uv()  # without it no release could be judged, and each would be skipped
    runs = Runs(asked, _workplace(options, asked), _say)
    found: Change[Wanted] | None = None
    if told:
        _say(f"{asked}, from the baselines:")
        for line in releases.history(told):
            _say(f"  {line}")
        _require_ends(options, {wanted: standing.verdict for wanted, standing in told})
        known = releases.by_baselines(told)
        if not known:
            return _nothing(subjects)
        found = known[-1]
        if len(known) > 1:
            _say(f"It changed {len(known)} times. This is the last; --good and --bad narrow it:")
        if options.from_baselines:
            return _result(found, dict(told)[found.after])
        _say("Runs on both sides of the change:")
        if not releases.confirmed(found, runs):
            _say("They say otherwise than the baselines: what follows is a search by runs.")
            found = None
    if found is None:
        _say(f"{asked}, by runs; the search presumes that there is one change between the ends:")
        low, high = subjects[0], subjects[-1]
        _require_ends(options, {end: runs.verdict(end) for end in (low, high)})
        found = releases.by_runs(subjects, runs)
    if found is None:
        return _nothing(subjects)
    standing = runs.standing(found.after)
    assert standing is not None
    return _result(found, standing)


def _require_ends(options: argparse.Namespace, verdicts: Mapping[Wanted, str]) -> None:
    """Raises MatrixError where an end that was named is not what it was given as."""
    for release, verdict in ((options.good, HELD), (options.bad, BROKEN)):
        for subject, found in verdicts.items():
            if release and Version(subject.flax) == Version(release) and found != verdict:
                word = "good" if verdict == HELD else "bad"
                is_said = found or "not to be judged"
                raise MatrixError(f"{named(subject)}, given as {word}, is {is_said}")


def _workplace(options: argparse.Namespace, asked: Asked) -> Workplace:
    folder = options.folder.resolve()
    suite = copy_suite(folder)
    return Workplace(folder, suite, (), (*selection(asked), *options.pytest), kept_in="bisections")


def _nothing(subjects: list[Wanted]) -> int:
    low, high = subjects[0].flax, subjects[-1].flax
    _say(f"No change was found between flax {low} and {high}, which have one verdict.")
    _say("Where it changed twice between them, other ends (--good, --bad) find one of the two.")
    return NOT_FOUND


def _result(change: Change[Wanted], standing: Standing) -> int:
    _say(f"{change.was} -> {change.now}: flax {change.after.flax}")
    _say(f"  the last before it: {named(change.before)}; the first after it: {named(change.after)}")
    if change.was == HELD:
        _say(f"  {standing.failed[0].case}: {first_words(standing.failed[0])}")
        _say_known(change.after, standing)
    if change.between:
        left = ", ".join(wanted.flax for wanted in change.between)
        _say(f"  which of these it came with cannot be told, for they could not be judged: {left}")
        return NOT_FOUND
    return FOUND


def _say_known(wanted: Wanted, standing: Standing) -> None:
    """What the suite already knows about the first case that failed."""
    if not wanted.jax:
        return
    known = deviations.load_all((), shipped=True)
    flax, jax = Version(wanted.flax), Version(wanted.jax)
    seen = standing.failed[0]
    key = CaseKey.parse(seen.case)
    here = deviations.concerning(known, flax, jax, DEFAULT_MODE, (key.backend,))
    _, deviation = deviations.judge(here, key, failure_of(seen))
    if deviation:
        _say(f"  known: {deviation.cause}")
        _say(f"  {deviation.evidence}")


def _commits(options: argparse.Namespace, asked: Asked) -> int:
    if not options.good:
        raise MatrixError("--checkout needs --good, a revision at which the claim is held")
    if options.from_baselines or options.no_baselines:
        raise MatrixError("baselines are of releases: no such option goes with --checkout")
    checkout = Checkout(options.checkout)
    good, bad = (checkout.commit(revision) for revision in (options.good, options.bad or "HEAD"))
    if good == bad:
        raise MatrixError("good and bad are the same commit: there is nothing between them")
    for commit in (good, bad):
        checkout.require_flax(commit)
    uv()
    folder = options.folder.resolve()
    kept = folder / "bisections"
    kept.mkdir(parents=True, exist_ok=True)
    jax = options.jax or checkout.jax_of(commits.newer(checkout, good, bad))
    if jax in (OF_ITS_DAY, NEWEST):
        raise MatrixError(f"--jax {jax}: name a version, for commits have no day of their own")
    environment = folder / "environments" / f"commits-jax-{jax or 'newest'}"
    plan = Plan(
        asked.claim,
        asked.pattern,
        str(environment),
        str(kept),
        str(copy_suite(folder)),
        jax,
        tuple(options.pytest),
    )
    _say(f"{asked}, by commits with jax {jax or 'as the index chooses'}:")
    found = commits.bisect(checkout, good, bad, plan, options.python, _say)
    if len(found.commits) == 1:
        [commit] = found.commits
        _say(f"{found.was} -> {found.now}: commit {commit}")
        _say(f"  {commit.url}")
        return FOUND
    _say(f"{found.was} -> {found.now}: one of these, which could not be judged:")
    for commit in found.commits:
        _say(f"  {commit}")
    return NOT_FOUND


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
