"""`nh review serve`: the review desk in the browser.

Contains the command alone. The desk is `nh_platform.reports.desk`; `nh_platform.operations.web.desk_serving` serves it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform.cli import console
from nh_platform.cli.terminal.invocation import set_given_home
from nh_platform.cli.ui import DEMO_HOME
from nh_platform.session import ConfigError


def serve(
    port: Annotated[int, typer.Option(help="Port of the desk.", min=1, max=65535)] = 3100,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but a loopback one asks for a token.")
    ] = "127.0.0.1",
    reviewer: Annotated[
        str, typer.Option(envvar="NH_REVIEWER", help="Name that the form begins with.", show_default=False)
    ] = "",
    blind: Annotated[
        bool, typer.Option("--blind", help="Keep others' decisions back until the reader has decided.")
    ] = False,
    demo: Annotated[bool, typer.Option("--demo", help=f"Review what `nh demo` made ({DEMO_HOME}).")] = False,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Another name of the desk, as the browser shows it (reverse proxy, tunnel). May be repeated."
        ),
    ] = None,
) -> None:
    """Serve the review desk in the browser until you press Ctrl-C: the stored pages, a form for decisions, a queue.

    Decisions are appended to the review files of the home; nothing is committed or computed again.
    `docs/review-desk.md` says how to read in pairs, blindly, and from other machines.

    **Examples**

        nh review serve --demo

        nh review serve --reviewer ada --blind

        nh --home /data/neuropixels review serve --host 0.0.0.0 --allowed-host desk.lab.example:3100
    """
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.web.desk_serving import ServedDesk, serve_desk
    from nh_platform.store.objects.address import shown
    from nh_platform.store.records import is_there

    settings = load_settings(Path(DEMO_HOME)) if demo else load_settings()
    if demo:
        set_given_home(DEMO_HOME)
    if demo and not is_there(settings.store):
        raise ConfigError(f"demo in {settings.home}", "it was not made yet", "Run `nh demo` first.")

    def say(desk: ServedDesk) -> None:
        console.say(
            f"Review desk of {escape(str(settings.home))}: {desk.address}  (Ctrl-C or kill {desk.pid} stops it)"
        )
        console.say(f"  reviews: {escape(shown(settings.reviews))}")
        if desk.access_token:
            console.say(f"  token, asked as the password with any name: {desk.access_token}")
            console.say("  It goes over the network as it is: put TLS or an SSH tunnel in front (docs/review-desk.md).")

    serve_desk(
        settings,
        host=host,
        port=port,
        allowed_hosts=allowed_host or (),
        reviewer=reviewer,
        blind=blind,
        on_ready=say,
        tell=lambda text: console.say(escape(text), to=console.err),
    )
