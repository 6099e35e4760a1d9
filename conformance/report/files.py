"""Writing what was made: all of it or, where something cannot be written, none."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


class Unwritable(Exception):
    """A file cannot be written; the message is one line that names it and says why."""


def write(texts: Mapping[Path, str]) -> None:
    """Writes each text in UTF-8, in folders that it makes where they are missing.

    No file is touched before all are written beside their places. Raises Unwritable.
    """
    places = {path: path.resolve() for path in texts}
    ready: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            ready[path] = _new_file_beside(places[path])
            ready[path].write_bytes(text.encode("utf-8", "replace"))
        for path, place in places.items():
            ready[path].replace(place)
    except OSError as error:
        raise Unwritable(f"{path}: {error.strerror}") from None
    finally:
        for left in ready.values():
            with suppress(OSError):
                left.unlink(missing_ok=True)


def _new_file_beside(place: Path) -> Path:
    """An empty file in the same folder, with the permissions that any new file would have."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists() and not place.is_file():
        raise OSError(0, "Is not a file")
    descriptor, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
    os.close(descriptor)
    mask = os.umask(0)
    os.umask(mask)
    Path(name).chmod(0o666 & ~mask)
    return Path(name)
