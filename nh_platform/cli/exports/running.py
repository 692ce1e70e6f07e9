"""What the commands that export sessions have in common: their arguments, and what is said of the outcome.

Add here what holds for every layout. A command of one layout is a module beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.review.set_aside import say_set_aside
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

SessionsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Session ids, or the first characters of each; if none, all stored ones.", show_default=False),
]
OutOption = Annotated[
    Path, typer.Option("--out", help="Folder to write into; an export that was stopped goes on there.")
]
UnitsOption = Annotated[
    str, typer.Option("--units", help="all, good (active rulebook, reviews included), or the id of a rulebook.")
]
AgainOption = Annotated[bool, typer.Option("--again", help="Write files that are current, too.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")]


def export(
    layout: str,
    source: str,
    sessions: list[str] | None,
    out: Path,
    units: str,
    *,
    options: Mapping[str, Any] | None = None,
    again: bool = False,
    with_set_aside: bool = False,
    dry_run: bool = False,
) -> None:
    """Export sessions and say what became of each; ends with 1 where one could not be exported."""
    with console.progress() as on_progress:
        done = operations.export_sessions(
            home_folder(),
            layout,
            source,
            out,
            sessions,
            units=units,
            options=options,
            again=again,
            with_set_aside=with_set_aside,
            dry_run=dry_run,
            on_progress=on_progress,
        )
    for session_id, path in done.written.items():
        for note in done.left_out.get(session_id, ()):
            console.say(f"{escape(session_id)}: {escape(note)}")
        if dry_run:
            console.say(f"{escape(session_id)}: {escape(str(done.folder / path))}")
    say_set_aside(done.set_aside, done.noted)
    for error in done.failed.values():
        console.show_error(error)
    written = f"{counted(len(done.written), 'session')} {'would be ' * dry_run}written to {escape(str(done.folder))}"
    kept = f", {len(done.current)} current and left alone" if done.current else ""
    console.say(f"{source}: {written}{kept}")
    if done.failed:
        console.err.print(f"{counted(len(done.failed), 'session')} not exported, see above")
        raise typer.Exit(1)
