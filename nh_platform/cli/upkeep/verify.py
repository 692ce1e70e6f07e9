"""`nh verify`: every stored file held against the hash with which it was published."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder
from nh_platform.session.session_names import MIN_PREFIX


def verify(
    source: Annotated[str | None, typer.Argument(help="Source: ibl, allen_vc, … Default: all.")] = None,
    session: Annotated[
        str | None, typer.Argument(help=f"Session id, or its first {MIN_PREFIX} characters or more.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Make what is damaged again, with the same bytes.")] = False,
) -> None:
    """Hold every stored file against the hash with which it was published, and name what is damaged.

    Exits with 1 if something stays damaged or cannot be read. A damaged asset is stale until it is made again: by
    `--repair`, by `nh materialize SOURCE --missing`, or by the daemon.

    **Examples**

        nh verify

        nh verify ibl ebe2efe3 --repair
    """
    from nh_platform.store.objects.address import shown

    if source:
        console.require_stored(source, [session] if session else None)
    began = time.monotonic()
    with console.progress() as on_progress:
        found = operations.verify(home_folder(), source, session, repair=repair, on_progress=on_progress)
    seconds = max(time.monotonic() - began, 1e-3)
    left = {one.path for one in found.remaining}
    for damage in found.damages:
        state = "" if not repair else "; [red]still damaged[/]" if damage.path in left else "; [green]made again[/]"
        place = " ".join(filter(None, (damage.source, damage.session_id, damage.asset))) or "store"
        console.say(f"[red]DAMAGED[/] {place}: {escape(damage.found)}{state}", hanging=2)
        console.say(f"  {escape(shown(damage.path))}")
    for text in (*found.errors, *found.unreadable):
        console.say(escape(text), to=console.err)
    size = f"{found.n_bytes / 1e6:,.1f} MB"
    console.say(
        f"{found.n_files:,} files of {found.n_assets:,} assets ({size}) in {seconds:.1f} s: "
        + (f"{len(found.damages)} damaged" if found.damages else "all as they were published")
        + (f", {len(found.unreadable)} could not be read" if found.unreadable else "")
        + (f", {len(found.damages) - len(found.remaining)} made again." if repair and found.damages else ".")
    )
    if found.remaining and not repair:
        command = " ".join(filter(None, ("nh verify", source, session, "--repair")))
        console.say(f"Make them again: {command}")
    if found.remaining or found.unreadable:
        raise typer.Exit(1)
