"""What the tests of reports share: records made by hand, and texts that want to be more."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.harness.deviations import Deviation
from conformance.harness.records import Footer, Header, Record, Seen
from conformance.harness.verdicts import Observed, Verdict
from conformance.report.outcomes import Outcome, outcomes
from tests.test_upgrade_page import deviation

# Ends an element, is an element, is Markdown of every kind, ends a line in a script, is no text.
EVIL = (
    "</script><script>window.evil = true</script><img src=x onerror='evil=1'>"
    "&lt; \"quoted\" 'single' `code` ``two`` |cell| **bold** [a](javascript:evil()) @someone #1\n"
    "# title\u2028\u2029\x1b[31m\u202e</details> \ud800"
)

HELD, BROKEN, MISSING = Verdict.HELD, Verdict.BROKEN, Verdict.NOT_APPLICABLE
STALE, ERROR = Verdict.STALE_DEVIATION, Verdict.SUITE_ERROR


def case(
    claim: str, verdict: Verdict, says: str = "lost", *, backend: str = "cpu", **more: str
) -> Seen:
    """A case of a claim; one that is broken is a wrong result that says so.

    `more` are its transform, style and variant, where they are not those of most cases.
    """
    words = {"transform": "jit", "style": "function", "variant": "-"} | more
    key = f"{claim}[{','.join((*words.values(), backend, 'default'))}]"
    failure = (str(Observed.WRONG_RESULT), "WrongResult", says) if verdict is BROKEN else ()
    return Seen(key, verdict, *failure)


def record(
    *cases: Seen,
    flax: str = "0.12.12",
    jax: str = "0.12.0",
    mode: str = "default",
    backends: Sequence[str] = ("cpu",),
    full: bool = False,
) -> Record:
    """A record of these cases."""
    subject = {"flax": flax, "jax": jax, "jaxlib": jax, "python": "3.11.7", "mode": mode}
    header = Header("0.1.0", subject, {name: f"{name} (1 x {name})" for name in backends})
    return Record(header, {seen.case: seen for seen in cases}, Footer(0, len(cases), full))


def known(
    claim: str, cause: str = "It is so.", flax: str = "<99", evidence: str = ""
) -> tuple[Deviation, ...]:
    """One deviation that explains what is lost."""
    one = deviation(cause, claim, flax)
    return (one if not evidence else Deviation(**vars(one) | {"evidence": evidence}),)


def told(*records: Record, by: Sequence[Deviation] = ()) -> list[Outcome]:
    """What becomes of these records."""
    return outcomes(records, by)


def written(path: Path, one: Record) -> Path:
    """The record as a file."""
    header = {"record": 2, **vars(one.header)}
    cases = [{k: v for k, v in vars(seen).items() if v} for seen in one.cases.values()]
    lines: list[Mapping[str, object]] = [header, *cases, vars(one.footer)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path
