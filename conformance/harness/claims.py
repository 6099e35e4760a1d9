"""Claims and the registry: a claim is one promise of the guide, and one test is its check."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

STYLES = ("function", "method")
SEARCH = "search"  # the label of the variant that `--examples` adds

Test = Callable[..., None]

_ID = re.compile(r"[a-z_]+/[a-z0-9-]+")


@dataclass(frozen=True)
class Claim:
    """One promise of the guide.

    `sentence` is the first paragraph of its test's docstring; `guide` names the section of the
    guide that makes it. A claim is crossed with `across` (transform names), `styles` and
    `variants` (a label and the value that the test reads as `case.variant`). Where `--examples N`
    asks for a search, `search(N)` is one more of these values.
    """

    id: str
    sentence: str
    guide: str
    since: str
    across: tuple[str, ...]
    styles: tuple[str, ...]
    variants: Mapping[str, Any]
    search: Callable[[int], Any] | None = None

    @property
    def section(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]


@dataclass(frozen=True)
class CaseKey:
    """What makes a case: its claim and parameters. `-` stands where a claim is not crossed."""

    claim: str
    transform: str
    style: str
    variant: str
    backend: str
    mode: str

    def __str__(self) -> str:
        parameters = (self.transform, self.style, self.variant, self.backend, self.mode)
        return f"{self.claim}[{','.join(parameters)}]"

    @classmethod
    def parse(cls, text: str) -> "CaseKey":
        """The key that `text` is; a variant's label may hold what separates the parameters."""
        claim, _, parameters = text.removesuffix("]").partition("[")
        transform, style, rest = parameters.split(",", 2)
        return cls(claim, transform, style, *rest.rsplit(",", 2))


@dataclass
class Registry:
    """The claims by id; refuses an id that is ill-formed or taken."""

    claims: dict[str, Claim] = field(default_factory=dict)

    def add(self, claim: Claim) -> None:
        """Raises ValueError, naming the claim, where it may not enter."""
        if not _ID.fullmatch(claim.id):
            raise ValueError(f"claim id {claim.id!r} is not of the form section/name")
        if self.claims.get(claim.id, claim) != claim:
            raise ValueError(f"claim {claim.id} has two tests")
        if not claim.sentence:
            raise ValueError(f"claim {claim.id} has no sentence: its test needs a docstring")
        self.claims[claim.id] = claim


REGISTRY = Registry()


def claim(
    id: str,
    *,
    guide: str,
    across: tuple[str, ...] = (),
    styles: tuple[str, ...] = (),
    variants: Mapping[str, Any] | tuple[str, ...] = (),
    since: str = "0.10.0",
    search: Callable[[int], Any] | None = None,
) -> Callable[[Test], Test]:
    """Marks a test as the check of one claim, whose sentence is the test's docstring.

    Args:
      id: `section/name`; never changed once published.
      guide: the section of the transforms guide that makes the promise.
      across: names of the transforms that it is checked for.
      styles: of `function` and `method`.
      variants: further parameters by label; a tuple of labels stands for themselves.
      since: the first Flax release that had what the claim speaks of.
      search: makes the value of the variant that looks at so many examples of its own.
    """
    labelled = variants if isinstance(variants, Mapping) else {label: label for label in variants}

    def register(test: Test) -> Test:
        sentence = " ".join((inspect.getdoc(test) or "").partition("\n\n")[0].split())
        test.claim = Claim(id, sentence, guide, since, across, styles, dict(labelled), search)  # type: ignore[attr-defined]
        REGISTRY.add(test.claim)  # type: ignore[attr-defined]
        return test

    return register
