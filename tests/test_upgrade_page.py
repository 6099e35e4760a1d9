"""docs/UPGRADING.md: what changed from release to release."""

from datetime import date

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.harness.deviations import Deviation
from conformance.harness.records import Footer, Header, Record, Seen
from conformance.harness.verdicts import Observed, Verdict
from tools import upgrade_page

ANY = ("*",)


def deviation(cause: str, claim: str, flax: str, message: str = "lost") -> Deviation:
    return Deviation(
        *(cause, cause, (claim,), ANY, ANY, ANY, ANY, SpecifierSet(flax), SpecifierSet()),
        *(Observed.WRONG_RESULT, "", message, cause, f"https://example.org/{cause}"),
    )


def record(flax: str, **verdicts: str) -> Record:
    """A record of one case for each claim, which holds, is not applicable, or fails and says so."""
    words = {"held": Verdict.HELD, "missing": Verdict.NOT_APPLICABLE}
    cases = {}
    for claim, said in verdicts.items():
        case = f"rngs/{claim}[jit,function,-,cpu,default]"
        failed = said not in words
        observed, message = (str(Observed.WRONG_RESULT), said) if failed else ("", "")
        verdict = words.get(said, Verdict.BROKEN)
        cases[case] = Seen(case, verdict, observed=observed, message=message)
    subject = {"flax": flax, "jax": f"0.{flax}", "mode": "default"}
    return Record(Header("1", subject, {"cpu": "one"}), cases, Footer(0, len(cases), True))


@pytest.fixture
def page() -> str:
    """The page of three releases, given in no order."""
    known = [
        deviation("Forgets", "rngs/early", "<2"),
        deviation("Repeats", "rngs/late", ">=2"),
        deviation("Loses", "rngs/always", "<2"),
        deviation("Drops", "rngs/always", ">=2", "dropped"),
        deviation("Stumbles", "rngs/new", ">=2"),
    ]
    records = [
        record("2", early="held", late="lost", always="dropped", new="lost", fine="held"),
        record("1", early="lost", late="held", always="lost", new="missing", fine="missing"),
        record("3", early="held", late="lost", always="dropped", new="held", fine="held"),
    ]
    stories = [upgrade_page.tell(each, known) for each in records]
    days = {Version(str(number)): date(2025, 1, number) for number in (1, 2, 3)}
    return upgrade_page.page(stories, days).removeprefix(upgrade_page.HEAD)


def test_page(page: str) -> None:
    """Newest first: what is broken there and since when, then each step with its causes."""
    assert page.splitlines() == [
        "",
        "## Broken in 3",
        "",
        "- Drops [Evidence](https://example.org/Drops) Since 2. (`rngs/always`: 1)",
        "- Repeats [Evidence](https://example.org/Repeats) Since 2. (`rngs/late`: 1)",
        "",
        "## 2 to 3",
        "",
        "2025-01-03; jax 0.2 to 0.3",
        "",
        "**Kept now**, and not before:",
        "",
        "- Stumbles [Evidence](https://example.org/Stumbles) (`rngs/new`: 1)",
        "",
        "## 1 to 2",
        "",
        "2025-01-02; jax 0.1 to 0.2",
        "",
        "**Kept now**, and not before:",
        "",
        "- Forgets [Evidence](https://example.org/Forgets) (`rngs/early`: 1)",
        "",
        "**Broken since:**",
        "",
        "- Repeats [Evidence](https://example.org/Repeats) (`rngs/late`: 1)",
        "",
        "**Broken for another cause than before:**",
        "",
        "- Drops [Evidence](https://example.org/Drops) (`rngs/always`: 1)",
        "",
        "**New, and broken:**",
        "",
        "- Stumbles [Evidence](https://example.org/Stumbles) (`rngs/new`: 1)",
        "",
        "**New:** `rngs/fine`, `rngs/new` (2 cases)",
    ]


def test_the_page_is_current() -> None:
    """What is in docs is what the baselines and the deviations say now."""
    assert upgrade_page.PAGE.read_text("utf-8") == upgrade_page.current(), (
        "run: python tools/upgrade_page.py"
    )
