"""What commands that work on many sessions have in common where reviewers set some of them aside.

Contains the option that takes these too, and what is said of them. Which sessions are taken is
`nh_platform.home.set_aside.sessions_in_use`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform.cli import console
from nh_platform.session.display import counted

_NAMED = 5

WithSetAsideOption = Annotated[
    bool, typer.Option("--with-set-aside", help="Take sessions too that reviewers set aside.")
]


def say_set_aside(left_out: Mapping[str, str], noted: Mapping[str, str]) -> None:
    """Print which sessions are left out because reviewers set them aside, and which are taken all the same.

    It goes beside the output, so that a table for a program stays one.

    Parameters
    ----------
    left_out, noted
        As of `nh_platform.home.set_aside.SessionsInUse`.
    """
    for session, words in noted.items():
        console.say(f"[yellow]note[/] {escape(f'{session}: {words}; taken all the same')}", hanging=5, to=console.err)
    if not left_out:
        return
    named = "; ".join(
        f"{session}: {words.removeprefix('set aside ')}" for session, words in list(left_out.items())[:_NAMED]
    )
    more = f"; and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    takes = "it" if len(left_out) == 1 else "them"
    what = f"left out: {counted(len(left_out), 'session')} that reviewers set aside (--with-set-aside takes {takes})"
    console.say(f"[yellow]note[/] {escape(f'{what}. {named}{more}')}", hanging=5, to=console.err)
