"""An ensemble whose members have parameters of their own and share the statistics of BatchNorm."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.building_blocks import Normalised
from conformance.harness import spelling
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.descriptions import variables
from conformance.harness.twins import Scene, element_inputs

GUIDE = "Transforming sub-states (lift types)"
MEMBERS = "members"
AXES = nnx.StateAxes({nnx.Param: 0, nnx.BatchStat: None})


def use(model, x):
    return model(x)


def ensemble(members, **options):
    """A Normalised for all members, each with a scale and a bias of its own."""
    model = Normalised(**options)
    own = np.arange(1, members + 1, dtype=np.float32)[:, None]
    spelling.write(model.norm.scale, jnp.asarray(own))
    spelling.write(model.norm.bias, jnp.asarray(own * 2))
    return model, own


def normalised(x, own, mean, var):
    """What the members make of their inputs, a row each, by the statistics given."""
    return ((x - mean) / np.sqrt(var + np.float32(1e-5)) * own + own * 2) * x


@claim(
    "state_axes/shared-statistics",
    guide=GUIDE,
    across=("vmap", "pmap"),
    variants={"evaluated": True, "synchronised": False},
)
def test_shared_statistics(case: Case) -> None:
    """Members of an ensemble with their own Params share one BatchStat: all use it in evaluation,
    and in training it is updated once, from the batches of all, if they are synchronised."""
    model, own = ensemble(case.elements, use_running_average=case.variant, axis_name=MEMBERS)
    held = variables(model)
    x = np.stack(element_inputs(case.elements))
    if case.variant:
        mean, var = after = np.float32(0), np.float32(1)
    else:
        mean, var = x.mean(), x.var()
        after = mean / 2, (1 + var) / 2  # the momentum is a half

    lifted = case.decorate(use, in_axes=(AXES, 0), out_axes=0, axis_name=MEMBERS)
    y = case.call(lifted, model, jnp.asarray(x))

    expected, _ = ensemble(case.elements, use_running_average=case.variant, axis_name=MEMBERS)
    spelling.write(expected.norm.mean, jnp.asarray([after[0]]))
    spelling.write(expected.norm.var, jnp.asarray([after[1]]))
    case.equal(
        {"model": model, "held": held, "y": y},
        {"model": expected, "held": variables(expected), "y": normalised(x, own, mean, var)},
    )


@claim("state_axes/diverging-statistics", guide=GUIDE, across=("vmap",))
def test_diverging_statistics(case: Case) -> None:
    """Statistics that are shared and would come out different for each member are refused."""
    model, _ = ensemble(case.elements)
    x = jnp.asarray(np.stack(element_inputs(case.elements)))
    lifted = case.decorate(use, in_axes=(AXES, 0), out_axes=0)
    case.refuses(lambda: case.call(lifted, model, x), Scene.of([model]), match="batched|None")
