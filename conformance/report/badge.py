"""The badge: how many claims a subject holds, as JSON for an endpoint of shields.io."""

import json
from collections import Counter
from collections.abc import Sequence

from conformance.harness.verdicts import FINDINGS, Verdict
from conformance.report.escaping import printable
from conformance.report.outcomes import Outcome, claims_held, in_all, is_held


class SeveralSubjects(Exception):
    """A badge speaks of one subject; the message is one line that names those that there are."""


def badge(told: Sequence[Outcome]) -> str:
    """The JSON of one subject, which several records may have seen, on one backend each.

    A claim is held where each of its cases that ran has held, on every backend; a claim that none
    of them could run is not counted. Raises SeveralSubjects.
    """
    names = list(dict.fromkeys(printable(outcome.name) for outcome in told))
    if len(names) > 1:
        raise SeveralSubjects(
            f"a badge is of one subject, and these records are of {len(names)}: "
            f"{names[0]}; {names[1]}{'; …' if names[2:] else ''}"
        )
    claims = list(in_all(told).values())
    backends = dict.fromkeys(backend for outcome in told for backend in outcome.backends)
    held, of = claims_held(told)
    message = f"{held}/{of} claims held on {', '.join(backends)}"
    shown = {
        "schemaVersion": 1,
        "label": "NNX claims",
        "message": message if claims else "no claim was run",
        "color": _color(claims),
    }
    return json.dumps(shown) + "\n"


def _color(claims: Sequence[Counter[Verdict]]) -> str:
    """The worst that there is decides."""
    if not claims:
        return "lightgrey"
    if any(counts[verdict] for counts in claims for verdict in FINDINGS):
        return "red"
    return "brightgreen" if all(map(is_held, claims)) else "yellow"
