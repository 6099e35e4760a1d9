"""Writes conformance/baselines/ from records of whole runs.

    python tools/baselines.py RECORD...

`nnx-conformance matrix` leaves such records in .conformance/records. A record that is not whole, or
not of every claim, is refused.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.harness import records
from conformance.report import baselines


def main(arguments: Sequence[str]) -> str | None:
    """Writes a baseline for each record; what is wrong with the first that is unfit, if one is."""
    for name in arguments:
        path = Path(name)
        try:
            baselines.write(records.read(path), baselines.FOLDER)
        except baselines.NoBaseline as error:
            return f"{path}: {error}"
        except records.RecordError as error:
            return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
