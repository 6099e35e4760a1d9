"""Random state in a transform of a transform."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.nesting import VARIED_NESTS
from conformance.rngs.generator import light_key, light_rngs
from conformance.rngs.noisy import Drawn, draw_by_hand, words, write_down


class Note(nnx.Module):
    """Random state beside a weight, and the key that was drawn last."""

    def __init__(self, element: int) -> None:
        self.weight = nnx.Param(jnp.asarray(np.float32(element + 2)))
        self.rngs = light_rngs(noise=light_key(element))
        self.drawn = Drawn(words(light_key(0)))


@claim("rngs/nested-streams", guide="Random state", across=VARIED_NESTS, styles=("function",))
def test_nested_streams(case: Case) -> None:
    """In a nest of transforms every run draws a key of its own, and the counts of it come out."""

    def draws(draw):
        def body(note, x):
            write_down(note.drawn, draw(note.rngs.noise))
            return x * spelling.read(note.weight)

        return body

    case.holds(draws(lambda stream: stream()), Note, twin=draws(draw_by_hand))
