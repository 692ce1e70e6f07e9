"""The call of `nh` that a person typed, for hints that can be pasted: they carry `--home` where it was given.

Where the home folder comes from ``NH_HOME`` or the default, hints do without: the next command finds it there too.
"""

from __future__ import annotations

import re
import shlex
import sys

from rich.markup import escape

_HINT = re.compile(r"(`|: )nh (?!--home\b|ui --demo|demo\b)")

_given: list[str] = []


def set_given_home(home: str | None) -> None:
    """Remember the home folder that stands on the command line, as it was typed; None where there is none."""
    _given[:] = [] if home is None else ["--home", home]


def command_line(*arguments: str) -> str:
    """Return a call of `nh` as it can be pasted, with `--home` where it was given."""
    return shlex.join(["nh", *_given, *arguments])


def typed() -> str:
    """Return the whole call that was typed."""
    return shlex.join(["nh", *sys.argv[1:]])


def with_home(text: str) -> str:
    """Return a text with markup whose calls of `nh`, in backticks or behind a colon, carry `--home` where it was given.

    Examples
    --------
    >>> set_given_home("/data/my home")
    >>> with_home("Run `nh sync ibl`.")
    "Run `nh --home '/data/my home' sync ibl`."
    >>> set_given_home(None)
    >>> with_home("Run `nh sync ibl`.")
    'Run `nh sync ibl`.'
    """
    return _HINT.sub(lambda found: f"{found[1]}{escape(command_line())} ", text) if _given else text
