"""Bodies that mutate what they captured."""

from collections.abc import Callable
from typing import Any

from conformance.harness.cases import Case
from conformance.harness.twins import Scene
from conformance.models import Layer

REFUSAL = "trace level"  # what the message of a TraceContextError says


def rejects(case: Case, captured: Any, mutate: Callable[[Any, Any], Any]) -> None:
    """Holds that a body which mutates `captured` is refused, whatever else it is given."""

    def body(layer: Layer, x: Any) -> Any:
        y = layer(x)
        mutate(captured, y)
        return y

    applied = case.apply(body, Layer)
    case.refuses(applied.call, Scene.of([captured, *applied.objects]), match=REFUSAL)
