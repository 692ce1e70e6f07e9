"""`nh prune`: remove stored bytes that nothing names any more."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder
from nh_platform.operations.upkeep.pruning import RawChoice
from nh_platform.session.display import counted

_SHOWN = 20


def prune(
    source: Annotated[str | None, typer.Argument(help="Source: ibl, allen_vc, … Default: all.")] = None,
    raw: Annotated[
        RawChoice, typer.Option("--raw", help="Raw files too: those that no catalogue lists now, or all of them.")
    ] = RawChoice.none,
    runs: Annotated[
        float,
        typer.Option(
            "--runs",
            metavar="DAYS",
            min=0,
            help="Dagster's runs older than this too, where newer ones supersede them; 0 for none.",
        ),
    ] = 0.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove versions that neither count nor are named by a lock, and what killed processes left half written.

    Raw files are fetched again when they are needed; with a source, `--raw all` takes those that its catalogue lists
    and no other one. Allen's lie where AllenSDK looks for them and are not touched. Of runs, the last that made an
    asset of a session stays whatever its age; with `--runs`, what stays of Dagster's history is made smaller, too.

    **Examples**

        nh prune --dry-run

        nh prune ibl --raw unlisted

        nh prune --runs 180
    """
    from nh_platform.store.objects.address import shown

    if source:
        console.require_known(source)
    found = operations.prune(home_folder(), source, raw=raw, dry_run=dry_run)
    for path, size in found.removed[:_SHOWN]:
        console.say(f"{size / 1e6:10.1f} MB  {escape(shown(path))}")
    if len(found.removed) > _SHOWN:
        console.say(f"… and {len(found.removed) - _SHOWN} more")
    for text in found.kept:
        console.say(escape(text), to=console.err)
    words = "would be removed" if dry_run else "removed"
    console.say(
        f"{counted(len(found.removed), 'folder or file', 'folders and files')}, {found.n_bytes / 1e6:,.1f} MB, {words}."
    )
    if found.n_uploads:
        console.say(f"Parts of {counted(found.n_uploads, 'upload')} that nobody ended {words}.")
    if runs:
        with console.progress() as tell:
            old = operations.prune_runs(home_folder(), runs, dry_run=dry_run, on_progress=tell)
        console.say(
            f"{len(old.run_ids)} of {old.n_old} runs older than {runs:g} days, and {old.n_bytes / 1e6:,.1f} MB that "
            f"old runs printed, {words}."
        )
        if not dry_run:
            console.say(f"Dagster's history takes {old.n_history_bytes / 1e6:,.1f} MB less.")
        for path in old.held:
            console.say(f"{escape(str(path))} was written all the time and is as large as before.", to=console.err)
