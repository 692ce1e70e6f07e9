"""`nh lock`: names for the versions that a paper or a training set was made of, which then stay."""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SourceArgument
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted
from nh_platform.session.session_names import MIN_PREFIX

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Keep the versions that a paper or a training set was made of, when newer ones are published.",
)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Name of the lock: letters, digits, _, . and -.")],
    source: SourceArgument,
    session: Annotated[
        list[str] | None, typer.Argument(help=f"Session ids, or their first {MIN_PREFIX} characters or more.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="What the versions are kept for.")] = "",
) -> None:
    """Lock the versions that count now, of all stored sessions of a source or of those that are named.

    In Python, `open_store(home, lock=NAME)` reads them, whatever has been published since.

    **Examples**

        nh lock add paper-1 ibl --reason "figure 3"

        nh lock add pilot allen_vc 729067706
    """
    from nh_platform.store.names import SOURCE_WIDE

    console.require_stored(source, session)
    made = operations.lock(home_folder(), name, source, session or None, reason=reason)
    sessions = {(one.source, one.session_id) for one in made.versions if one.session_id != SOURCE_WIDE}
    console.say(f"{made.name}: {counted(len(made.versions), 'version')} of {counted(len(sessions), 'session')} kept.")


@app.command("list")
def list_(format_: FormatOption = Format.table) -> None:
    """List the locks, with how many versions and sessions each keeps.

    **Examples**

        nh lock list
    """
    from nh_platform.store.names import SOURCE_WIDE

    rows = [
        {
            "lock": one.name,
            "sessions": len({(v.source, v.session_id) for v in one.versions if v.session_id != SOURCE_WIDE}),
            "versions": len(one.versions),
            "reason": one.reason,
        }
        for one in operations.locks_of(home_folder())
    ]
    if not rows and format_ is Format.table:
        console.say("There are no locks. Make one: nh lock add NAME SOURCE")
        return
    console.print_rows(rows, ["lock", "sessions", "versions", "reason"], format_)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of the lock.")],
    format_: FormatOption = Format.table,
) -> None:
    """Show the versions that a lock keeps.

    **Examples**

        nh lock show paper-1 --format csv
    """
    from nh_platform.operations.upkeep.locking import lock_named

    found = lock_named(home_folder(), name)
    rows = [
        {"source": v.source, "session": v.session_id, "asset": v.asset, "data version": v.data_version[:16]}
        for v in found.versions
    ]
    console.print_rows(rows, ["source", "session", "asset", "data version"], format_, title=found.reason)


@app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="Name of the lock.")]) -> None:
    """Remove a lock; `nh prune` then removes the versions that nothing names any more.

    **Examples**

        nh lock remove paper-1
    """
    operations.unlock(home_folder(), name)
    console.say(f"{name} is removed. `nh prune --dry-run` says what nothing names any more.")
