"""search: what is drawn, the judge that finds broken subjects, scripts that stand alone."""

import random
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from flax import nnx

from conformance.harness.cases import Case
from conformance.harness.claims import CaseKey
from conformance.harness.transforms import ALL, Body, Edit
from conformance.harness.verdicts import SuiteError, WrongResult
from conformance.random_scripts import test_edits
from conformance.repro import recording
from conformance.repro.script import scripts
from conformance.search import drawing, searching
from conformance.search.judging import FILE, RETURNING, judge, search
from conformance.search.scripts import Script, plain_classes
from conformance.search.searching import Search
from conformance.search.standalone import standalone
from tests import broken_jit
from tools import draw_scripts

any_edits = test_edits.test_any_edits
MakeCase = Callable[..., Case]

MAKE = (
    "a = Node()",
    "a.weight = nnx.Param(jnp.array([1.0, 2.0, 3.0]) + element)",
    "a.left = Node()",
    "a.left.weight = nnx.Param(jnp.array([4.0, 5.0, 6.0]) + element)",
    'a.label = "new"',
    "a.tied = a.weight",
)


def script(*body: str, returned: tuple[str, ...] = ()) -> Script:
    return Script(("a",), MAKE, body, returned)


def test_stored() -> None:
    """The file has the scripts that are drawn for it, and all of them are there."""
    text = FILE.read_text("utf-8")

    assert all(f"\n[{name}]\n" in text for name, _, _ in draw_scripts.names())
    name, kind, returns = next(draw_scripts.names())
    assert draw_scripts.table(name, draw_scripts.draw(name, kind, returns)) in text


@pytest.mark.parametrize("kind", drawing.KINDS)
def test_draw(kind: str) -> None:
    """Whatever is drawn, Python can run; the same choices make the same script."""
    for seed in range(10):
        choose = random.Random(seed).choice
        drawn = drawing.draw(choose, kind, returns=seed % 2 == 1)

        drawn.compiled(plain_classes()).study()
        assert drawing.draw(random.Random(seed).choice, kind, returns=seed % 2 == 1) == drawn


EDITS = {
    "value": (("write(a.weight, read(a.tied) * 2)",), Edit.VALUE),
    "and-back": (("a.extra = nnx.Param(x)", "del a.extra"), Edit.VALUE),
    "static": (('a.label = "used"', "a.sizes = (1, 2)"), Edit.STATIC),
    "swap": (("a.weight, a.left = a.left, a.weight",), Edit.REWIRE),
    "alias": (("a.again = a",), Edit.REWIRE),
    "drop": (('if hasattr(a, "left"): del a.left',), Edit.REWIRE),
    "once": (("del a.left",), Edit.RESIZE),
    "new": (("a.extra = nnx.Param(x)",), Edit.RESIZE),
}


@pytest.mark.parametrize(("body", "edit"), EDITS.values(), ids=EDITS)
def test_edit(body: tuple[str, ...], edit: Edit) -> None:
    """What a body changes in the end says what a transform owes it."""
    assert script(*body).compiled(plain_classes()).study().edit is edit


FORGETTING = {
    "written": (("write(a.left.weight, x)", "a.left = a"), True),
    "relabelled": (('a.left.label = "used"', "a.left = a"), True),
    "untouched": (("a.left = a",), False),
    "second-time": (
        ("write(a.weight, x * 2)", "a.tied, a.weight = a.weight, a.left.weight"),
        True,
    ),
}


@pytest.mark.parametrize(("body", "forgets"), FORGETTING.values(), ids=FORGETTING)
def test_forgets(body: tuple[str, ...], forgets: bool) -> None:
    """What is changed and then taken out of the graph is told: nobody says what becomes of it."""
    assert script(*body).compiled(plain_classes()).study().forgets is forgets


def test_refused_by_python(make_case: MakeCase) -> None:
    """A script that plain Python cannot run says nothing about a transform."""
    with pytest.raises((SuiteError, AttributeError)):
        judge(make_case(), script("y = y + read(a.nothing)"))


# Broken subjects


def found_by(case: Case, examples: int = 40) -> list[str]:
    """The scripts that a search prints."""
    with pytest.raises(WrongResult) as broken:
        search(examples, returns=False)(case)
    return list(case.scripts(broken.value))


def test_same_again(make_case: MakeCase) -> None:
    """A search draws what it drew before, and as much as it was asked for."""
    drawn: tuple[list[Script], list[Script]] = ([], [])
    for seen in drawn:
        Search(make_case(), 30, lambda _, script, __, seen=seen: seen.append(script)).run()

    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 30


def test_classes(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts share their classes, which nothing ever forgets, until JAX is told to forget."""
    monkeypatch.setattr(searching, "FORGET", 10)
    seen: list[type] = []

    Search(make_case(), 30, lambda _, __, classes: seen.append(classes["Node"])).run()

    assert len(seen) == 30
    assert 1 < len(set(seen)) <= 1 + 30 // 10


def test_goes_on(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search does not end with a failure; those of which the cause is known are told apart."""
    monkeypatch.setattr(searching, "ROUND", 10)

    def fails(case: Case, script: Script, classes: Mapping[str, type]) -> None:
        raise (ValueError, KeyError)[len(script.objects) % 2](f"at {len(script.make)}")

    case = make_case()
    case.explain = lambda error: "Known." if isinstance(error, KeyError) else ""
    search = Search(case, 30, fails)

    with pytest.raises(WrongResult, match=r"\d+ x ValueError: at 0$"):
        search.run()

    assert search.tried == 30
    assert search.known["Known."] > 0
    assert list(search.findings) == ["ValueError: at 0"]


def test_suite_error(make_case: MakeCase) -> None:
    """What is wrong with the suite is no finding."""

    def fails(case: Case, script: Script, classes: Mapping[str, type]) -> None:
        raise SuiteError("wrong")

    with pytest.raises(SuiteError, match="wrong"):
        Search(make_case(), 5, fails).run()


def eager(body: Body) -> Body:
    """A jit that nothing is wrong with, and that compiles nothing."""
    return body


@pytest.mark.parametrize("fault", broken_jit.FAULTS)
def test_fault(
    fault: str, make_case: MakeCase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A search finds what is broken; its script is short, and fails just where that is so."""
    path = tmp_path / "script.py"
    with monkeypatch.context() as patch:
        patch.setattr(nnx, "jit", broken_jit.broken(broken_jit.FAULTS[fault], eager))

        text = min(found_by(make_case("jit")), key=len)

        path.write_text(text)
        with pytest.raises(AssertionError):
            runpy.run_path(str(path))
    runpy.run_path(str(path))
    made, _, body = text.partition("def body(")
    assert body.partition("return y")[0].count("\n") <= 3, text
    assert made.partition("def make(")[2].count("\n") <= 9, text


def test_alone(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A broken case has a script, which asks for nothing but Flax and JAX."""
    case = make_case("jit")
    with monkeypatch.context() as patch:
        patch.setattr(nnx, "jit", broken_jit.broken(broken_jit.loses_statics, eager))
        with pytest.raises(WrongResult) as broken:
            judge(case, script('a.label = "used"'))
    [text] = case.scripts(broken.value)
    path = tmp_path / "script.py"
    path.write_text(text)

    assert "conformance" not in text
    alone = [sys.executable, str(path)]
    under_fault = [sys.executable, broken_jit.__file__, "loses_statics", str(path)]
    assert subprocess.run(alone, check=False).returncode == 0
    failed = subprocess.run(under_fault, check=False, capture_output=True, text=True)
    assert (failed.returncode, "AssertionError" in failed.stderr) == (1, True)


def test_refused_late(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A refusal that leaves something behind has a script that looks at what it left."""
    path = tmp_path / "script.py"

    def late_while_loop(condition: Any, step: Any, start: Any) -> Any:
        step(start)
        raise ValueError("no")

    case = make_case("while_loop")
    with monkeypatch.context() as patch:
        patch.setattr(nnx, "while_loop", late_while_loop)
        with pytest.raises(WrongResult) as broken:
            judge(case, script("a.extra = nnx.Param(x)"))
        path.write_text(*case.scripts(broken.value))
        with pytest.raises(AssertionError):
            runpy.run_path(str(path))
    runpy.run_path(str(path))


def test_repro(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script of a case is what `nnx-conformance repro` tries first."""
    monkeypatch.setattr(nnx, "jit", broken_jit.broken(broken_jit.loses_values, eager))
    key = CaseKey(any_edits.claim.id, "jit", "function", "values-1", "cpu", "default")
    recorded = recording.run(any_edits, any_edits.claim, key)

    first = next(scripts(recorded, any_edits.__module__, any_edits.__name__))

    assert "object0.weight: expected Param " in first.partition("import jax")[0]
    assert "assert_allclose(getattr(a.weight, 'value', a.weight), [" in first


def test_other_output(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """A returned object that is another one than plain Python returns is found."""

    def copying_jit(body: Body) -> Body:
        def call(*arguments: Any) -> Any:
            y, returned = body(*arguments)
            return y, [nnx.clone(each) for each in returned]

        return call

    drawn = script("y = y * 2", returned=("a.left",))
    judge(make_case("jit"), drawn)
    monkeypatch.setattr(nnx, "jit", copying_jit)
    with pytest.raises(WrongResult, match=r"object0\.returned\.0: expected same object as"):
        judge(make_case("jit"), drawn)


@pytest.mark.parametrize(
    ("transform", "returned"),
    [*((name, ()) for name in ALL), *((name, ("a.left", "a")) for name in RETURNING)],
)
def test_standalone_runs(
    transform: str,
    returned: tuple[str, ...],
    make_case: MakeCase,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What is printed for a transform is a program that runs it, and asserts what is so."""
    case = make_case(transform)
    body = ("write(a.left.weight, read(a.left.weight) * 2)", "y = y * read(a.weight)")
    drawn = script(*body, returned=returned)
    judge(case, drawn)
    expected = dict(case.seen.outputs)
    wrong = {path: leaf for path, leaf in expected.items() if path != "object0.left.weight"}
    text = standalone(drawn, case.transform, Edit.VALUE, WrongResult("!", expected, wrong))
    path = tmp_path / "script.py"
    path.write_text(text)
    monkeypatch.setenv("XLA_FLAGS", "")  # some scripts set it

    assert "assert_allclose" in text
    runpy.run_path(str(path))
