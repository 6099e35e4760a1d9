"""Draws the scripts of conformance/random_scripts/scripts.toml that are not there yet.

    python tools/draw_scripts.py

A script that is there stays as it is, whatever becomes of the way in which scripts are drawn: a
verdict, a snapshot and a known deviation speak of it.
"""

import random
import tomllib
from collections.abc import Iterator

from conformance.harness.spelling import is_object
from conformance.harness.twins import Scene, element_inputs
from conformance.search import drawing
from conformance.search.judging import FILE
from conformance.search.scripts import Script, plain_classes, study
from conformance.search.searching import MOST

LEAST = 4  # statements of the body: a program is compiled for each script
OF_A_KIND = 1

HEAD = """\
# Scripts that were drawn at random, once. tools/draw_scripts.py adds what is missing, and changes
# none. `make` builds the objects, `body` edits them; each transform is judged with each of them.
"""


def names() -> Iterator[tuple[str, str, bool]]:
    """What there shall be: a name, the kind of edits, and whether objects are returned."""
    for kind in drawing.KINDS:
        yield from ((f"{kind}-{number}", kind, False) for number in range(1, OF_A_KIND + 1))
    yield from ((f"returns-{number}", "everything", True) for number in range(1, OF_A_KIND + 1))


def draw(name: str, kind: str, returns: bool) -> Script:
    """A script that is as large as it may be, and makes the edits that it is there for."""
    generator = random.Random(name)
    while True:
        script = drawing.draw(generator.choice, kind, returns=returns)
        studied = study(script)
        fits = studied.edit is MOST[kind] and not studied.forgets
        if (
            fits
            and min(len(script.body), len(script.make)) >= LEAST
            and not is_spared(script, kind)
        ):
            return script


def is_spared(script: Script, kind: str) -> bool:
    """Whether some releases are known to fail in a way that says nothing of what is drawn here.

    Up to 0.10.4 a Variable that is returned is no node. The first vjp and jvp, of 0.12.5, go round
    in a cycle until the stack ends, and JAX does not recover from that.
    """
    compiled = script.compiled(plain_classes())
    objects = compiled.make(0)
    if script.returned:
        _, returned = compiled.body(*objects, *element_inputs(1))
        return not all(map(is_object, returned))
    described = Scene.of(objects).describe().items()
    back = {path: leaf.what.removeprefix("same object as ") for path, leaf in described}
    return kind == "values" and any(path.startswith(f"{to}.") for path, to in back.items())


def table(name: str, script: Script) -> str:
    """A script as the file has it."""
    quoted = {field: [*getattr(script, field)] for field in ("objects", "returned")}
    lines = [f"[{name}]"]
    lines += [f"{field} = {value}".replace("'", '"') for field, value in quoted.items() if value]
    for field in ("make", "body"):
        lines += [f"{field} = '''", *getattr(script, field), "'''"]
    return "\n".join(lines)


def main() -> None:
    """Writes."""
    text = FILE.read_text("utf-8") or HEAD
    there = tomllib.loads(text)
    missing = [each for each in names() if each[0] not in there]
    tables = [table(name, draw(name, kind, returns)) for name, kind, returns in missing]
    FILE.write_text("\n\n".join((text.rstrip(), *tables)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
