"""Writes conformance/faults/table.txt and docs/FAULTS.md: which claims each fault turns red.

    python -m tools.fault_table [-j N] [FAULT...]      # runs the faults; what was run is kept
    python -m tools.fault_table --claims GLOB          # runs them over these claims only
    python -m tools.fault_table --check                # every claim is still turned red

A run is of the installed Flax, which should be the newest. Of faults and claims that are not named
here, what the table has is kept.
"""

import argparse
import fnmatch
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conformance.faults import table
from conformance.faults.fault import Fault
from conformance.faults.table import Pairs, Table
from conformance.harness import environment, records
from conformance.harness.claims import CaseKey
from conformance.harness.records import Record, RecordError
from conformance.harness.subject import version_of
from conformance.harness.verdicts import Verdict
from conformance.report import baselines

CHECKOUT = Path(__file__).parent.parent
SUITE = CHECKOUT / "conformance"
APART = ("faults", "guide", "matrix", "report")  # no run of a case needs them
KEPT = CHECKOUT / ".conformance" / "faults"
PAGE = CHECKOUT / "docs" / "FAULTS.md"
ALL = "*"
SAMPLE = 5  # of the files with no claim that a fault may hit, one in so many is run
QUIET = (
    *("-q", "-n0", "--tb=no", "-p", "no:cacheprovider"),
    *("--no-known-deviations", "--no-header", "--no-summary"),
)


# The same programs are compiled for one fault after the other.
PROGRAMS = {
    "JAX_ENABLE_COMPILATION_CACHE": "true",
    "JAX_COMPILATION_CACHE_DIR": str(KEPT / "programs"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
HEAD = """\
# The faults

Made by `tools/fault_table.py`. A claim that cannot fail says nothing. So NNX is broken on purpose,
in one small way after the other, and each claim, with each transform that it is crossed with (a
pair), must turn red under one of these faults; each fault must turn red nothing but what it says
that it may. `pytest --fault NAME` runs the suite on an NNX that is broken so: any gate can be seen
to go red. What is counted here are the claims of each section that a fault turns red, as seen on
{subject}. Which pairs these are is in `conformance/faults/table.txt`.
"""


def main(arguments: Sequence[str]) -> int:
    """Does what the arguments say; gives 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("faults", nargs="*", metavar="FAULT", help="by default all")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="so many at a time (2)")
    parser.add_argument("--claims", default=ALL, metavar="GLOB", help="by default all")
    parser.add_argument("--check", action="store_true", help="turn every claim red once")
    parser.add_argument("--only", metavar="FAULT", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    environment.prepare(os.environ)
    try:
        if options.only:
            return _prove(options.only, options.claims)
        return _check() if options.check else _make(options.faults, options.claims, options.j)
    except RecordError as error:
        print(f"no baseline is of {_subject()}: {error}", file=sys.stderr)  # noqa: T201
        return 2


def _prove(name: str, claims: str) -> int:
    """Runs one fault in this process, and keeps what it turns red of these claims."""
    from conformance.faults.catalogue import named
    from conformance.faults.proving import Proof, plugins

    fault = named(name)
    proof = Proof(fault, _red_by_itself(), claims)
    options = [*QUIET, "--backend", "cpu", "--fault", name]
    if files := _files(fault, claims):
        ended = pytest.main([*options, *files], plugins=plugins(proof))
        if ended not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return int(ended)
    found = {"ticket": _ticket(name, claims), "red": sorted(proof.red), "errors": proof.errors}
    _kept(name, claims).write_text(json.dumps(found), "utf-8")
    return 0


def _files(fault: Fault, wanted: str) -> list[str]:
    """The files with claims that a fault may hit, and some others: to collect all takes longer."""
    from conformance.faults.catalogue import FAULTS

    hit: list[str] = []
    others: list[str] = []
    for path in sorted(SUITE.glob("*/test_*.py")):
        named = re.findall(r'^@claim\(\s*"([^"]+)"', path.read_text("utf-8"), re.MULTILINE)
        claims = fnmatch.filter(named, wanted)
        if not claims:
            continue
        (hit if any(map(fault.may_hit_some, claims)) else others).append(str(path))
    return hit + others[list(FAULTS).index(fault.name) % SAMPLE :: SAMPLE]


def _check() -> int:
    """Turns every pair of the table red, in one process."""
    from conformance.faults.proving import Check, plugins

    pairs = _suite()
    stored = table.read(pairs)
    assigned = stored.assigned()
    check = Check(assigned, _red_by_itself())
    ended = pytest.main([*QUIET, "--backend", "cpu", str(SUITE)], plugins=plugins(check))
    if ended != pytest.ExitCode.OK:
        return int(ended)
    problems = [
        f"{claim} ({transform}) is not red under {assigned[claim, transform]}"
        for claim, transform in sorted(assigned.keys() - check.red)
    ]
    problems += [f"suite error: {node}: {error}" for node, error in check.errors.items()]
    print(f"{len(check.red)} of {len(assigned)} pairs of claim and transform are turned red")  # noqa: T201
    return _say(problems)


def _make(names: Sequence[str], claims: str, at_a_time: int) -> int:
    """Runs faults, as many at a time as are wanted, and writes what was found of these claims."""
    from conformance.faults.catalogue import FAULTS
    from conformance.faults.proving import beyond

    KEPT.mkdir(parents=True, exist_ok=True)
    wanted = list(names or FAULTS)
    problems = []
    with ThreadPoolExecutor(at_a_time) as pool:
        logs = pool.map(lambda name: _run_apart(name, claims), wanted)
        for name, log in zip(wanted, logs, strict=True):
            if _found(name, claims) is None:
                problems.append(f"{name}: its run did not end: see {log}")
    pairs = _suite()
    kills: dict[str, Pairs] = dict(table.read(pairs).kills) if table.FILE.exists() else {}
    for name, fault in FAULTS.items():
        if (found := _found(name, claims)) is None:
            continue
        others = (pair for pair in kills.get(name, ()) if not fnmatch.fnmatchcase(pair[0], claims))
        kills[name] = frozenset((*others, *((claim, by) for claim, by in found["red"])))
        problems += [f"{name}: may not hit {' '.join(pair)}" for pair in beyond(fault, kills[name])]
        problems += [f"{name}: suite error in {node}" for node in found["errors"]]
        problems += [] if kills[name] else [f"{name}: turns nothing red"]
    ordered = {name: kills[name] for name in FAULTS if name in kills}
    made = Table(_subject(), _pairs_red_by_itself(pairs), ordered)
    table.FILE.write_text(table.text_of(made, pairs), "utf-8")
    PAGE.write_text(page(made), "utf-8")
    problems += [f"no fault turns {' '.join(pair)} red" for pair in sorted(pairs - made.red)]
    return _say(problems)


def page(stored: Table) -> str:
    """The text of docs/FAULTS.md."""
    from conformance.faults.catalogue import FAULTS

    sections = sorted({claim.partition("/")[0] for claim, _ in stored.red})
    claims = {claim for claim, _ in stored.red}
    lines = [HEAD.format(subject=stored.subject)]
    lines += [f"{len(FAULTS)} faults, {len(claims)} claims, {len(stored.red)} pairs.", ""]
    titles = ("fault", "what it breaks", *(name.replace("_", " ") for name in sections), "pairs")
    lines += [_row(titles), _row("---" for _ in titles)]
    for name, kills in stored.kills.items():
        counts = (str(len(_claims_of(kills, section)) or "") for section in sections)
        lines.append(_row((f"`{name}`", FAULTS[name].breaks, *counts, str(len(kills)))))
    lines += ["", "## The faults that turn a claim red", ""]
    for claim in sorted(claims):
        faults = [name for name, kills in stored.kills.items() if claim in _claims_of(kills)]
        lines.append(f"- `{claim}`: {', '.join(faults) or 'none'}")
    lines += ["", "## Red without a fault", ""]
    lines += [f"- `{claim}` ({transform})" for claim, transform in sorted(stored.by_itself)]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _claims_of(kills: Pairs, section: str = "") -> set[str]:
    return {claim for claim, _ in kills if claim.startswith(f"{section}/" if section else "")}


def _say(problems: Sequence[str]) -> int:
    for problem in problems:
        print(problem)  # noqa: T201
    return 1 if problems else 0


def _run_apart(name: str, claims: str) -> Path:
    log = _kept(name, claims).with_suffix(".log")
    if _found(name, claims) is not None:
        return log
    with log.open("w", encoding="utf-8") as words:
        command = [sys.executable, "-m", "tools.fault_table", "--only", name, "--claims", claims]
        subprocess.run(
            command,
            cwd=CHECKOUT,
            env=os.environ | PROGRAMS,
            stdout=words,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return log


def _kept(name: str, claims: str) -> Path:
    return KEPT / f"{name}{'' if claims == ALL else '-part'}.json"


def _found(name: str, claims: str) -> dict[str, Any] | None:
    """What a run of this fault, on this suite and subject, has found."""
    try:
        found: dict[str, Any] = json.loads(_kept(name, claims).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if found["ticket"] == _ticket(name, claims) else None


def _ticket(name: str, claims: str) -> str:
    """What a run of a fault depends on: suite, subject, the file of the fault, and the claims."""
    from conformance.faults.catalogue import file_of

    others = SUITE.glob("*/*.py")
    files = [*SUITE.glob("*.py"), *(path for path in others if path.parent.name not in APART)]
    files += [SUITE / "faults" / f"{part}.py" for part in ("engine", "fault", "graphs", "proving")]
    digest = hashlib.sha256(f"{_subject()} {claims}".encode())
    for path in sorted([*files, file_of(name)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _subject() -> str:
    return f"flax {version_of('flax')}, jax {version_of('jax')}"


def _suite() -> Pairs:
    """Every claim, with each transform that it is crossed with."""
    from tools.claims_page import load_claims

    return frozenset(
        (claim.id, transform) for claim in load_claims() for transform in claim.across or ("-",)
    )


def _baseline() -> Record:
    name = baselines.name_of(str(version_of("flax")), str(version_of("jax")))
    return records.read(baselines.FOLDER / name)


def _red_by_itself() -> frozenset[str]:
    """The cases that are red without a fault."""
    cases = _baseline().cases.values()
    return frozenset(seen.case for seen in cases if seen.verdict is Verdict.BROKEN)


def _pairs_red_by_itself(pairs: Pairs) -> Pairs:
    """The claims and transforms of which every case is red without a fault."""
    red = _red_by_itself()
    keys = map(CaseKey.parse, _baseline().cases.keys() - red)
    held = {(key.claim, key.transform) for key in keys}
    all_red = {(key.claim, key.transform) for key in map(CaseKey.parse, red)}
    return frozenset(all_red - held) & pairs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
