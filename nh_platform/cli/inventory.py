"""`nh inventory`: what is left failed, published counts against ours, and the catalogs of all sessions and units."""

from __future__ import annotations

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import SourceArgument
from nh_platform.cli.status import print_warned
from nh_platform.home.folder import home_folder


def inventory(
    source: SourceArgument,
) -> None:
    """Look over a whole source: what is left failed, counts against the published ones, catalogs of sessions and units.

    The daemon does the same every day. Ends with 1 where sessions are left failed or a complete release does not have
    its published counts.

    **Examples**

        nh inventory ibl

        nh --home data/demo inventory allen_vc
    """
    console.require_known(source)
    with console.err.status(f"looking over {source}"):
        found = operations.inventory(home_folder(), source)
    for check in found.checks:
        console.say(f"[{'green' if check.passed else 'yellow'}]{check.name}[/]: {check.description}")
    print_warned(source, found.warned)
    if found.n_notes:
        say = f"`nh sessions --source {source} --sort notes` finds the sessions"
        console.say(f"{found.n_notes} notes of what was left out or assumed; {say}")
    for path in found.folders:
        console.say(f"  {escape(str(path))}")
    for text in found.errors:
        console.say(escape(text), to=console.err)
    if not found.passed:
        raise typer.Exit(1)
