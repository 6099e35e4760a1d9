"""Writes conformance/guide/texts.toml: the passages of every release's guide, without their words.

Run it after a row was added to conformance/releases.toml; it fetches every release's source
distribution from the package index.
"""

import json
from collections.abc import Iterable
from itertools import groupby

from conformance.guide.mapping import TEXTS_FILE
from conformance.guide.passages import Passage
from conformance.guide.releases import guide_of
from conformance.harness.subject import releases

HEADER = """\
# The texts of the transforms guide that releases of Flax ship: by section, the kind and the digest
# of each passage. Made by tools/guide_texts.py; what each passage is mapped to: mapping.toml.
"""


Guide = tuple[str, tuple[Passage, ...]]  # a release, and the passages of its guide


def document(guides: Iterable[Guide]) -> str:
    """The file's text, for the guide of each release, oldest first."""
    lines = [HEADER]
    for _, group in groupby(guides, key=lambda guide: [passage.digest for passage in guide[1]]):
        same = list(group)
        names, passages = [name for name, _ in same], same[0][1]
        lines += ["[[text]]", f"releases = {json.dumps(names)}", "", "[text.sections]"]
        for section, inside in groupby(passages, key=lambda passage: passage.section):
            lines.append(f'"{section}" = [')
            lines += [f'    "{passage.kind} {passage.digest}",' for passage in inside]
            lines.append("]")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Fetches, and writes."""
    versions = [release.version for release in releases()]
    guides = [(str(version), guide_of(version)) for version in versions]
    TEXTS_FILE.write_text(document(guides), encoding="utf-8")


if __name__ == "__main__":
    main()
