"""Credentials from the environment, or from the secret files that it names.

Contains the one reading of either: ``NH_ONE_PASSWORD=…``, or ``NH_ONE_PASSWORD_FILE=/run/secrets/alyx`` as containers
are given secrets. Add here another place that credentials may come from. Which there are is the source's matter.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from nh_platform.session import ConfigError

FILE_SUFFIX = "_FILE"
"""Ends the name of the variable that names a secret file, as of Docker's own images."""

_given: set[str] = set()
"""Credentials that this process read."""

MOST_BYTES = 1 << 16
"""Longest secret file that is read; a token of Alyx has 40 characters, a long JSON web token some kB."""


def credential(variable: str) -> str:
    """Return a credential; empty where neither the variable nor that of its secret file is set.

    Parameters
    ----------
    variable
        Name of the environment variable, for example ``NH_ONE_PASSWORD``. Where ``NH_ONE_PASSWORD_FILE`` is set
        instead, the credential is the content of that file, without the line end that editors add.

    Raises
    ------
    ConfigError
        If both are set, or the file cannot be read, is empty or of several lines; the content is in no text.
    """
    value, place = os.environ.get(variable, ""), os.environ.get(variable + FILE_SUFFIX, "")
    if not place:
        _given.add(value)
        return value
    if value:
        raise ConfigError(
            f"environment variable {variable}",
            f"it is set, and so is {variable}{FILE_SUFFIX}: which of them counts is not said",
            "Unset one of them.",
        )
    _given.add(content := _content(variable + FILE_SUFFIX, Path(place)))
    return content


def without_credentials(text: str) -> str:
    """Return what a server said without the credentials that this process read: some repeat who asked.

    Not for texts of our own: a name such as ``ibl`` is a word of theirs.
    """
    for value in sorted(filter(None, _given), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", text)
    return text


def is_stated(variable: str) -> bool:
    """Return whether a credential is stated, by its variable or that of its secret file; the file is not read."""
    return bool(os.environ.get(variable) or os.environ.get(variable + FILE_SUFFIX))


def _content(variable: str, path: Path) -> str:
    try:
        # Without waiting: opening a FIFO waits for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            content = file.read(MOST_BYTES + 1) if is_file else b""
        found = "" if is_file else "it is no file"
    except OSError as error:
        content, found = b"", f"it cannot be read ({error.strerror})"
    if not found and len(content) > MOST_BYTES:
        found = f"it is longer than {MOST_BYTES >> 10} kB"
    try:
        text = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        text, found = "", found or "it is no text in UTF-8"
    if not found and not text.strip():
        found = "it is empty"
    if not found and len(text.splitlines()) > 1:
        found = "it has several lines"
    if not found and "\x00" in text:
        found = "it has a byte 0"
    if found:
        action = "Let the file hold the credential alone, readable by who runs the platform."
        raise ConfigError(f"secret file of {variable}, {path}", found, action)
    return text
