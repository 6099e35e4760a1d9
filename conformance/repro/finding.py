"""From the name of a case to the case: which test it is of, and whether it fails here."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conformance.asked import Asked
from conformance.harness import backends
from conformance.harness.claims import CaseKey, Claim, Test
from conformance.harness.subject import DEFAULT_MODE
from conformance.repro.recording import NotApplicable, Recorded, run

_SUITE = Path(__file__).parent.parent


@dataclass
class Found:
    """The first case that fails, and the module of its test; or why there is none, by case."""

    module: str
    case: Recorded | None = None
    said: list[str] = field(default_factory=list)


def first_failing(asked: Asked) -> Found:
    """Runs the cases that are asked for, in order, until one fails.

    Raises NotKnown where there is no such case, SuiteError where a case is wrong itself.
    """
    module, test, claim = _test_of(asked)
    found = Found(module)
    for words in asked.chosen([str(key) for key in _keys(claim)]):
        try:
            case = run(test, claim, CaseKey.parse(words))
        except NotApplicable as error:
            found.said.append(str(error))
            continue
        if case.log.failure is not None:
            found.case = case
            return found
        found.said.append(f"{words} holds: there is nothing to show")
    return found


def _test_of(asked: Asked) -> tuple[str, Test, Claim]:
    section = asked.claim.partition("/")[0]
    for file in sorted((_SUITE / section).glob("test_*.py")):
        module = importlib.import_module(f"{_SUITE.name}.{section}.{file.stem}")
        test = vars(module).get(asked.test)
        claim = getattr(test, "claim", None)
        if isinstance(claim, Claim) and claim.id == asked.claim and test is not None:
            return module.__name__, test, claim
    raise LookupError(asked.claim)  # every claim's test is named after it


def _keys(claim: Claim) -> Iterator[CaseKey]:
    for transform in claim.across or ("-",):
        for style in claim.styles or ("-",):
            for variant in claim.variants or ("-",):
                for backend in backends.present():
                    yield CaseKey(claim.id, transform, style, variant, backend, DEFAULT_MODE)
