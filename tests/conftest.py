"""What the harness's own tests share: cases made by hand, and small suites of their own."""

import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.harness import claims, deviations, snapshot_run
from conformance.harness.claims import CaseKey, Claim

Pair = tuple[str, str]  # a Flax and a JAX

if TYPE_CHECKING:  # a conftest is loaded before the plugin has made JAX's settings
    from playwright.sync_api import Browser

    from conformance.harness.backends import Backend
    from conformance.harness.cases import Case
    from conformance.harness.records import Record
    from conformance.report.judging import Judged
    from tests.browser import Visit

CHECKOUT = Path(__file__).parent.parent
PLUGIN = ("-p", "conformance.harness.plugin", "-p", "no:cacheprovider")

CLAIM = Claim("section/name", "It is kept.", "Guide", "0.10.0", ("jit",), ("function",), {})

# A small section: what every run of a suite of its own starts from.
HEAD = """
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.transforms import ALL, Edit
from conformance.harness.verdicts import NoError, SuiteError, WrongResult
from conformance.models import Block, Layer
"""


@pytest.fixture
def cpu() -> "Iterator[Backend]":
    """The CPU, and JAX working on it."""
    import jax

    from conformance.harness import backends

    backend = backends.present()["cpu"]
    with jax.default_device(backend.devices[0]):
        yield backend


@pytest.fixture
def make_case(cpu: "Backend") -> "Callable[..., Case]":
    """Makes the case of a transform and a style, on the CPU unless told otherwise."""
    from conformance.harness.cases import Case
    from conformance.harness.nesting import LIFTS

    def make(transform: str = "jit", style: str = "function", backend: "Backend" = cpu) -> Case:
        key = CaseKey(CLAIM.id, transform, style, "-", backend.name, "default")
        return Case(CLAIM, key, LIFTS[transform], style, None, backend)

    return make


@pytest.fixture(scope="session")
def sections() -> dict[str, list[Any]]:
    """Every test function of the suite's sections, by its file."""
    found = {}
    for path in sorted((CHECKOUT / "conformance").glob("*/test_*.py")):
        module = importlib.import_module(f"conformance.{path.parent.name}.{path.stem}")
        found[f"{path.parent.name}/{path.name}"] = [
            value for name, value in vars(module).items() if name.startswith("test_")
        ]
    return found


@pytest.fixture(scope="session")
def keys(sections: dict[str, list[Any]]) -> frozenset[CaseKey]:
    """The cases that every run on a CPU has."""
    return frozenset(
        CaseKey(claim.id, transform, style, variant, "cpu", "default")
        for functions in sections.values()
        for claim in (function.claim for function in functions)
        for transform in claim.across or ("-",)
        for style in claim.styles or ("-",)
        for variant in claim.variants or ("-",)
    )


@pytest.fixture(scope="session")
def baseline_of() -> "dict[Pair, Record]":
    """The baseline of each Flax and JAX that has one."""
    from conformance.report import baselines

    return {
        (record.header.subject["flax"], record.header.subject["jax"]): record
        for record in baselines.shipped()
    }


@pytest.fixture(scope="session")
def judged_of(baseline_of: "dict[Pair, Record]") -> "dict[Pair, Judged]":
    """What the shipped deviations make of each baseline."""
    from conformance.report.judging import judge_again

    known = deviations.load(deviations.SHIPPED_FILE)
    return {pair: judge_again(record, known) for pair, record in baseline_of.items()}


class Suite:
    """A suite of a few claims in a directory of its own, run there as a user would run it."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self._pytester = pytester
        self._monkeypatch = monkeypatch
        self.path = pytester.path
        no_deviations = self.file("shipped.toml", "")
        monkeypatch.setattr(deviations, "SHIPPED_FILE", no_deviations)
        monkeypatch.setattr(snapshot_run, "PACKAGE", self.path)

    def file(self, name: str, text: str) -> Path:
        """Writes a file of the suite."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        return path

    def section(self, body: str, name: str = "test_topic.py") -> Path:
        """Writes a file of claims."""
        return self.file(name, HEAD + body)

    def ships(self, text: str) -> None:
        """Writes the known deviations that the suite brings along."""
        self.file("shipped.toml", text)

    def run(self, *arguments: Any) -> pytest.RunResult:
        """Runs pytest here and in this process, which has JAX."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(claims.REGISTRY, "claims", {})
            return self._pytester.runpytest_inprocess(*PLUGIN, *map(str, arguments))

    def run_apart(self, *arguments: Any, **environ: str) -> pytest.RunResult:
        """Runs pytest here, in a process of its own with `environ`, which starts from nothing."""
        path = environ.pop("PYTHONPATH", "")
        paths = [*filter(None, (path, str(CHECKOUT), os.environ.get("PYTHONPATH")))]
        self._monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
        for name, value in environ.items():
            self._monkeypatch.setenv(name, value)
        return self._pytester.runpytest_subprocess(*PLUGIN, *map(str, arguments))


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """An empty suite in an empty directory."""
    for name in ("CI", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    return Suite(pytester, monkeypatch)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Chromium, for the tests that are marked so; other tests need none of this."""
    from tests.browser import chromium

    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: "Browser", tmp_path: Path) -> "Iterator[Callable[..., Visit]]":
    """Opens a page in a browser that has never seen one: its text, or the sample's."""
    from conformance.report import files
    from tests.browser import DESKTOP, Visit
    from tests.sample import sample_page

    contexts = []

    def open_page(
        text: str = "", fragment: str = "", size: tuple[int, int] = DESKTOP, **options: Any
    ) -> Visit:
        path = tmp_path / "index.html"
        files.write({path: text or sample_page()})
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        return Visit(context, path, fragment)

    yield open_page
    for context in contexts:
        context.close()
