"""`nh sync`: reads a catalogue and registers its sessions; downloads and launches nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.operations.catalogue_sync import SyncResult


def sync(
    source: SourceArgument,
    left_out: Annotated[bool, typer.Option("--left-out", help="List what upstream has and is not taken.")] = False,
    tables: Annotated[
        bool,
        typer.Option(
            "--tables",
            help="Fetch the tables of the whole release too, where a sync does not: IBL's, Allen's analysis metrics.",
        ),
    ] = False,
    format_: FormatOption = Format.table,
) -> None:
    """Read what upstream holds and register its sessions as partitions.

    Downloads no session data and launches no run; `nh materialize` does. Says how much of what upstream lists is not
    taken, and why. Tables of units, channels and probes of the whole release are stored with it: Allen's always, IBL's
    aggregate tables with `--tables`. NWB files, Kilosort/phy folders and ALF trees of your own are sources by a few
    lines of `sources.yaml`: docs/own-data.md.

    **Examples**

        nh sync ibl

        nh sync ibl --tables

        nh sync ibl --left-out --format csv > left-out.csv

        nh --home /data/neuropixels sync allen_vc
    """
    console.require_known(source)
    with console.progress(in_bytes=True) as on_progress:
        found = operations.sync(home_folder(), source, with_tables=tables, on_progress=on_progress)
    say_synced(found, is_alone=not left_out or format_ is Format.table)
    if left_out and format_ is Format.table and not found.left_out:
        console.say("Everything that upstream lists is taken.")
    elif left_out:
        columns = ["session_id", "insertion_id", "reason", "found"]
        console.print_rows([asdict(one) for one in found.left_out], columns, format_)
    if found.problem is not None:
        console.show_error(found.problem)
        raise typer.Exit(1)


def say_synced(found: SyncResult, *, is_alone: bool = True) -> None:
    """Print what a catalogue holds, and how much of what upstream lists it does not take.

    Parameters
    ----------
    found
        The catalogue.
    is_alone
        Whether nothing for a program follows on standard output; otherwise it goes to standard error.
    """
    lines = [
        f"{found.source}: {counted(found.n_sessions, 'session')}, {counted(found.n_insertions, 'insertion')}, "
        f"{counted(found.n_files, 'file')} ({found.release})"
    ]
    if found.left_out:
        reasons = ", ".join(f"{number} {reason}" for reason, number in found.reasons().items())
        lines.append(f"not taken: {len(found.left_out)} ({reasons}); `nh sync {found.source} --left-out` lists them")
    if found.released:
        rows = ", ".join(f"{number} {name}" for name, number in found.released.items())
        lines.append(f"tables of the release: {rows}; `nh probes`, `nh units` and `nh channels` search them")
    lines += [f"{found.source}: {sentence}" for sentence in (found.held, found.newer) if sentence]
    lines += [f"not in the tables of the release: {text}" for text in found.not_tabulated]
    for line in lines:
        console.say(escape(line), to=console.out if is_alone else console.err)
