"""A small page with something of everything, for the tests that open it in a browser."""

import functools
from dataclasses import replace

from conformance.guide.promises import Promise
from conformance.harness.records import Record, Seen
from conformance.report.page.making import page
from tests.reports import BROKEN, ERROR, HELD, MISSING, case, known, record, told

CAUSE = "The cache is keyed by identity."
EVIDENCE = "https://github.com/google/flax/issues/1"
PROMISES = {
    one.id: one
    for one in (
        Promise("axes/kept", "A name is kept at its axis.", "Axis metadata"),
        Promise("axes/lost", "A name is found again.", "Axis metadata"),
        Promise("rngs/known", "A key is split once.", "Random state"),
        Promise("rngs/none", "A stream may be new.", "Random state"),
        Promise("rngs/wrong", "A count goes on.", "Random state"),
    )
}


def _kept(backend: str = "cpu") -> list[Seen]:
    """Eight cases that hold, over two transforms."""
    return [
        case(
            "axes/kept",
            HELD,
            transform=transform,
            style=style,
            variant=variant,
            backend=backend,
        )
        for transform in ("jit", "vmap")
        for style in ("function", "method")
        for variant in ("first", "last")
    ]


def _records() -> list[Record]:
    lost = replace(
        case("axes/lost", BROKEN, "y: expected 1,\nfound <b>2</b>", transform="scan"),
        notes={"answer": "done"},
        outputs={"object0.kernel": "Param float32[3]", "y": "2"},
        details={"traces": "3"},
    )
    held = case("axes/lost", HELD, transform="scan", style="method")
    ours = [
        *(*_kept(), *_kept("gpu"), lost, held),
        *(case("rngs/known", BROKEN), case("rngs/known", HELD, transform="vmap-of-jit")),
        *(case("rngs/none", MISSING), case("rngs/wrong", ERROR)),
    ]
    older = [*_kept(), case("axes/lost", HELD, transform="scan"), case("rngs/known", BROKEN)]
    return [
        record(*older, flax="0.11.2", jax="0.7.1"),
        record(*ours, backends=("cpu", "gpu")),
        record(*older, case("rngs/wrong", HELD), flax="0.12.10", jax="0.11.2"),
    ]


@functools.cache
def sample_page() -> str:
    """The page: three releases, one of them on two backends; every verdict but stale."""
    (deviation,) = known("rngs/known", CAUSE, evidence=EVIDENCE)
    transforms = replace(deviation, transforms=("jit",))
    return page(told(*_records(), by=[transforms]), PROMISES)
