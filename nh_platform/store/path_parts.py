"""Which names of others may be part of a path: session ids, collections, file names, probes.

Contains the two judgements; nothing is opened. Add here what else must not become a file name. Names of our own
(training sets, rulebooks, presets) have patterns of their own, which are narrower.
"""

from __future__ import annotations

import unicodedata

MOST_BYTES = 200
"""Longest part of a path in bytes: file systems take 255, and what is written beside adds a suffix of its own."""


def path_part_problem(name: str) -> str | None:
    """Return why a name cannot be one part of a path, in words; None where it can.

    Examples
    --------
    >>> path_part_problem("alf"), path_part_problem("..")
    (None, 'it leads out of its folder')
    """
    if not name:
        return "it is empty"
    if name in (".", ".."):
        return "it leads out of its folder"
    if "/" in name or "\\" in name:
        return "it has a slash"
    if any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in name):
        return "it has a control character"
    if len(name.encode()) > MOST_BYTES:
        return f"it is longer than {MOST_BYTES} bytes"
    return None


def relative_path_problem(path: str) -> str | None:
    """Return why a text cannot be a path below a folder, in words; None where it can.

    Examples
    --------
    >>> relative_path_problem("alf/probe00/pykilosort")
    >>> relative_path_problem("alf/../../etc")
    'it leads out of its folder'
    """
    if path.startswith("/"):
        return "it is an absolute path"
    return next((problem for part in path.split("/") if (problem := path_part_problem(part))), None)
