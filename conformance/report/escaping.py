"""Texts of records, made harmless for where they are shown."""

import re
from urllib.parse import urlsplit

_MARKDOWN = re.compile(r"([\\`*_\[\]|~$])")
_AT_THE_START = re.compile(r"^(\d*)([-+#=.)])")
_ZERO_WIDTH_SPACE = "\u200b"


def is_link(address: str) -> bool:
    """Whether an address may be linked: of the web, and without a blank or a control character."""
    if not address.isprintable() or set(address) & set(" <>\"'`\\|"):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def in_a_line(text: str, length: int) -> str:
    """A text in one line of at most so many characters; what is not printable is spelt out."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= length else f"{line[: length - 1]}…"


def printable(text: str) -> str:
    """A text that a terminal shows and does not obey, and that every encoding of Unicode takes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def counted(number: int, what: str) -> str:
    """So many of what there is, in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def markdown_code(text: str, length: int = 300) -> str:
    """A text as code in Markdown, in a table or outside of one; the text cannot end it."""
    line = in_a_line(text, length) or "-"
    if not set(line) & set("`|"):
        return f"`{line}`"
    spelt = (c if c.isalnum() or c == " " or not c.isascii() else f"&#{ord(c)};" for c in line)
    return f"<code>{''.join(spelt)}</code>"


def markdown_prose(text: str, length: int = 1000) -> str:
    """A text as words in Markdown: it makes no element, mentions nobody, refers to no issue."""
    line = re.sub(r"([@#])(?=\w)", rf"\1{_ZERO_WIDTH_SPACE}", in_a_line(text, length))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _AT_THE_START.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", line))
