"""Judges a script under a transform: those that the suite has, or a search for more."""

import functools
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from flax import nnx

from conformance.harness.cases import Case
from conformance.harness.transforms import Body, Setting, Transform
from conformance.search.scripts import Script, keep, make_classes, study
from conformance.search.searching import Search
from conformance.search.standalone import standalone

FILE = Path(__file__).parent.parent / "random_scripts" / "scripts.toml"

Judge = Callable[[Case], None]


def judge(case: Case, script: Script, classes: Mapping[str, type] | None = None) -> None:
    """Runs a script under the transform of `case`, and in plain Python.

    Without `classes` it has some of its own, which no cache has seen.
    """
    compiled = script.compiled(classes or make_classes())
    edit = study(script).edit
    transform = _returning(case.transform) if script.returned else case.transform
    case.scripts = lambda error: [standalone(script, case.transform, edit, error)]
    judging = replace(case, transform=transform)  # shares what it sees with `case`
    judging.holds(compiled.body, *compiled.makers, edit=edit, twin=compiled.twin)


def stored(*, returns: bool) -> Mapping[str, Judge]:
    """A judge of each script that the suite has, by its name."""
    scripts = tomllib.loads(FILE.read_text("utf-8"))
    return {
        name: functools.partial(judge, script=script_of(table))
        for name, table in scripts.items()
        if ("returned" in table) == returns
    }


def search(examples: int, *, returns: bool) -> Judge:
    """A judge of so many scripts that are drawn."""
    return lambda case: Search(case, examples, judge, returns=returns).run()


def script_of(table: Mapping[str, Any]) -> Script:
    """The script that a table of the file has."""
    return Script(
        tuple(table["objects"]),
        tuple(table["make"].strip().splitlines()),
        tuple(table["body"].strip().splitlines()),
        tuple(table.get("returned", ())),
    )


# Bodies that return objects beside their output


def _scan(body: Body, setting: Setting) -> Body:
    in_axes = (0,) * setting.objects + (nnx.Carry,)
    return nnx.scan(body, in_axes=in_axes, out_axes=(nnx.Carry, 0))


def _cond(body: Body, setting: Setting) -> Body:
    return lambda *arguments: nnx.cond(arguments[-1].sum() > 0, body, body, *arguments)


def _switch(body: Body, setting: Setting) -> Body:
    return lambda *arguments: nnx.switch(jnp.array(1), (body, body), *arguments)


# How a transform lifts such a body, where that is another way than its own.
_OWN = {"scan": _scan, "cond": _cond, "switch": _switch}
RETURNING = ("vmap", "scan", "jit", "remat", "cond", "switch", "pmap", "shard_map", "checkify")


def _returning(transform: Transform) -> Transform:
    """The transform of bodies that return objects, which are kept where they are described."""

    def lift(body: Body, setting: Setting) -> Body:
        lifted = _OWN.get(transform.name, transform.lift)(body, setting)

        def call(*arguments: Any) -> Any:
            outputs = lifted(*arguments)
            y, returned = transform.read(outputs)
            keep(arguments[0], returned)
            return y

        return call

    return replace(transform, lift=lift, read=lambda y: y)
