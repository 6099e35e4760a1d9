"""Writes docs/CLAIMS.md: every claim, where the guide makes it, and what is known to break it.

    python tools/claims_page.py

Run it after an edit of a claim, of the mapping or of the known deviations;
tests/test_claims_page.py fails until then.
"""

import fnmatch
import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from packaging.specifiers import SpecifierSet

from conformance.guide.mapping import Known, Text, load_mapping, load_texts
from conformance.harness import deviations
from conformance.harness.claims import REGISTRY, STYLES, Claim
from conformance.harness.deviations import Deviation
from conformance.harness.nesting import NESTED
from conformance.harness.subject import releases
from conformance.harness.transforms import ALL

CHECKOUT = Path(__file__).parent.parent
PAGE = CHECKOUT / "docs" / "CLAIMS.md"

HEAD = """\
# The claims

Made by `tools/claims_page.py`. Each claim is one test, crossed with transforms, styles, variants
and the backends that are here. *Guide* says where the newest text of the transforms guide makes
the promise (`nnx-conformance trace --claim ID` shows the words), and which releases' texts make
it where not all of them do. *Known deviations* are the releases that break it, each with a link
to where that can be checked; see [DEVIATIONS.md](DEVIATIONS.md).
"""


def load_claims() -> tuple[Claim, ...]:
    """Every claim of the suite, in the order of sections and of their files."""
    for path in sorted((CHECKOUT / "conformance").glob("*/test_*.py")):
        importlib.import_module(f"conformance.{path.parent.name}.{path.stem}")
    return tuple(sorted(REGISTRY.claims.values(), key=lambda claim: claim.section))


def page(
    claims: Sequence[Claim],
    known: Mapping[str, Known],
    texts: Sequence[Text],
    entries: Sequence[Deviation],
) -> str:
    """The page's text."""
    counted = sum(_cases(claim) for claim in claims)
    lines = [HEAD, f"{len(claims)} claims, {counted} cases on each backend.", ""]
    for section, group in groupby(claims, key=lambda claim: claim.section):
        lines += [f"## {section}", ""]
        lines += ["| claim | promise | guide | across | since | known deviations |"]
        lines += ["|---|---|---|---|---|---|"]
        for claim in group:
            cells = (
                f"`{claim.id}`",
                claim.sentence,
                "<br>".join(_where(claim, known, texts)),
                _across(claim),
                claim.since,
                "<br>".join(_breaks(claim, entries)),
            )
            escaped = (cell.replace("|", r"\|") for cell in cells)
            lines.append(f"| {' | '.join(escaped)} |")
        lines.append("")
    return "\n".join(lines)


def _cases(claim: Claim) -> int:
    return math.prod(len(values) or 1 for values in (claim.across, claim.styles, claim.variants))


def _where(claim: Claim, known: Mapping[str, Known], texts: Sequence[Text]) -> Iterator[str]:
    """The passages of the newest text that make the claim, by section; the texts, if not all."""

    def passages(text: Text) -> list[tuple[str, str]]:
        return [
            (passage.section, f"{passage.kind} {passage.ordinal}")
            for passage in text.passages
            if passage.digest in known and claim.id in known[passage.digest].claims
        ]

    making = [text for text in texts if passages(text)]
    if making:
        for section, places in groupby(passages(making[-1]), key=lambda place: place[0]):
            yield f"{section}: {', '.join(place for _, place in places)}"
    if len(making) < len(texts):
        releases = [release for text in making for release in text.releases]
        yield f"(texts of {releases[0]} to {releases[-1]})" if releases else "(no text)"


def _across(claim: Claim) -> str:
    crossed = []
    if claim.across == ALL:
        crossed.append("all transforms")
    elif claim.across == tuple(NESTED):
        crossed.append("all nests")
    elif claim.across:
        crossed.append(", ".join(claim.across))
    if claim.styles == STYLES:
        crossed.append("both styles")
    elif claim.styles:
        crossed.append(f"{claim.styles[0]} style")
    if claim.variants:
        crossed.append(", ".join(claim.variants))
    return "; ".join(crossed) or "-"


def _breaks(claim: Claim, entries: Sequence[Deviation]) -> Iterator[str]:
    """The known deviations of a claim: the releases, the narrowed parameters, the evidence."""
    for entry in entries:
        if not any(fnmatch.fnmatchcase(claim.id, glob) for glob in entry.claims):
            continue
        subject = [f"flax {_releases(entry.flax)}"]
        subject += [f"jax {_range(str(entry.jax))}"] if str(entry.jax) else []
        narrowed = [
            ", ".join(matched)
            for values, globs in (
                (claim.across, entry.transforms),
                (claim.styles, entry.styles),
                (tuple(claim.variants), entry.variants),
            )
            if (matched := _matched(values, globs)) != values
        ]
        yield f"[{', '.join(subject)}]({entry.evidence}): {'; '.join(narrowed) or 'all'}"


def _matched(values: tuple[str, ...], globs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(v for v in values if any(fnmatch.fnmatchcase(v, glob) for glob in globs))


def _releases(specifier: SpecifierSet) -> str:
    """The Flax releases that are specified, those that follow each other by first and last."""
    versions = [release.version for release in releases()]
    runs = [list(run) for inside, run in groupby(versions, key=specifier.contains) if inside]
    return ", ".join(f"{run[0]} to {run[-1]}" if run[1:] else str(run[0]) for run in runs)


def _range(specifier: str) -> str:
    return ", ".join(sorted(specifier.split(","), reverse=True))


def main() -> None:
    """Writes."""
    entries = deviations.load(deviations.SHIPPED_FILE)
    PAGE.write_text(page(load_claims(), load_mapping(), load_texts(), entries), encoding="utf-8")


if __name__ == "__main__":
    main()
