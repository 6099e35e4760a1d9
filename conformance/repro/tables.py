"""The suite's tables of variants and the like: what stands under a key, as an expression."""

import ast
import copy
from collections.abc import Mapping
from typing import Any

from conformance.harness.transforms import Form
from conformance.repro.bundling import name_of
from conformance.repro.recording import Recorded
from conformance.repro.sources import Target, Whole, follow, source


class Tables:
    """The tables as the test of a case reads them."""

    def __init__(self, case: Recorded, module: str, test: str) -> None:
        self.case, self.module, self.test = case, module, test

    def variant(self) -> ast.expr:
        """What the test reads as its variant."""
        value = self.case.variant
        if isinstance(value, bool | int | str | None):
            return ast.Constant(value)
        home = source(self.module)
        test = home.definitions[self.test]
        assert isinstance(test, ast.FunctionDef)
        if (plain := self._by_value(value)) is not None:
            return plain
        [given] = [
            keyword.value
            for decorator in test.decorator_list
            if isinstance(decorator, ast.Call)
            for keyword in decorator.keywords
            if keyword.arg == "variants"
        ]
        return self.entry(self.module, given, self.case.key.variant, "variant")

    def _by_value(self, value: Any) -> ast.expr | None:
        """An expression for a value, where it has a name or is made of what has one."""
        if isinstance(value, bool | int | str | None):
            return ast.Constant(value)
        if isinstance(value, tuple):
            parts = [self._by_value(part) for part in value]
            known = [part for part in parts if part is not None]
            return ast.Tuple(known, ast.Load()) if len(known) == len(parts) else None
        for name, other in vars(source(self.module).module).items():
            if other is value and isinstance(source(self.module).meaning(name), Target):
                return name_of(follow(Target(self.module, name)))  # type: ignore[arg-type]
        for name, table in vars(source(self.module).module).items():
            if isinstance(table, Mapping) and source(self.module).meaning(name):
                for key, other in table.items():
                    if other is value:
                        return self.entry(
                            self.module, ast.Name(name, ast.Load()), key, name.lower()
                        )
        return None

    def entry(self, module: str, table: ast.expr, key: Any, name: str) -> ast.expr:
        """What a dictionary that is written down somewhere has under a key."""
        where, display = module, table
        while isinstance(display, ast.Name):
            meaning = getattr(display, "target", None) or source(where).meaning(display.id)
            meaning = follow(meaning) if isinstance(meaning, Target) else meaning
            if not isinstance(meaning, Target):
                break
            definition = source(meaning.module).definitions[meaning.name]
            value = getattr(definition, "value", None)
            if not isinstance(value, ast.Dict | ast.Name):
                break
            where, display = meaning.module, value
        if isinstance(display, ast.Dict):
            for word, value in zip(display.keys, display.values, strict=True):
                is_it = isinstance(word, ast.Constant) and word.value == key
                if is_it or (isinstance(key, Form) and ast.unparse(word) == str(key)):  # type: ignore[arg-type]
                    label = key.name.lower() if isinstance(key, Form) else key
                    return self._placed(where, value, f"{name}_{label}")
        if isinstance(key, Form):
            raise LookupError(f"{name} is not written down")
        indexed = ast.Subscript(copy.deepcopy(table), ast.Constant(key), ast.Load())
        indexed.is_last = True  # type: ignore[attr-defined]
        return self._placed(module, indexed, f"{name}_{key}")

    def _placed(self, module: str, value: ast.expr, name: str) -> ast.expr:
        """An expression in terms of a module's names, to be used in any."""
        if isinstance(value, ast.Constant):
            return value
        if isinstance(value, ast.Name):
            return name_of(follow(Target(module, value.id)))  # type: ignore[arg-type]
        if isinstance(value, ast.Tuple) and all(
            isinstance(each, ast.Name | ast.Constant | ast.Tuple | ast.Attribute)
            for each in value.elts
        ):
            return ast.Tuple([self._placed(module, e, name) for e in value.elts], ast.Load())
        if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
            meaning = source(module).meaning(value.value.id)
            if isinstance(meaning, Whole):
                return name_of(Target(meaning.module, value.attr))
            if meaning is not None:
                owner = ast.Name(value.value.id, ast.Load())
                owner.target = meaning  # type: ignore[attr-defined]
                return ast.Attribute(owner, value.attr, ast.Load())
        word = "".join(c if c.isalnum() else "_" for c in name)
        home = source(module)
        if word not in home.definitions:
            assign = ast.Assign([ast.Name(word, ast.Store())], value, lineno=1)
            home.define(word, assign, max(home.order.values()) + 1)
        return name_of(Target(module, word))
