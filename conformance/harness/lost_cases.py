"""Which case it was that took its process along: all that is left of it is the name of its test."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from conformance.harness.claims import CaseKey, Claim

Keys = Callable[[Claim], Iterable[CaseKey]]
PACKAGE = Path(__file__).parent.parent


def key_of(nodeid: str, root: Path, keys: Keys) -> tuple[Claim, CaseKey] | None:
    """The case whose test has this name, or None where it is no claim's.

    Args:
      nodeid: the name that pytest gives the test, its file relative to `root`.
      root: pytest's root folder.
      keys: the cases of a claim, as this run has them.
    """
    file, _, test = nodeid.partition("::")
    function, _, words = test.partition("[")
    claim = getattr(vars(_module(root / file)).get(function), "claim", None)
    if not isinstance(claim, Claim):
        return None
    for key in keys(claim):
        if words_of(key) == words.removesuffix("]"):
            return claim, key
    return None


def words_of(key: CaseKey) -> str:
    """What a test's name has in brackets: the parameters that there are."""
    words = (key.transform, key.style, key.variant, key.backend)
    return "-".join(word for word in words if word != "-")


def _module(path: Path) -> ModuleType:
    """The module of a file of claims, which the process that controls a run has not imported."""
    if path.is_relative_to(PACKAGE):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        return importlib.import_module(".".join(parts))
    name = f"conformance_lost_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
