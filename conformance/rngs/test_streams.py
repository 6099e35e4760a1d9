"""Random state is state like any other, and every use of a stream moves it on."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL, Form
from conformance.models import Layer
from conformance.rngs.generator import light_key, light_rngs
from conformance.rngs.noisy import Diary, Noisy, draw_by_hand, words, write_down

GUIDE = "Random state"
SEED = 7  # of JAX's own generator


@claim(
    "rngs/regular-state",
    guide=GUIDE,
    variants={
        "RngState": (nnx.RngState, ("key", "count")),
        "RngKey": (nnx.RngKey, ("key",)),
        "RngCount": (nnx.RngCount, ("count",)),
    },
)
def test_regular_state(case: Case) -> None:
    """A Module's keys and counts are Variables in it, and filters of their type select them."""
    selects, names = case.variant
    noisy = Noisy(nnx.Rngs(noise=SEED))
    chosen, others = nnx.state(noisy, selects, ...)

    initial = {"key": jax.random.key(SEED), "count": jnp.asarray(np.uint32(0))}
    expected = {("rngs", "noise", name): initial.pop(name) for name in names}
    rest = {("rngs", "noise", name): value for name, value in initial.items()}
    rest |= {(name,): spelling.read(getattr(noisy, name)) for name in ("kernel", "count")}
    case.equal(
        {"chosen": spelling.state_arrays(chosen), "others": spelling.state_arrays(others)},
        {"chosen": expected, "others": rest},
    )
    stream = noisy.rngs.noise
    held = {name: isinstance(getattr(stream, name), nnx.Variable) for name in ("key", "count")}
    case.equal({"held as Variables": held}, {"held as Variables": {"key": True, "count": True}})


@claim("rngs/regular-update", guide=GUIDE)
def test_regular_update(case: Case) -> None:
    """Random state that is put back by an update of the Module is what is drawn from next."""
    noisy = Noisy(nnx.Rngs(noise=SEED))
    first = words(noisy.rngs.noise())
    noisy.rngs.noise()
    fresh = Noisy(nnx.Rngs(noise=SEED))
    nnx.update(noisy, nnx.state(fresh, nnx.RngState))
    second = words(noisy.rngs.noise())
    case.equal({"alike": np.array_equal(first, second)}, {"alike": True})


@claim("rngs/unique-key-per-use", guide=GUIDE, across=ALL, styles=("function",))
def test_unique_key_per_use(case: Case) -> None:
    """Each use of a stream folds its count into its key, and the count goes up by one."""

    def uses(draw):
        def body(diary, x):
            for drawn in (diary.first, diary.second):
                write_down(drawn, draw(diary.rngs.noise))
            return x * spelling.read(diary.kernel)

        return body

    case.holds(uses(lambda stream: stream()), Diary, twin=uses(draw_by_hand))


@claim("rngs/advances-across-calls", guide=GUIDE, across=ALL, styles=("function",))
def test_advances_across_calls(case: Case) -> None:
    """A second call draws other numbers than the first, since the counts came out of that."""

    def body(diary, x):
        write_down(diary.first, diary.rngs.noise())
        return x * spelling.read(diary.kernel)

    applied = case.apply(body, Diary)
    [diary] = applied.objects
    drawn = []
    for _ in range(2):
        applied.call()
        drawn.append(np.asarray(spelling.read(diary.first)))
    uses = case.transform.steps if case.transform.form is Form.REPEATED else 1
    count = np.asarray(spelling.read(diary.rngs.noise.count))
    case.equal(
        {"drawn again": np.any(drawn[0] == drawn[1]), "count": count},
        {"drawn again": np.False_, "count": np.full_like(count, 2 * uses)},
    )


@claim("rngs/reproducible", guide=GUIDE, across=ALL, styles=("function",))
def test_reproducible(case: Case) -> None:
    """From the same seed the same numbers are drawn, inside a transform as outside it."""

    def body(layer, rngs, x):
        return layer(x) + jax.random.uniform(rngs.noise(), x.shape)

    case.draws("output")
    case.holds(body, Layer, lambda element: light_rngs(noise=light_key(element)))


@claim(
    "rngs/reproducible-default", guide=GUIDE, across=("scan", "jit", "grad"), styles=("function",)
)
def test_reproducible_default(case: Case) -> None:
    """An integer seed, with JAX's own generator, gives the same keys inside as outside."""

    def body(layer, rngs, x):
        return layer(x) + words(rngs.noise())[-1] % 1024

    case.draws("output")
    case.holds(body, Layer, lambda element: nnx.Rngs(noise=element))
