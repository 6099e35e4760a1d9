"""Writes conformance/baselines/ from records of whole runs.

    python tools/baselines.py RECORD...
    python tools/baselines.py --add RECORD...    what some claims show, beside what is there

`nnx-conformance matrix` leaves such records in .conformance/records. A record that is not whole is
refused, and without --add one that is not of every claim.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.harness import records
from conformance.report import baselines


def main(arguments: Sequence[str]) -> str | None:
    """Writes a baseline for each record; what is wrong with the first that is unfit, if one is."""
    adding = list(arguments[:1]) == ["--add"]
    put = baselines.amend if adding else baselines.write
    for name in arguments[adding:]:
        path = Path(name)
        try:
            put(records.read(path), baselines.FOLDER)
        except baselines.NoBaseline as error:
            return f"{path}: {error}"
        except records.RecordError as error:
            return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
