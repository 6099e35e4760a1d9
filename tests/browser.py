"""A real browser for the tests of the page: Debian's Chromium, which asks nobody for anything."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, FloatRect, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = "NNX_CONFORMANCE_REQUIRE_BROWSER"  # where it is set, a missing browser is a failure
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
TIMEOUT = 20  # s
DESKTOP, PHONE = (1400, 900), (375, 760)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with an empty profile; skips the test, or fails it, where there is none."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = f"no browser here: none of {', '.join(NAMES)} is on PATH"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{reason}, and {REQUIRED} is set")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


class Visit:
    """A page that is open: what it asked the network for, and what went wrong in it."""

    def __init__(self, context: BrowserContext, path: Path, fragment: str) -> None:
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text))
        self.address = path.as_uri()
        self.page.goto(self.address + fragment)
        self.wait()

    def wait(self) -> None:
        """Waits until the matrix is painted."""
        self.until("performance.getEntriesByName('matrix-drawn').length > 0")

    def until(self, expression: str) -> None:
        """Waits for what playwright cannot wait for: the page's policy lets it poll nothing."""
        end = time.monotonic() + TIMEOUT
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, expression
            time.sleep(0.01)

    def cell(self, claim: str, subject: str) -> str:
        """The selector of a claim's cell."""
        return f'td button[aria-label*=". {claim} on {subject}"]'

    def open(self, claim: str, subject: str) -> None:
        """Clicks on a claim's cell."""
        self.page.click(self.cell(claim, subject))

    def rows(self) -> list[str]:
        """The names of the rows below the sections, from top to bottom."""
        return self.page.locator("tbody tr:not(.section) .label").all_inner_texts()

    def columns(self) -> list[str]:
        """The releases, from left to right."""
        return self.page.locator("thead th b").all_inner_texts()

    def text(self, selector: str = "#panel") -> str:
        """What is seen of an element."""
        return self.page.locator(selector).inner_text()

    def box(self, selector: str) -> FloatRect:
        """Where the first such element is on the screen, in CSS pixels."""
        box = self.page.locator(selector).first.bounding_box()
        assert box is not None
        return box

    def fragment(self) -> str:
        """The fragment of the address."""
        return str(self.page.evaluate("location.hash"))

    def focused(self) -> str:
        """The name of what has the focus, as a screen reader would say it."""
        return str(
            self.page.evaluate(
                "(e => e.getAttribute('aria-label') ?? e.innerText)(document.activeElement)"
            )
        )
