"""Writes docs/matrix.png: the page of all releases, as a browser shows it.

    python tools/page_picture.py

It takes Debian's Chromium. A picture is no proof: nothing is compared with it.
"""

import tempfile
from pathlib import Path

from conformance.guide.promises import promises
from conformance.harness import deviations
from conformance.report import files
from conformance.report.chosen import chosen
from conformance.report.outcomes import outcomes
from conformance.report.page.making import page
from tests.browser import Visit, chromium

PICTURE = Path(__file__).parent.parent / "docs" / "matrix.png"
SIZE = (1400, 860)  # CSS pixels
CELL = "#at=0.12.12-jax-0.12.0.1-cpu&claim=graph_updates%2Fdelete-attribute&transform=fori_loop"


def main() -> None:
    """Writes."""
    known = deviations.load(deviations.SHIPPED_FILE)
    text = page(outcomes(chosen([]), known), promises())
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = Path(folder) / "index.html"
        files.write({path: text})
        width, height = SIZE
        context = browser.new_context(viewport={"width": width, "height": height})
        Visit(context, path, CELL).page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
