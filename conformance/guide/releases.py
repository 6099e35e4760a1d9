"""The guide that a release of Flax ships: read out of its source distribution."""

import hashlib
import io
import json
import os
import tarfile
import urllib.error
import urllib.request
from typing import Any

from packaging.utils import InvalidSdistFilename, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from conformance.guide.passages import GuideError, Passage, parse

GUIDE_FILE = "docs_nnx/guides/transforms.md"
_INDEX = "https://pypi.org/simple"
_INDEX_SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
_TIMEOUT = 60  # seconds without a byte


def version_named(text: str) -> Version | None:
    """The version that `text` is, if it is one."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def guide_of(version: Version) -> tuple[Passage, ...]:
    """The passages of the guide in a release's source distribution, from the package index.

    Raises GuideError where the release or its guide cannot be had.
    """
    return parse(text_of(version), ".md", f"flax {version}: {GUIDE_FILE}")


def text_of(version: Version, path: str = GUIDE_FILE) -> str:
    """The words of that guide, or of another file there; raises GuideError."""
    address, digest = _sdist(version)
    archive = _get(address)
    if digest and hashlib.sha256(archive).hexdigest() != digest:
        raise GuideError(f"flax {version}: {address} is not what the index says it is")
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            for member in files:
                if member.name.partition("/")[2] == path:
                    content = files.extractfile(member)
                    return content.read().decode("utf-8") if content else ""
    except (tarfile.TarError, UnicodeDecodeError, EOFError) as error:
        raise GuideError(f"flax {version}: {address} cannot be read: {_line(error)}") from None
    raise GuideError(f"flax {version}: its source distribution holds no {path}")


def _sdist(version: Version) -> tuple[str, str]:
    """The address of a release's source distribution, and its SHA-256 if the index gives it."""
    index = next((os.environ[name] for name in _INDEX_SETTINGS if os.environ.get(name)), _INDEX)
    page = f"{index.rstrip('/')}/flax/"
    try:
        listed: dict[str, Any] = json.loads(_get(page, "application/vnd.pypi.simple.v1+json"))
    except ValueError:
        raise GuideError(
            f"{page} does not answer in JSON: it is no package index of today"
        ) from None
    for file in listed.get("files", ()):
        if _version_of(file["filename"]) == version:
            digest: str = file.get("hashes", {}).get("sha256", "")
            return urllib.request.urljoin(page, file["url"]), digest
    raise GuideError(f"flax {version}: {page} has no source distribution of it")


def _version_of(filename: str) -> Version | None:
    try:
        return parse_sdist_filename(filename)[1]
    except InvalidSdistFilename:
        return None


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _get(address: str, kind: str = "*/*") -> bytes:
    if not address.startswith(("https://", "http://")):
        raise GuideError(f"{address}: not an address on the web")
    request = urllib.request.Request(address, headers={"Accept": kind})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            content: bytes = answer.read()
            return content
    except (urllib.error.URLError, OSError) as error:
        raise GuideError(f"{address}: {getattr(error, 'reason', error)}") from None
