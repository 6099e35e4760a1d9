"""Making the page out of its parts: the template, the looks, the script and the data."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.guide.promises import Promise
from conformance.report.outcomes import Outcome
from conformance.report.page.data import data

HERE = Path(__file__).parent
# In the order in which they build on each other.
STYLES = ("colours", "head", "matrix", "panel", "narrow")
SCRIPTS = ("model", "dom", "state", "cells", "table", "panel", "filters", "keys", "main")


def page(told: Sequence[Outcome], promises: Mapping[str, Promise]) -> str:
    """The page's HTML; its policy lets nothing run or be drawn but its own script and looks."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = _joined("css", STYLES)
    script = f'"use strict";\n(() => {{\n{_joined("js", SCRIPTS)}}})();\n'
    return environment.get_template("template.html").render(
        # The project's own text, and JSON that cannot end its element: neither is to be escaped.
        style=Markup(style),
        script=Markup(script),
        data=Markup(data(told, promises)),
        style_digest=_digest(style),
        script_digest=_digest(script),
    )


def _joined(kind: str, names: Sequence[str]) -> str:
    return "\n".join((HERE / kind / f"{name}.{kind}").read_text("utf-8") for name in names)


def _digest(text: str) -> str:
    """The digest by which a Content-Security-Policy knows an inline element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
