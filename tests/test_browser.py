"""Where there is no browser, its tests are skipped, unless it is said that there must be one."""

from pathlib import Path

import pytest

from tests import browser


@pytest.mark.parametrize(
    ("required", "ends"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_no_browser(
    required: str, ends: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason says what was looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(browser.REQUIRED, required)

    with (
        pytest.raises(ends, match="no browser here: none of chromium, "),
        browser.chromium(),
    ):
        pass


def test_ci_has_one() -> None:
    """What must pass installs a browser, and says that there must be one."""
    script = (Path(__file__).parent.parent / ".ci" / "run").read_text("utf-8")

    assert f"export {browser.REQUIRED}=1\n" in script
    assert "apt-get install" in script
