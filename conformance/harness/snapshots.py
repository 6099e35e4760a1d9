"""A case against its snapshot: the syrupy extension that keeps descriptions."""

import functools
from pathlib import Path
from typing import Any

from syrupy.assertion import SnapshotAssertion
from syrupy.data import Snapshot, SnapshotCollection
from syrupy.extensions.base import AbstractSyrupyExtension
from syrupy.location import PyTestLocation

from conformance.harness import snapshot_files
from conformance.harness.cases import Case
from conformance.harness.descriptions import Description, Leaf, differences
from conformance.harness.snapshot_files import MalformedSnapshots, Snapshots, name_of
from conformance.harness.transforms import ELEMENTS
from conformance.harness.verdicts import SuiteError, WrongResult


class SnapshotDiffers(WrongResult):
    """A case left something else than its snapshot says."""


def text_of(outputs: Description) -> str:
    """A snapshot's text, a line per path; raises SuiteError for a path that no line can hold."""
    for path in outputs:
        if ": " in path or "\n" in path:
            raise SuiteError(f"a snapshot cannot hold the path {path!r}")
    return "\n".join(f"{path}: {leaf.text}" for path, leaf in outputs.items())


def read_text(text: str) -> Description:
    """The description that a snapshot's text tells; raises SuiteError where it tells none."""
    description = {}
    for line in text.splitlines():
        path, _, leaf = line.partition(": ")
        try:
            description[path] = Leaf.parse(leaf)
        except (ValueError, TypeError, KeyError) as error:
            raise MalformedSnapshots(f"{path}: {leaf!r} cannot be read: {error}") from None
    return description


class DescriptionSnapshots(AbstractSyrupyExtension):
    """Keeps descriptions in snapshot files; floats that are close are equal."""

    file_extension = "txt"

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: Any = 0) -> str:
        """The name that the assertion was given."""
        return str(index)

    def serialize(self, data: Any, **_: Any) -> str:
        """The text of a description."""
        return text_of(data)

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        """Whether both tell the same, floats within their tolerance."""
        return serialized_data == snapshot_data or not differences(
            read_text(snapshot_data), read_text(serialized_data)
        )

    def read_snapshot_data_from_location(
        self, *, snapshot_location: str, snapshot_name: str, session_id: str
    ) -> str | None:
        """The text of one snapshot, if there is one."""
        return _stored(Path(snapshot_location), session_id).get(snapshot_name)

    def read_snapshot_collection(self, *, snapshot_location: str) -> SnapshotCollection:
        """The snapshots of a file."""
        collection = SnapshotCollection(location=snapshot_location)
        for name, text in snapshot_files.read(Path(snapshot_location)).items():
            collection.add(Snapshot(name=name, data=text))
        return collection

    @classmethod
    def write_snapshot_collection(
        cls, *, snapshot_collection: SnapshotCollection, **_: Any
    ) -> None:
        """Writes these snapshots beside, or instead of, those in their file."""
        path = Path(snapshot_collection.location)
        new = {snapshot.name: str(snapshot.data) for snapshot in snapshot_collection}
        snapshot_files.write(path, snapshot_files.read(path) | new)

    def delete_snapshots(self, *, snapshot_location: str, snapshot_names: set[str]) -> None:
        """Takes snapshots out of their file, and the file away where it has no other."""
        path = Path(snapshot_location)
        stored = snapshot_files.read(path).items()
        snapshot_files.write(path, {n: text for n, text in stored if n not in snapshot_names})


@functools.lru_cache
def _stored(path: Path, session_id: str) -> Snapshots:
    """The snapshots of a file, read once in a session."""
    return snapshot_files.read(path)


class _CaseLocation(PyTestLocation):
    def matches_snapshot_name(self, snapshot_name: str) -> bool:
        return True  # names come from cases, not from tests


def hold(case: Case, snapshot: SnapshotAssertion) -> None:
    """Holds what `case` has seen against its snapshot, or writes it where syrupy is to update.

    Args:
      case: one whose test has passed.
      snapshot: syrupy's fixture of that test.

    Raises:
      SnapshotDiffers: they differ; the message has a line per path, as for any wrong result.
      MalformedSnapshots: the file cannot be read.
    """
    location = _CaseLocation(snapshot.test_location.item)
    path = Path(DescriptionSnapshots.get_location(test_location=location, index=0))
    stored = _stored(path, str(id(snapshot.session)))
    name = _name(case, stored)
    case.seen.has_snapshot = name in stored
    updates = snapshot.update_snapshots or snapshot.update_new_snapshots_only
    if not updates and name not in stored:
        return  # what no subject did before; the claim's own oracles have judged it
    held = SnapshotAssertion(
        session=snapshot.session,
        extension_class=DescriptionSnapshots,
        test_location=location,
        update_snapshots=snapshot.update_snapshots,
        update_new_snapshots_only=snapshot.update_new_snapshots_only,
    )
    if held(name=name) == case.seen.outputs:
        return
    if error := held.executions[0].exception:
        raise error
    where = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
    lines = differences(read_text(stored[name]), case.seen.outputs)
    raise SnapshotDiffers("\n".join((*lines, f"so says the snapshot of {name} in {where}")))


def _name(case: Case, stored: Snapshots) -> str:
    """The name of a case's snapshot: one of its own for so few devices, if it needs one."""
    name = name_of(case.key, case.seen.choice)
    devices = len(case.backend.devices)
    if devices >= ELEMENTS:
        return name
    of_few = f"{name}:{devices}-device"
    if of_few in stored:
        return of_few
    same = name in stored and not differences(read_text(stored[name]), case.seen.outputs)
    return name if same else of_few
