"""`nh sync`: reads a catalogue and registers its sessions; downloads and launches nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder

if TYPE_CHECKING:
    from nh_platform.operations.catalogue_sync import SyncResult


def sync(
    source: Annotated[str, typer.Argument(help="Source: ibl, allen_vc or allen_vbn.")],
) -> None:
    """Read what upstream holds and register its sessions as partitions.

    Downloads no session data and launches no run; `nh materialize` does.

    **Examples**

        nh sync ibl

        nh --home /data/neuropixels sync allen_vc
    """
    say_synced(operations.sync(home_folder(), source))


def say_synced(found: SyncResult) -> None:
    """Print what a catalogue holds."""
    console.say(
        f"{found.source}: {found.n_sessions} sessions, {found.n_insertions} insertions, {found.n_files} files "
        f"({found.release})"
    )
