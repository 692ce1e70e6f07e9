"""`nh clean`: remove what earlier versions stored and nothing reads any more."""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted


def clean(
    source: SourceArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Remove assets of earlier versions, such as `behavior`, where what took their place is stored.

    A session that lacks the successors keeps the old asset and is named; `nh materialize SOURCE --missing` makes them.

    **Examples**

        nh clean ibl --dry-run

        nh clean allen_vc
    """
    console.require_known(source)
    found = operations.clean(home_folder(), source, dry_run=dry_run)
    for session_id, assets in found.removed.items():
        console.say(f"{source} {session_id}: {', '.join(assets)} {'would be removed' if dry_run else 'removed'}")
    for error in found.kept.values():
        console.warn(error)
    words = "would be cleaned" if dry_run else "cleaned"
    console.say(f"{counted(len(found.removed), 'session')} {words}, {len(found.kept)} keep what they have.")
