"""`nh export spikes`: spikes of chosen units of many sessions as one pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.exports.running import AgainOption
from nh_platform.cli.review.set_aside import WithSetAsideOption, say_set_aside
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

_SHOWN = 10


def spikes(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE…", help="Sources, one or several.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")],
    session: Annotated[
        list[str] | None,
        typer.Option(help="Session id, or its first characters; as often as needed.", show_default=False),
    ] = None,
    region: Annotated[
        str, typer.Option(help="Only units in it: acronym of the Allen CCF, Beryl or Cosmos, or V1, LM, LGN, …")
    ] = "",
    units: Annotated[
        str, typer.Option(help="good (active rulebook, reviews included), all, or the id of a rulebook.")
    ] = "good",
    again: AgainOption = False,
    with_set_aside: WithSetAsideOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how large it would be, and write nothing.")] = False,
) -> None:
    """Write the spikes of all good units of many sessions as one set of numpy arrays.

    times.npy holds the spikes by unit, offsets.npy where each unit begins, units.npy what each unit is; all are read
    without loading them. Ids are source/session/unit, so that those of two sources never clash.

    **Examples**

        nh export spikes ibl --out pack --dry-run

        nh export spikes ibl allen_vc allen_vbn --region VISp --out visual

        nh export spikes ibl --session aaf4 --units ibl-strict --out strict
    """
    with console.progress() as on_progress:
        made = operations.export_spike_pack(
            home_folder(),
            sources,
            out,
            session,
            units=units,
            region=region,
            again=again,
            with_set_aside=with_set_aside,
            dry_run=dry_run,
            on_progress=on_progress,
        )
    say_set_aside(made.set_aside, made.noted)
    for error in made.failed.values():
        console.show_error(error)
    if made.empty:
        rest = f" and {len(made.empty) - _SHOWN} more" if len(made.empty) > _SHOWN else ""
        named = escape(", ".join(made.empty[:_SHOWN]))
        console.say(f"no unit was chosen of {counted(len(made.empty), 'session')}: {named}{rest}")
    of = ", ".join(f"{source} {counted(number, 'session')}" for source, number in made.sessions.items())
    size = f"{made.n_units:,} units, {made.n_spikes:,} spikes, {made.n_bytes / 1e9:.3f} GB ({of})"
    state = "would be written to" if dry_run else "current in" if made.is_current else "written to"
    console.say(f"{size} {state} {escape(str(made.folder))}")
    if made.failed:
        console.err.print(f"{counted(len(made.failed), 'session')} not in it, see above")
        raise typer.Exit(1)
