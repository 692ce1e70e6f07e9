"""`nh doctor`: what this machine has, what is configured, and which servers answer."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.home.folder import home_folder
from nh_platform.operations.doctor_findings import Finding
from nh_platform.session.display import counted

_STATE_WIDTH = 9


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not try to reach any server.")] = False,
    warm: Annotated[
        bool, typer.Option("--warm", help="Compile now what the first sessions would: a minute, once an installation.")
    ] = False,
    format_: FormatOption = Format.table,
) -> None:
    """Check the environment, credentials, disk, versions and servers, and say what to do about each.

    Exits with 1 if something that the platform cannot do without is wrong. Secrets are never printed.

    With --warm, a small simulated session of each source is made in a temporary folder: what is compiled for it is
    kept, and sessions of any size find it.

    **Examples**

        nh doctor

        nh doctor --warm --offline

        nh doctor --offline --format json
    """
    findings = operations.doctor(home_folder(), offline=offline)
    if warm:
        findings.append(_warmed())
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


def _warmed() -> Finding:
    """Compile, showing that it goes on, and return what was done."""
    from nh_platform.operations.opened_home import Progress
    from nh_platform.operations.simulated.compiling import compile_beforehand

    with console.progress() as on_progress:
        on_progress(Progress("compiling what sessions use", 0, 1))
        compiled = compile_beforehand()
        on_progress(Progress("compiling what sessions use", 1, 1, "done"))
    text = f"{counted(compiled.functions, 'function')} compiled in {compiled.seconds:.0f} s"
    return Finding("compiled code", True, text if compiled.functions else "all was there")
