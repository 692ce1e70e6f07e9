"""`nh move-history`: take Dagster's history from SQLite to the database of a deployment."""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

_SAID = {
    "runs": "runs",
    "event_logs": "events",
    "asset_keys": "assets",
    "asset_check_executions": "results of checks",
    "dynamic_partitions": "partitions (sessions, releases)",
    "bulk_actions": "backfills",
    "instigators": "sensors and schedules",
    "job_ticks": "ticks",
}
"""Tables whose rows a person counts, and what their rows are."""


def move_history(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Move nothing; say what would be moved.")] = False,
) -> None:
    """Move Dagster's history of a home folder from SQLite into the empty database of `DAGSTER_HOME`.

    Runs, events, results of checks, backfills, sensors with what they remember, and what runs printed: the page shows
    afterwards what it showed before. Stop `nh ui` first, and start the daemon of the deployment afterwards. The files
    in the home folder stay. Stopped at any instant, it goes on when it is run again.

    **Examples**

        nh move-history --dry-run

        nh --home /data/neuropixels move-history
    """
    with console.progress() as on_progress:
        found = operations.move_history(home_folder(), dry_run=dry_run, on_progress=on_progress)
    if found.went_on:
        console.say("An earlier move was stopped; this one goes on with it.")
    console.say(f"{'Would move' if dry_run else 'Moved'}:")
    rows = [{"what": _SAID[name], "rows": f"{number:,}"} for name, number in found.rows.items() if name in _SAID]
    console.print_aligned(rows)
    if found.unfinished:
        end = "would be" if dry_run else "are"
        console.say(
            f"{counted(len(found.unfinished), 'run')} had not ended and {end} failed in the new history, for a reason "
            "outside their sessions: these are asked for again."
        )
    if found.printed_to:
        console.say(f"What runs printed is in {found.printed_to}")
    if not dry_run:
        console.say("Start the code server, workers, daemon and page of the deployment, then: nh doctor")
