"""Runs of the suite under faults, in which nothing counts but which cases turn red.

Two plugins for pytest. `Proof` runs one fault and finds all that it turns red; `Check` goes through
what was found before, and asks of each claim and transform whether it still is.
"""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import pytest

from conformance.faults import engine
from conformance.faults.catalogue import FAULTS, named
from conformance.faults.fault import Fault, FaultError
from conformance.faults.table import Pair, Pairs
from conformance.harness.claims import CaseKey
from conformance.harness.verdicts import SuiteError

SAMPLE = 25  # of the pairs that a fault is not said to hit, one in so many is run


class _Runs:
    """Runs cases until each pair is red. What a test raises decides; pytest hears of no failure.

    A case that held as a function is not run as a method.
    """

    def __init__(self, skip: frozenset[str]) -> None:
        """`skip` are the keys of the cases that are red without a fault."""
        self.red: set[Pair] = set()
        self.errors: dict[str, str] = {}
        self._skip = skip
        self._held: set[CaseKey] = set()
        self._passes_by = False

    def _broken(self, item: pytest.Function) -> AbstractContextManager[None]:
        """The context in which a case is to run."""
        raise NotImplementedError

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[None]:
        key = key_of(pyfuncitem)
        as_function = replace(key, style="function")
        self._passes_by = pair_of(key) in self.red or as_function in self._held
        try:
            with self._broken(pyfuncitem):
                yield
            self._held.add(key)
        except (KeyboardInterrupt, SystemExit):
            raise
        except (SuiteError, FaultError) as error:
            if not self._passes_by:
                self.errors[pyfuncitem.nodeid] = str(error)
        except BaseException:  # noqa: BLE001 - whatever it is, the claim is broken
            if not self._passes_by:
                self.red.add(pair_of(key))
        return True  # type: ignore[return-value]

    def by_pair(self, items: Iterable[pytest.Item]) -> dict[Pair, list[pytest.Item]]:
        """The cases that can turn red, by pair."""
        found: dict[Pair, list[pytest.Item]] = {}
        for item in items:
            key = key_of(item)
            if str(key) not in self._skip:
                found.setdefault(pair_of(key), []).append(item)
        return found


class _PassBy:
    """Keeps a test from being called, where its pair is settled."""

    def __init__(self, runs: _Runs) -> None:
        self._runs = runs

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self) -> bool | None:
        return True if self._runs._passes_by else None


class Proof(_Runs):
    """Runs what a fault may hit, and a sample of all else, of the claims that `claims` matches."""

    def __init__(self, fault: Fault, skip: frozenset[str], claims: str = "*") -> None:
        super().__init__(skip)
        self._fault = fault
        self._claims = claims
        self._offset = list(FAULTS).index(fault.name) % SAMPLE

    def _broken(self, item: pytest.Function) -> AbstractContextManager[None]:
        return nullcontext()  # the whole run is

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        by_pair = {
            pair: of_pair
            for pair, of_pair in self.by_pair(items).items()
            if fnmatch.fnmatchcase(pair[0], self._claims)
        }
        others = [pair for pair in by_pair if not self._fault.may_hit(*pair)]
        sample = others[self._offset :: SAMPLE]
        items[:] = [
            item
            for pair, of_pair in by_pair.items()
            for item in (of_pair[:1] if pair in sample else of_pair)
            if pair in sample or self._fault.may_hit(*pair)
        ]


class Check(_Runs):
    """Turns every pair red by the fault that is to show it."""

    def __init__(self, assigned: Mapping[Pair, str], skip: frozenset[str]) -> None:
        super().__init__(skip)
        self._assigned = assigned

    def _broken(self, item: pytest.Function) -> AbstractContextManager[None]:
        return engine.active(named(self._assigned[pair_of(key_of(item))]))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = list(FAULTS)
        by_pair = self.by_pair(items)
        wanted = sorted(
            by_pair.keys() & self._assigned.keys(),
            key=lambda pair: (order.index(self._assigned[pair]), pair),
        )
        items[:] = [item for pair in wanted for item in by_pair[pair]]


def plugins(runs: _Runs) -> list[object]:
    """What pytest is given for these runs."""
    return [runs, _PassBy(runs)]


def key_of(item: pytest.Item) -> CaseKey:
    """The key of a test's case."""
    _, key = item.callspec.params["case"]  # type: ignore[attr-defined]
    assert isinstance(key, CaseKey)
    return key


def pair_of(key: CaseKey) -> Pair:
    """The claim of a case, and its transform."""
    return key.claim, key.transform


def beyond(fault: Fault, red: Pairs) -> list[Pair]:
    """What a fault turned red and is not said to."""
    return sorted(pair for pair in red if not fault.may_hit(*pair))
