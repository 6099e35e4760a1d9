"""docs/CLAIMS.md says what the claims, the mapping and the known deviations say."""

from pathlib import Path

import pytest

from conformance.guide.mapping import Known, load_mapping, load_texts
from conformance.harness import deviations
from conformance.harness.claims import STYLES, Claim
from conformance.harness.transforms import ALL
from tests.guide import GUIDE, all_known, passages, text_of
from tools import claims_page

ENTRY = """
[[deviation]]
claims = ["shapes/*"]
transforms = ["scan"]
flax = ">=0.10.1,<=0.10.4"
observed = "no error"
message = "none"
cause = "It is."
evidence = "https://github.com/google/flax/pull/1"
"""


@pytest.mark.usefixtures("sections")
def test_current() -> None:
    """The page is what its tool makes of the suite."""
    entries = deviations.load(deviations.SHIPPED_FILE)
    made = claims_page.page(claims_page.load_claims(), load_mapping(), load_texts(), entries)

    assert claims_page.PAGE.read_text("utf-8") == made, "run: python tools/claims_page.py"


def test_page(tmp_path: Path) -> None:
    """A claim's row: where the guide makes it and since when, its cases, and what breaks it."""
    path = tmp_path / "deviations.toml"
    path.write_text(ENTRY)
    claim = Claim(
        "shapes/cell-1", "A | B.", "Shapes", "0.10.2", ALL, STYLES, {"red": 1, "green": 2}
    )
    older = GUIDE.replace("import shapes", "pass")
    known = all_known() | {passages(older)[6].digest: Known((), "imports")}
    texts = [text_of(older, "0.9"), text_of(GUIDE, "1.0")]

    made = claims_page.page([claim], known, texts, deviations.load(path)).splitlines()

    assert f"1 claims, {len(ALL) * 4} cases on each backend." in made
    assert made[-1] == (
        r"| `shapes/cell-1` | A \| B. | Shapes: cell 1<br>(texts of 1.0 to 1.0) | all transforms; "
        "both styles; red, green | 0.10.2 | [flax 0.10.1 to 0.10.4]"
        "(https://github.com/google/flax/pull/1): scan |"
    )
