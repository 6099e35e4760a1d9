"""Random state under the transforms that map: split it differs per element, whole it does not."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import STYLES, claim
from conformance.harness.twins import Scene
from conformance.rngs.generator import light_key, light_keys, light_rngs
from conformance.rngs.noisy import SPLIT, Noisy, lift_noise, noise_by_hand, noise_inputs

GUIDE = "Random state"


@claim("rngs/vectorized", guide=GUIDE, across=("vmap", "pmap", "scan"), styles=STYLES)
def test_vectorized(case: Case) -> None:
    """Split keys, mapped beside shared weights, give each element noise of its own."""
    keys = light_keys(0, case.elements)
    noisy, outside = Noisy(light_rngs(noise=keys)), Noisy(light_rngs(noise=keys))
    spelling.write(outside.rngs.noise.count, jnp.asarray(np.ones(case.elements, np.uint32)))
    expected = noise_by_hand(case, noisy, list(keys))

    case.draws("y")
    y, drawn = case.call(lift_noise(case, SPLIT), noisy, noise_inputs(case))
    case.equal({"noisy": noisy, "y": y, "drawn": drawn}, {"noisy": outside, **expected})


@claim(
    "rngs/broadcast",
    guide=GUIDE,
    across=("vmap", "pmap"),
    styles=("function",),
    variants={"StateAxes": nnx.StateAxes({nnx.RngState: None, ...: None}), "None": None},
)
def test_broadcast(case: Case) -> None:
    """Keys that are broadcast unsplit give every element the same noise, and count it once."""
    key = light_key(0)
    noisy, outside = Noisy(light_rngs(noise=key)), Noisy(light_rngs(noise=key))
    spelling.write(outside.rngs.noise.count, jnp.asarray(np.uint32(1)))
    expected = noise_by_hand(case, noisy, [key] * case.elements)

    case.draws("y")
    y, drawn = case.call(lift_noise(case, case.variant), noisy, noise_inputs(case))
    case.equal({"noisy": noisy, "y": y, "drawn": drawn}, {"noisy": outside, **expected})


@claim("rngs/unsplit-refused", guide=GUIDE, across=("vmap",), styles=STYLES)
def test_unsplit_refused(case: Case) -> None:
    """Random state that was not split beforehand cannot be mapped, and stays as it was."""
    noisy = Noisy(light_rngs(noise=light_key(0)))
    lifted, x = lift_noise(case, SPLIT), noise_inputs(case)

    case.refuses(lambda: case.call(lifted, noisy, x), Scene.of([noisy]), "rank")
