"""Dropout: a layer whose random state users meet first."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables
from conformance.harness.transforms import Form
from conformance.rngs.generator import light_key, light_rngs
from conformance.rngs.noisy import SPLIT

GUIDE = "Random state"
WIDE = 64  # numbers of which dropout leaves half: two masks are never alike by chance


class Dropping(nnx.Module):
    """A Dropout with random state of its own."""

    def __init__(self, element: int = 0, deterministic: bool = False) -> None:
        rngs = light_rngs(dropout=light_key(element))
        self.dropout = nnx.Dropout(0.5, deterministic=deterministic, rngs=rngs)

    def __call__(self, x):
        return self.dropout(x)


def drop(model, x):
    return model(x)


def drop_carried(model, x):
    return x, model(x)


def counts(model):
    """How often each stream of a model was used."""
    return [np.asarray(spelling.read(v)) for v in variables(model, nnx.RngCount).values()]


@claim("rngs/dropout-masks", guide=GUIDE, across=("vmap", "pmap", "scan"))
def test_dropout_masks(case: Case) -> None:
    """Where random state is split around a transform, Dropout masks each element differently, and
    differently again at the next call; outside, its state is whole and one use further."""
    if case.transform.form is Form.THREADED:
        axes = {"in_axes": (SPLIT, nnx.Carry), "out_axes": (nnx.Carry, 0)}
        lifted = case.decorate(drop_carried, length=case.elements, **axes)
    else:
        lifted = case.decorate(drop, in_axes=(SPLIT, None), out_axes=0)
    lifted = nnx.split_rngs(splits=case.elements)(lifted)
    model, x = Dropping(), jnp.asarray(np.ones(WIDE, np.float32))
    before = counts(model)

    rows = []
    for _ in range(2):
        outputs = case.call(lifted, model, x)
        rows.append(outputs[1] if case.transform.form is Form.THREADED else outputs)

    dropped = np.concatenate(rows)
    case.equal(
        {
            "masks": len(np.unique(dropped, axis=0)),
            "values": np.unique(dropped),
            "counts": counts(model),
        },
        {
            "masks": 2 * case.elements,
            "values": np.asarray([0, 2], np.float32),
            "counts": [count + np.uint32(2) for count in before],
        },
    )


@claim(
    "rngs/dropout-reproducible",
    guide=GUIDE,
    across=("vmap", "scan", "jit", "remat", "grad", "while_loop"),
)
def test_dropout_reproducible(case: Case) -> None:
    """From the same seed Dropout has the same masks inside a transform as outside it."""
    case.draws("output")
    case.holds(drop, Dropping)


@claim("rngs/dropout-deterministic", guide=GUIDE, across=("vmap", "scan", "jit"))
def test_dropout_deterministic(case: Case) -> None:
    """In evaluation Dropout gives its input, and its random state stays as it was."""

    def unchanged(model, x):
        return x

    case.holds(drop, lambda element: Dropping(element, deterministic=True), twin=unchanged)
