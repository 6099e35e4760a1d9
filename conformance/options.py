"""Options that several commands of `nnx-conformance` have."""

import argparse
from pathlib import Path


def add_deviations(parser: argparse.ArgumentParser) -> None:
    """Adds `--deviations`, whose value is a list of files."""
    parser.add_argument(
        "--deviations",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="known deviations of your own, beside those that the suite ships (repeatable)",
    )
