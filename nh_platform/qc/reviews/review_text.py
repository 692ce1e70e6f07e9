"""The text of a review file with reviews added: what people wrote stays byte for byte, and the difference as a diff.

Add here how an entry is written. Which entries are right is `review_files.py`; writing to the disk is
`review_saving.py`.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from nh_platform.qc.reviews.review_model import Review
from nh_platform.session.yaml_files.yaml_text import to_yaml

_ITEM = re.compile(r"^( *)- ", re.MULTILINE)
_LIST = re.compile(r"^reviews[ \t]*:", re.MULTILINE)
_EMPTY_LIST = re.compile(r"^(reviews[ \t]*:)[ \t]*\[[ \t]*\](?=[ \t]*(?: #.*)?\r?$)", re.MULTILINE)
_NEXT_KEY = re.compile(r"(?:^#[^\n]*\n)*^[A-Za-z\"'][^\n]*:", re.MULTILINE)


def file_with(text: str | None, source: str, session_id: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of a review file with entries added at the end of its list.

    Parameters
    ----------
    text
        The file as it is; None where there is none, which makes a new one. Comments, order and spelling of what stands
        in it are kept; `[]` of an empty list goes.
    source, session_id
        What the file is about.
    entries
        Keys and values of `Review`.

    Returns
    -------
    str
        It may still be no valid file, as where the list is written in brackets: the reader says so.
    """
    if text is None:
        text = to_yaml({"source": source, "session": session_id}) + "reviews:\n"
    newline = "\r\n" if "\r\n" in text else "\n"
    begins = _LIST.search(text)
    start = begins.end() if begins else len(text)
    item = _ITEM.search(text, start)
    if item is None:
        text = _EMPTY_LIST.sub(r"\1", text, count=1)
    following = _NEXT_KEY.search(text, text.find("\n", start) + 1 or len(text))
    at = following.start() if following else len(text)
    before = text[:at]
    if before and not before.endswith("\n"):
        before += newline
    added = "".join(_entry(one, item[1] if item else "  ") for one in entries)
    return before + added.replace("\n", newline) + text[at:]


def diff_of(before: str | None, after: str, file: str) -> str:
    """Return the unified diff of a review file, as ``git diff`` names it."""
    named = (f"a/{file}" if before is not None else "/dev/null", f"b/{file}")
    old, new = (before or "").splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, *named)
    )


def stated_keys(review: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry states: keys in the order of `Review`, without those that are None or empty lists.

    A day is written as a day, also where it comes as text; what is no day stays as it is, and the reader refuses it.
    """
    order = {name: position for position, name in enumerate(Review.model_fields)}
    keys = sorted(review, key=lambda key: order.get(key, len(order)))
    kept = {key: review[key] for key in keys if review[key] is not None and review[key] != []}
    return {key: _day(value) if key in ("date", "expiry") else _plain(value) for key, value in kept.items()}


def _entry(stated: Mapping[str, Any], indent: str) -> str:
    inner = f"{indent}  "
    return f"{indent}- {textwrap.indent(to_yaml(stated, inline=True), inner).removeprefix(inner)}"


def _day(value: Any) -> Any:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
