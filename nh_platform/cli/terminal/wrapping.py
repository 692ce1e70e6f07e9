"""Lines of prose for a terminal: broken between words, with every command in backticks in one piece.

A terminal itself breaks a long line in the middle of a word. A command that is broken by us cannot be pasted, so one
that is longer than a line stands on lines of its own, and the terminal breaks it.
"""

from __future__ import annotations

import re

from rich.text import Text

_PIECE = re.compile(r"(?:(?<=: )nh \S.*|[^\s`]*`[^`]*`\S*|\S+)\s*")
"""A word with the space behind it, a command in backticks, or one behind a colon, which ends its line."""


def wrapped(text: Text, width: int, *, hanging: int = 0) -> list[Text]:
    """Return the lines of a text.

    Parameters
    ----------
    text
        The text, with its styles.
    width
        Columns of the terminal.
    hanging
        Columns before each line but the first of a paragraph.

    Examples
    --------
    >>> for line in wrapped(Text("2 sessions are stale: `nh materialize ibl --missing` makes them."), 32, hanging=2):
    ...     print(line.plain)
    2 sessions are stale:
      `nh materialize ibl --missing`
      makes them.
    """
    lines = list[Text]()
    for paragraph in text.split("\n", allow_blank=True):
        first, *others = paragraph.divide(_breaks(paragraph.plain, width, hanging))
        lines += [first, *(Text(" " * hanging).append_text(line) for line in others)]
    for line in lines:
        line.rstrip()
    return lines


def _breaks(plain: str, width: int, hanging: int) -> list[int]:
    """Return where the lines but the first begin."""
    start = len(plain) - len(plain.lstrip())
    breaks, room = list[int](), width - start
    for piece in _PIECE.finditer(plain):
        if piece.start() > start and len(plain[start : piece.end()].rstrip()) > room:
            breaks.append(piece.start())
            start, room = piece.start(), width - hanging
    return breaks
