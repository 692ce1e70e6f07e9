"""`nh backup` and `nh restore`: a home folder copied elsewhere with its hashes, and brought back into an empty one."""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder


def backup(
    target: Annotated[
        str, typer.Argument(help="Folder of the backups, outside the home folder; or s3://bucket/prefix.")
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Copy the raw upstream files too; else only their list.")] = False,
) -> None:
    """Copy the store, reviews, configuration and Dagster's history into a new folder below TARGET, hashes checked.

    Bytes that the backup before holds are linked, not copied; in a bucket its server copies them. A store in a bucket
    is backed up as well. `nh ui` may run meanwhile. What is damaged or cannot be read is named and not in it, and the
    command ends with 1; everything else is.

    **Examples**

        nh backup /mnt/backups/neuropixels

        nh --home /data/neuropixels backup /mnt/backups/neuropixels --raw

        nh backup s3://my-other-bucket/backups
    """
    from nh_platform.store.objects.address import is_in_bucket, shown

    with console.progress() as on_progress:
        found = operations.backup(home_folder(), target, raw=raw, on_progress=on_progress)
    sent = "sent" if is_in_bucket(found.folder) else "copied"
    console.say(
        f"{found.n_files:,} files ({found.n_bytes / 1e6:,.1f} MB, {found.n_copied_bytes / 1e6:,.1f} MB {sent}) in "
        f"{shown(found.folder)}"
    )
    for text in found.left_out:
        console.say(f"not in it: {text}")
    for text in found.refused:
        console.err.print(f"refused: {text}", markup=False, soft_wrap=True)
    console.say(f"Bring it back into an empty folder: nh --home FOLDER restore {shown(found.folder)}")
    if found.refused:
        raise typer.Exit(1)


def restore(
    backup_folder: Annotated[
        str, typer.Argument(metavar="BACKUP", help="A backup, or the folder of several; or s3://bucket/prefix.")
    ],
) -> None:
    """Bring a backup into an empty home folder; of several the last one. Nothing is computed anew.

    Every file is held against the hash that the backup states; where one differs, nothing is restored. Reviews go to
    where `NH_REVIEWS` has them read, the store into the empty bucket that `NH_STORE` names. Stopped at any instant, it
    goes on when it is run again; until then every other command refuses the home.

    **Examples**

        nh --home /data/restored restore /mnt/backups/neuropixels

        nh --home /data/restored restore /mnt/backups/neuropixels/2026-11-28T160000Z

        nh --home /data/restored restore s3://my-other-bucket/backups
    """
    with console.progress() as on_progress:
        found = operations.restore(backup_folder, home_folder(), on_progress=on_progress)
    console.say(f"{found.n_files:,} files ({found.n_bytes / 1e6:,.1f} MB) of {found.backup} restored into {found.home}")
    for text in found.elsewhere:
        console.say(text)
    console.say("See how far it is: nh status")
