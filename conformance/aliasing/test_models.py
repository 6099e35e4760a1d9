"""Weights that are tied between the embedding of tokens and their scores."""

from conformance.building_blocks import TOKENS, Tied, scores_by_hand
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import Form
from conformance.harness.twins import Scene

GUIDE = "Consistent aliasing"
TYING = ("vmap", "scan", "jit", "remat", "grad", "value_and_grad", "while_loop", "fori_loop")


@claim("aliasing/tied-weights", guide=GUIDE, across=TYING)
def test_tied_weights(case: Case) -> None:
    """Weights that an Embed and an output layer share stay tied: both see one update, and their
    gradient is the sum over both uses."""

    def body(model, x):
        spelling.write(model.decode.embed.embedding, spelling.read(model.embed.embedding) * 2)
        return model(x)

    def twin(model, x):
        table = spelling.read(model.embed.embedding) * 2
        spelling.write(model.embed.embedding, table)
        return scores_by_hand(table, x)

    case.holds(body, Tied, twin=twin)


def inconsistent(case: Case):
    """The options of a transform that treat its two arguments in different ways."""
    if case.transform.form is Form.DIFFERENTIATED:
        return {"argnums": 0}
    axes = {"in_axes": (0, 1)}
    return axes | {"out_axes": 0} if case.transform.form is Form.THREADED else axes


@claim(
    "aliasing/tied-weights-inconsistent",
    guide=GUIDE,
    across=("vmap", "pmap", "scan", "grad", "value_and_grad"),
)
def test_tied_weights_inconsistent(case: Case) -> None:
    """Layers that share weights are refused where one is transformed otherwise than the other."""
    model = Tied()

    def score(embed, decode):
        return decode(embed(TOKENS).sum(0)).sum()

    lifted = case.decorate(score, **inconsistent(case))
    error = case.refuses(
        lambda: lifted(model.embed, model.decode), Scene.of([model]), match="aliasing"
    )
    case.equal({"error": type(error)}, {"error": ValueError})
