"""On plain pytrees of arrays, a transform is the JAX transform of its name."""

from flax import nnx

from conformance.basics.arrays import JAX, USES
from conformance.basics.options import OPTIONS
from conformance.harness.cases import Case
from conformance.harness.claims import claim
from conformance.harness.transforms import ALL

GUIDE = "Transformations"


@claim("basics/arrays-match-jax", guide=GUIDE, across=ALL)
def test_arrays_match_jax(case: Case) -> None:
    """On pytrees of arrays a transform gives the structure, dtypes and values that JAX's gives."""
    use = USES[case.transform.name]
    case.equal({"output": use(nnx, case.backend)}, {"output": use(JAX, case.backend)})


@claim("basics/options-match-jax", guide=GUIDE, across=tuple(OPTIONS))
def test_options_match_jax(case: Case) -> None:
    """On pytrees of arrays the options of a transform mean what they mean to JAX's."""
    for use in OPTIONS[case.transform.name]:
        case.equal({"output": use(nnx, case.backend)}, {"output": use(JAX, case.backend)})
