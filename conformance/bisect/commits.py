"""The commit that changed a verdict: git bisects a clone, and each step is a run of the suite."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from conformance.bisect.standing import BROKEN, HELD
from conformance.bisect.step import SKIP, STEP, Plan
from conformance.harness.subject import releases
from conformance.matrix.environments import make, source_requirements
from conformance.matrix.subjects import PYTHONS, MatrixError

Say = Callable[[str], None]
_NO_PART_OF_A_BUILD = ("!/docs/", "!/docs_nnx/", "!/examples/", "!/tests/")
_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Commit:
    """A commit of Flax."""

    id: str
    day: str
    author: str
    subject: str

    def __str__(self) -> str:
        return f"{self.id[:12]} ({self.day}, {self.author}): {self.subject}"

    @property
    def url(self) -> str:
        """Where it can be read."""
        return f"https://github.com/google/flax/commit/{self.id}"


@dataclass(frozen=True)
class Culprit:
    """What a bisection found: the first commit with the other verdict, or those that may be it."""

    was: str
    now: str
    commits: tuple[Commit, ...]


@dataclass(frozen=True)
class Checkout:
    """A user's checkout of Flax, which is read and never written to."""

    folder: Path

    def commit(self, revision: str) -> str:
        """The commit that a revision names; raises MatrixError where there is none."""
        try:
            return git(self.folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except MatrixError:
            git(self.folder, "rev-parse", "--git-dir")  # which says so where it is no repository
            raise MatrixError(f"{self.folder}: there is no revision {revision!r}") from None

    def text(self, commit: str, path: str) -> str:
        """A file as a commit has it; raises MatrixError where it has none."""
        return git(self.folder, "show", f"{commit}:{path}")

    def described(self, commit: str) -> Commit:
        """The words of a commit."""
        said = git(self.folder, "show", "--no-patch", "--format=%H%n%as%n%an%n%s", commit)
        return Commit(*said.split("\n", 3))

    def require_flax(self, commit: str) -> None:
        """Raises MatrixError where a commit is none of Flax."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                text = self.text(commit, "pyproject.toml")
            except MatrixError:
                raise MatrixError(f"{self.folder}: no source tree of Flax") from None
            (Path(folder) / "pyproject.toml").write_text(text, "utf-8")
            try:
                source_requirements(Path(folder))
            except MatrixError as error:
                said = str(error).partition("pyproject.toml: ")[2]
                raise MatrixError(f"{self.folder}: {said}") from None

    @contextmanager
    def clone(self) -> Iterator[Path]:
        """A clone in a place of its own, which is gone afterwards; it borrows what is there."""
        with tempfile.TemporaryDirectory(prefix="nnx-conformance-") as place:
            tree = Path(place) / "flax"
            options = ("--quiet", "--shared", "--no-checkout")
            git(self.folder, "clone", *options, str(self.folder.resolve()), str(tree))
            git(tree, "sparse-checkout", "set", "--no-cone", "/*", *_NO_PART_OF_A_BUILD)
            yield tree

    def jax_of(self, commit: str) -> str:
        """The JAX of the day of the release that a commit leads to; empty where that is unknown.

        Flax names in its source the release that was, or will be, made next.
        """
        try:
            said = re.search(
                r"""__version__ = ["']([^"']+)""", self.text(commit, "flax/version.py")
            )
            version = Version(said[1]).base_version if said else ""
        except (MatrixError, InvalidVersion):
            return ""
        rows = (row for row in releases() if str(row.version) == version)
        return next((row.jax_of_its_day or "" for row in rows), "")


def bisect(checkout: Checkout, good: str, bad: str, plan: Plan, python: str, say: Say) -> Culprit:
    """Finds the first commit between two with another verdict than the older one.

    Raises MatrixError where an end does not have the verdict that it is given with.
    """
    old, new = good, bad
    was, now = HELD, BROKEN
    if newer(checkout, good, bad) == good:
        old, new, was, now = bad, good, BROKEN, HELD
    with checkout.clone() as tree, tempfile.TemporaryDirectory() as folder:
        git(tree, "checkout", "--quiet", "--detach", new)
        pythons = (python,) if python else PYTHONS if plan.jax else PYTHONS[::-1]
        jax = [f"jax=={plan.jax}", f"jaxlib=={plan.jax}"] if plan.jax else ["jax"]
        make(Path(plan.environment), [*source_requirements(tree), *jax], pythons)
        file = Path(folder) / "plan.json"
        plan.meaning(was).write(file)
        for commit, verdict in ((new, now), (old, was)):
            word = "good" if commit == good else "bad"
            git(tree, "checkout", "--quiet", "--detach", commit)
            code = _step(tree, file, say)
            if code == SKIP:
                raise MatrixError(f"{commit[:12]}, given as {word}, cannot be judged")
            if (code == 0) is not (verdict == was):
                found = was if code == 0 else now
                raise MatrixError(f"{commit[:12]}, given as {word}, is {found}")
        git(tree, "bisect", "start", f"--term-old={was}", f"--term-new={now}", new, old)
        left = _bisect_run(tree, file, say)
        commits = left or [git(tree, "rev-parse", f"refs/bisect/{now}")]
    return Culprit(was, now, tuple(map(checkout.described, commits)))


def _bisect_run(tree: Path, plan: Path, say: Say) -> list[str]:
    """Lets git run the steps; gives the commits that are left where it could not decide."""
    left: list[str] = []
    with subprocess.Popen(
        ["git", "bisect", "run", *step_command(plan)],
        cwd=tree,
        env=_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout is not None
        deciding = False
        for line in map(str.rstrip, running.stdout):
            if line.startswith("There are only 'skip'ped commits left"):
                deciding = True
            elif deciding and _SHA.fullmatch(line):
                left.append(line)
            elif line.startswith(("Bisecting:", STEP)):
                say(line.removeprefix(STEP))
    if running.returncode and not left:
        raise MatrixError(f"git bisect run ended with {running.returncode}")
    return left


def step_command(plan: Path) -> list[str]:
    """What git runs at each commit, in its tree: -P, for that is not where to import from."""
    return [sys.executable, "-P", "-m", "conformance.bisect.step", str(plan)]


def _step(tree: Path, plan: Path, say: Say) -> int:
    ended = subprocess.run(
        step_command(plan), cwd=tree, capture_output=True, text=True, check=False, env=_environ()
    )
    for line in ended.stdout.splitlines():
        say(line.removeprefix(STEP))
    if ended.returncode not in (0, 1, SKIP):
        lines = ended.stderr.strip().splitlines()
        raise MatrixError(lines[-1] if lines else f"a step ended with {ended.returncode}")
    return ended.returncode


def _environ() -> dict[str, str]:
    """The process's variables, without what would lead git to another repository, or to a page."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_PAGER": "cat", "LC_ALL": "C"}


def newer(checkout: Checkout, good: str, bad: str) -> str:
    """The one of two commits that descends from the other; where neither does, the bad one."""
    return good if _is_ancestor(checkout.folder, bad, good) else bad


def _is_ancestor(folder: Path, one: str, other: str) -> bool:
    try:
        git(folder, "merge-base", "--is-ancestor", one, other)
    except MatrixError:
        return False
    return True


def git(folder: Path, *arguments: str) -> str:
    """What git says; raises MatrixError with the first line of its complaint."""
    try:
        ended = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=_environ(),
        )
    except FileNotFoundError:
        raise MatrixError("git is not installed") from None
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"git {arguments[0]} failed"]
        raise MatrixError(f"{folder}: {lines[0].removeprefix('fatal: ')}")
    return ended.stdout.strip()
