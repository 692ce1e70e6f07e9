"""`nh doctor`: what this machine has, what is configured, and which servers answer."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.home.folder import home_folder

_STATE_WIDTH = 9


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not try to reach any server.")] = False,
    format_: FormatOption = Format.table,
) -> None:
    """Check the environment, credentials, disk, versions and servers, and say what to do about each.

    Exits with 1 if something that the platform cannot do without is wrong. Secrets are never printed.

    **Examples**

        nh doctor

        nh doctor --offline --format json
    """
    findings = operations.doctor(home_folder(), offline=offline)
    words = {True: "ok", False: "problem", None: "info"}
    rows = [{"about": f.about, "state": words[f.ok], "found": f.text} for f in findings]
    if format_ is not Format.table:
        console.print_rows(rows, ["about", "state", "found"], format_)
    for row in rows if format_ is Format.table else ():  # no table: an address and its trouble are both long
        color = {"ok": "green", "problem": "red"}.get(row["state"], "dim")
        state = f"[{color}]{row['state']:<{_STATE_WIDTH}}[/]"
        console.say(f"{state}[bold]{escape(row['about'])}[/]: {escape(row['found'])}", hanging=_STATE_WIDTH)
    if any(f.ok is False for f in findings):
        raise typer.Exit(1)
