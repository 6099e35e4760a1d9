"""Runs of the suite under faults, in which nothing counts but which cases turn red.

Two plugins for pytest. `Proof` runs one fault and finds all that it turns red; `Check` goes through
what was found before, and asks of each claim and transform whether it still is.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from conformance.faults import engine
from conformance.faults.catalogue import FAULTS, named
from conformance.faults.fault import Fault
from conformance.faults.table import Pair, Pairs
from conformance.harness.claims import CaseKey
from conformance.harness.verdicts import SuiteError

SAMPLE = 10  # of the pairs that a fault is not said to hit, one in so many is run


class _Runs:
    """The outcome of each case, told by what its test raises; pytest hears of no failure."""

    def __init__(self) -> None:
        self.red: set[Pair] = set()
        self.ran: set[Pair] = set()
        self.errors: dict[str, str] = {}

    @contextmanager
    def watched(self, item: pytest.Item) -> Iterator[None]:
        """What runs in it is the test of a case."""
        pair = pair_of(item)
        self.ran.add(pair)
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            raise
        except SuiteError as error:
            self.errors[item.nodeid] = str(error)
        except BaseException:  # noqa: BLE001 - whatever it is, the claim is broken
            self.red.add(pair)

    def is_settled(self, item: pytest.Item) -> bool:
        """Whether a claim was seen red with this transform."""
        return pair_of(item) in self.red


class Proof(_Runs):
    """Runs what a fault may hit until it is red, and a sample of all else."""

    def __init__(self, fault: Fault, skip: frozenset[str]) -> None:
        """`skip` are the keys of the cases that are red without it."""
        super().__init__()
        self._fault = fault
        self._skip = skip
        self._offset = list(FAULTS).index(fault.name) % SAMPLE

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        by_pair = _by_pair(item for item in items if str(_key(item)) not in self._skip)
        others = [pair for pair in by_pair if not self._fault.may_hit(*pair)]
        sample = others[self._offset :: SAMPLE]
        items[:] = [
            item
            for pair, of_pair in by_pair.items()
            for item in (
                of_pair if self._fault.may_hit(*pair) else of_pair[:1] if pair in sample else ()
            )
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        return True if self.is_settled(item) else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[None]:
        with self.watched(pyfuncitem):
            yield
        return True  # type: ignore[return-value]


class Check(_Runs):
    """Turns every pair red by the fault that is to show it."""

    def __init__(self, assigned: Mapping[Pair, str], skip: frozenset[str]) -> None:
        super().__init__()
        self._assigned = assigned
        self._skip = skip

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        kept = [
            item
            for item in items
            if pair_of(item) in self._assigned and str(_key(item)) not in self._skip
        ]
        by_pair = _by_pair(kept)
        order = list(FAULTS)
        items[:] = [
            item
            for pair in sorted(by_pair, key=lambda pair: order.index(self._assigned[pair]))
            for item in by_pair[pair]
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        return True if self.is_settled(item) else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Iterator[None]:
        fault = named(self._assigned[pair_of(pyfuncitem)])
        with self.watched(pyfuncitem), engine.active(fault):
            yield
        return True  # type: ignore[return-value]


def _key(item: pytest.Item) -> CaseKey:
    _, key = item.callspec.params["case"]  # type: ignore[attr-defined]
    assert isinstance(key, CaseKey)
    return key


def pair_of(item: pytest.Item) -> Pair:
    """The claim of a case, and its transform."""
    key = _key(item)
    return key.claim, key.transform


def _by_pair(items: Iterator[pytest.Item] | Sequence[pytest.Item]) -> dict[Pair, list[pytest.Item]]:
    found: dict[Pair, list[pytest.Item]] = {}
    for item in items:
        found.setdefault(pair_of(item), []).append(item)
    return found


def beyond(fault: Fault, red: Pairs) -> list[Pair]:
    """What a fault turned red and is not said to."""
    return sorted(pair for pair in red if not fault.may_hit(*pair))
