"""What a script of a few dozen lines has in place of the harness: the same judgements, in short.

None of this runs here: the bundle takes from it what a script needs.
"""

import re

import flax.errors
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import children

REFUSALS = (ValueError, TypeError, NotImplementedError, flax.errors.FlaxError)


def nodes(root):
    """Every NNX object and Variable that is reached, by path."""
    for path, node in nnx.iter_graph(root):
        if isinstance(node, nnx.Variable) or spelling.is_object(node):
            yield path, node


def variables(root, kind=nnx.Variable):
    """The Variables that are reached, by path."""
    return {path: node for path, node in nnx.iter_graph(root) if isinstance(node, kind)}


def describe(roots, platform=None):
    """What stands at each path; what was reached before, by its first path."""
    found, first = {}, {}

    def visit(path, node):
        kind = ""
        if isinstance(node, nnx.Variable) or spelling.is_object(node):
            if id(node) in first:
                found[path] = f"same object as {first[id(node)]}", None
                return
            first[id(node)] = path
            kind = type(node).__name__
        if isinstance(node, nnx.Variable):
            kind += f" {spelling.metadata(node)} "
            node = spelling.read(node)
        parts = children(node)
        if parts is None:
            found[path] = leaf(kind, node)
            return
        found[path] = kind or type(node).__name__, None
        for key, part in parts:
            visit(f"{path}.{key}", part)

    for name, root in roots.items():
        visit(name, root)
    return found


def leaf(kind, value):
    if isinstance(value, jax.core.Tracer):
        return kind + "tracer", None
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return kind + "key", np.asarray(jax.random.key_data(value))
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return kind + f"{value.dtype}{list(value.shape)}", np.asarray(value)
    return kind + getattr(value, "__qualname__", repr(value)), None


def differences(expected, found):
    """A line for each path at which something else stands."""
    nothing = "nothing", None
    pairs = {path: (expected.get(path, nothing), found.get(path, nothing)) for path in expected}
    pairs |= {path: (nothing, found[path]) for path in found if path not in expected}
    return [
        f"{path}: expected {' '.join(map(str, one))}, found {' '.join(map(str, other))}"
        for path, (one, other) in pairs.items()
        if not alike(one, other)
    ]


def alike(one, other):
    (what, value), (kind, array) = one, other
    if what != kind or (value is None) != (array is None):
        return False
    if value is None or np.array_equal(value, array):
        return True
    return value.dtype.kind not in "biu" and np.allclose(value, array, 1e-5, 1e-6)


def equal(found, expected):
    """Holds what is found against what plain Python gives."""
    lines = differences(describe(expected), describe(found))
    assert not lines, "\n".join(lines)


def unchanged(before, scene):
    lines = differences(before, scene.describe())
    assert not lines, "\n".join(lines)


def refused(call, match=""):
    """Makes a call that must be refused."""
    try:
        call()
    except REFUSALS as error:
        leaked = isinstance(error, jax.errors.UnexpectedTracerError)
        if leaked or not re.search(match, str(error), re.IGNORECASE):
            raise
        return error
    raise AssertionError("expected an error, found none")


def refuses(call, scene, match="", stem=None):
    """Makes a call that must be refused, and change nothing."""
    before = scene.describe()
    error = refused(call, match)
    unchanged(before, scene)
    return error


def done_or_refused(call, scene, judge):
    """Makes a call that may be refused, and then changes nothing."""
    before = scene.describe()
    try:
        outputs = call()
    except REFUSALS as error:
        if isinstance(error, jax.errors.UnexpectedTracerError):
            raise
        unchanged(before, scene)
        return
    judge(outputs)


def fails_with(call, scene, failure):
    """Makes a call in which the body raises, which changes nothing."""
    before = scene.describe()
    try:
        call()
    except failure:
        unchanged(before, scene)
        return
    raise AssertionError(f"the body raised {failure.__name__}, the call did not")


def leaves_no_tracer(call, scene):
    """Makes a call, which may be refused, and looks for tracers afterwards."""
    before = scene.describe()
    try:
        call()
    except REFUSALS:
        unchanged(before, scene)
        return
    leaks = [path for path, (what, _) in scene.describe().items() if what.endswith("tracer")]
    assert not leaks, f"tracers at {', '.join(leaks)}"


def saw(name, found, expected, least=1):
    """Holds that a body saw the same whenever it was traced."""
    equal({name: list(found)}, {name: [expected] * max(least, len(found))})


def as_function(lifted, *arguments):
    return lifted(*arguments)


def as_method(lifted, owner, *rest):
    """Calls a method that is transformed, as decorating it in the body of its class would."""
    type(owner).transformed = lifted
    try:
        return owner.transformed(*rest)
    finally:
        del type(owner).transformed


def stacked(*elements):
    """The first of the elements, whose Variables hold the arrays of all."""
    columns = [variables(element) for element in elements]
    for path, variable in columns[0].items():
        values = [spelling.read(column[path]) for column in columns]
        spelling.write(variable, jnp.stack(values))
    return elements[0]


def stacked_twice(rows, *elements):
    """The same for a stack of stacks, of `rows` rows."""
    for variable in variables(stacked(*elements)).values():
        array = spelling.read(variable)
        spelling.write(variable, array.reshape(rows, -1, *array.shape[1:]))
    return elements[0]


def blocks(*elements):
    """The first of the elements, whose Variables hold the arrays of all; all share its keys."""
    columns = [variables(element) for element in elements]
    for path, variable in columns[0].items():
        if not isinstance(variable, nnx.RngState):
            values = [spelling.read(column[path]) for column in columns]
            spelling.write(variable, jnp.stack(values))
    return elements[0]
