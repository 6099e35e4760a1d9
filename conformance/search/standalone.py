"""The standalone script of a failure: plain Flax and JAX, a few lines, and an assertion at the end.

It asserts of one place what plain Python leaves there. Where a refusal would be right too, a
refusal ends it well.
"""

import ast
import re
from collections.abc import Iterator, Mapping

from conformance.harness.descriptions import Description, Leaf, differences
from conformance.harness.spelling import KEEPS_STRUCTURE
from conformance.harness.subject import version_of
from conformance.harness.transforms import STACKED, Answer, Edit, Form, Transform
from conformance.harness.verdicts import NoError, WrongResult
from conformance.search.scripts import RETURNED, Script

_HEAD = """\
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
"""
_HELPERS = {
    "read(": """
def read(variable):
    return variable.get_value() if hasattr(variable, "get_value") else variable.value
""",
    "write(": """
def write(variable, value):
    if hasattr(variable, "set_value"):
        variable.set_value(value)
    else:
        variable.value = value
""",
    "node_list(": "\nnode_list = getattr(nnx, 'List', list)\n",
}
_DEVICES = 'import os\n\nos.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"\n\n'
_REFUSALS = "(ValueError, TypeError, NotImplementedError)"

_OTHER = """\
def other(*arguments):
    body(*arguments)
    return arguments[-1]


"""
_LOSS = "lambda *arguments: body(*arguments).sum()"
_STILL = """\
def still(leaf):
    whole = not jnp.issubdtype(leaf.dtype, jnp.inexact)
    return np.zeros(leaf.shape, jax.dtypes.float0) if whole else jnp.zeros_like(leaf)


"""
_RULE = """\
def zeros(objects):
    states = jax.tree.map(still, nnx.state(objects))
    return [states.get(index, nnx.State({{}})) for index in range(len(objects))]


def forward(*arguments):
    kept[:] = zeros(arguments[:-1])
    return body(*arguments), None


kept = []
custom = nnx.custom_vjp(body)
custom.defvjp(forward, lambda _, given: (*kept, 3.0 * given[1]))
loss = lambda *arguments: custom(*arguments).sum()
"""

# What comes before the call, and the call, by transform. {all} are the objects and x.
_CALLS: Mapping[str, tuple[str, str]] = {
    "vmap": ("", "y = nnx.vmap(body, in_axes=0, out_axes=0)({all})"),
    "pmap": ("", "y = nnx.pmap(body, in_axes=0, out_axes=0, devices=jax.devices()[:2])({all})"),
    "shard_map": (
        "spec = jax.sharding.PartitionSpec('data')\n"
        "mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ('data',))\n"
        "lifted = nnx.shard_map(body, mesh=mesh, in_specs=({specs}), out_specs=spec)\n",
        "y = nnx.jit(lifted)({all})",
    ),
    "scan": ("", "y = nnx.scan(body, in_axes=({axes}nnx.Carry), out_axes=nnx.Carry)({all})"),
    "jit": ("", "y = nnx.jit(body)({all})"),
    "remat": ("", "y = nnx.remat(body)({all})"),
    "checkify": ("", "error, y = nnx.checkify(body)({all})"),
    "cond": (_OTHER, "y = nnx.cond(x.sum() > 0, body, other, {all})"),
    "switch": (_OTHER, "y = nnx.switch((x.sum() > 0).astype(int), (other, body), {all})"),
    "grad": ("", f"gradients = nnx.grad({_LOSS})({{all}})"),
    "value_and_grad": ("", f"value, gradients = nnx.value_and_grad({_LOSS})({{all}})"),
    "custom_vjp": (
        _STILL + _RULE,
        "value, cotangent = nnx.value_and_grad(loss, argnums={number})({all})",
    ),
    "vjp": (
        "",
        "y, pull_back = nnx.vjp(body, {all}{keeps})\ncotangent = pull_back(jnp.ones_like(y))[-1]",
    ),
    "jvp": (
        _STILL,
        "graph, state = nnx.split(({objects},))\n"
        "tangents = nnx.merge(graph, jax.tree.map(still, state))\n"
        "y, tangent = nnx.jvp(body, ({all}), (*tangents, jnp.ones_like(x)){keeps})",
    ),
    "while_loop": (
        "def step(value):\n    {all}, steps = value\n"
        "    return {objects}, body({all}), steps + 1\n\n\n",
        "*_, y, _ = nnx.while_loop(lambda value: value[-1] < 3, step, ({all}, jnp.array(0)))",
    ),
    "fori_loop": (
        "def step(_, value):\n    {all} = value\n    return {objects}, body({all})\n\n\n",
        "*_, y = nnx.fori_loop(0, 3, step, ({all}))",
    ),
}
# The same of a body that returns objects, where it is another call.
_RETURNING: Mapping[str, tuple[str, str]] = {
    "scan": (
        "",
        "y = nnx.scan(body, in_axes=({axes}nnx.Carry), out_axes=(nnx.Carry, 0))({all})",
    ),
    "cond": ("", "y = nnx.cond(x.sum() > 0, body, body, {all})"),
    "switch": ("", "y = nnx.switch(1, (body, body), {all})"),
}
# Where the call leaves what a description has under these names.
_OUTPUTS = {
    "output": "y",
    "output.y": "y",
    "output.value": "value",
    "output.tangent": "tangent",
    "output.cotangent of x": "cotangent",
}


def standalone(script: Script, transform: Transform, edit: Edit, error: BaseException) -> str:
    """The text of a script that fails where this one has failed with `error`."""
    before, call = _CALLS[transform.name]
    if script.returned:
        before, call = _RETURNING.get(transform.name, (before, call))
        call += f"\n{script.objects[0]}.{RETURNED} = node_list(y[1])\ny = y[0]"
    keeps = "".join(f", {option}={value}" for option, value in KEEPS_STRUCTURE.items())
    words = {
        "all": ", ".join((*script.objects, "x")),
        "objects": ", ".join(script.objects),
        "axes": "0, " * len(script.objects),
        "specs": "spec, " * (len(script.objects) + 1),
        "number": len(script.objects),
        "keeps": keeps if edit is Edit.VALUE else "",
    }
    checks = list(_checks(error))
    held = "".join(check.holding for check in checks)
    answer = transform.answers[edit]
    if answer is Answer.REFUSED and isinstance(error, NoError):
        checks = [_Check("", "raise AssertionError('plain Python refuses this, nnx does not')")]
    program = (
        f"{script.program()}\n\n"
        f"{before.format(**words)}element = {_element(transform)}\n"
        f"x = {_input(transform)}\n{words['objects']}, = make(element)\n"
        f"{held}{_guarded(call.format(**words), answer, refused=_is_after_refusal(error))}\n"
        + "".join(f"{check.text}\n" for check in checks)
    )
    helpers = "".join(f"\n{text}" for word, text in _HELPERS.items() if word in program)
    devices = _DEVICES if transform.name in ("pmap", "shard_map") else ""
    said = str(error).strip().splitlines() or [""]
    subject = ", ".join(f"{package} {version_of(package)}" for package in ("flax", "jax"))
    found = f'"""{type(error).__name__}: {said[0][:200]}\n\nSeen with {subject}.\n"""\n\n'
    found = found.replace("\\", "/")
    return f"{found}{devices}{_HEAD}{helpers}\n\n{program}"


def _element(transform: Transform) -> str:
    return "jnp.array([[0], [1]])" if transform.form in STACKED else "0"


def _input(transform: Transform) -> str:
    one = "jnp.array([1.0, 2.0, 3.0])"
    return f"{one} + 3 * element" if transform.form in (Form.MAPPED, Form.SHARDED) else one


def _is_after_refusal(error: BaseException) -> bool:
    """Whether what differs is what a refusal has left behind."""
    return any(note.startswith("after ") for note in getattr(error, "__notes__", ()))


def _guarded(call: str, answer: Answer, *, refused: bool) -> str:
    if answer is Answer.DONE:
        return call
    inner = "".join(f"    {line}\n" for line in call.splitlines())
    if refused:
        return f"try:\n{inner}except {_REFUSALS}:\n    pass  # nothing may have changed"
    what = "right, too" if answer is Answer.DONE_OR_REFUSED else "right"
    return (
        f"try:\n{inner}except {_REFUSALS} as error:\n"
        f"    raise SystemExit(0) from error  # refused, which is {what}"
    )


class _Check:
    """A statement that fails, and what must be kept before the call for it."""

    def __init__(self, holding: str, text: str) -> None:
        self.holding = holding
        self.text = text


def _checks(error: BaseException) -> Iterator[_Check]:
    if not isinstance(error, WrongResult):
        return
    # What an object holds comes first: where it holds nothing, what was held has no name.
    paths = dict.fromkeys((*error.expected, *error.found))
    for path in sorted(paths, key=lambda path: path.startswith("held ")):
        if differences(_only(path, error.expected), _only(path, error.found)):
            holding, place = "", path
            if path.startswith("held "):
                holding = f"held = {_place(path.removeprefix('held '))}\n"
                place = "held"
            expected, found = error.expected.get(path), error.found.get(path)
            yield _Check(holding, _assertion(_place(place), expected, found))
            return


def _only(path: str, description: Description) -> Description:
    return {path: description[path]} if path in description else {}


def _place(path: str) -> str:
    """What Python calls that which a description has at a path."""
    if path.startswith("output.gradients."):
        keys = ast.literal_eval(path.removeprefix("output.gradients."))
        return "gradients" + "".join(f"[{key!r}]" for key in keys)
    if path in _OUTPUTS:
        return _OUTPUTS[path]
    root, *rest = path.split(".")
    name = re.sub(r"^object(\d)$", lambda found: "abc"[int(found[1])], root)
    return name + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in rest)


def _dtype(leaf: Leaf) -> str:
    return "" if leaf.value is None else str(leaf.value.dtype)


def _assertion(place: str, expected: Leaf | None, found: Leaf | None) -> str:
    if expected is None:
        owner, _, name = place.rpartition(".")
        if place.endswith("]"):
            owner, _, index = place[:-1].rpartition("[")
            return f"assert len({owner}) <= {index}"
        return f"assert not hasattr({owner}, {name!r})"
    same = "same object as "
    if expected.what.startswith(same):
        return f"assert {place} is {_place(expected.what.removeprefix(same))}"
    if found is not None and found.what.startswith(same):
        return f"assert {place} is not {_place(found.what.removeprefix(same))}"
    if expected.value is not None:
        kind = expected.what.split()[0]
        lines = []
        value = place
        if kind != "array":
            lines.append(f"assert type({place}).__name__ == {kind!r}")
        if kind != "array" or place.startswith("gradients"):
            value = f"getattr({place}, 'value', {place})"
        lines.append(f"np.testing.assert_allclose({value}, {expected.value.tolist()}, rtol=1e-5)")
        if found is not None and _dtype(found) != _dtype(expected):
            lines.append(f"assert {value}.dtype == '{expected.value.dtype}'")
        return "\n".join(lines)
    if expected.what.startswith("static "):
        return f"assert {place} == {expected.what.removeprefix('static ')}"
    return f"assert type({place}).__name__ == {expected.what!r}"
