"""`nh ui`: Dagster's web page on the embedded store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nh_platform.cli import console
from nh_platform.cli.terminal.invocation import set_given_home
from nh_platform.session import ConfigError

DEMO_HOME = "data/demo"


def ui(
    port: Annotated[int, typer.Option(help="Port of the web page.", min=1, max=65535)] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    demo: Annotated[bool, typer.Option("--demo", help=f"Show what `nh demo` made ({DEMO_HOME}).")] = False,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="For reviewers: nothing can be changed; no daemon, so beside another nh ui."),
    ] = False,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Another name of the page, as the browser shows it (reverse proxy, tunnel). May be repeated."
        ),
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option(
            help="Serve the page alone: code server (named in this workspace.yaml) and daemon run elsewhere.",
            dir_okay=False,
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say what daemon and code server do.")] = False,
) -> None:
    """Serve Dagster's web page, and run what it and the sensors ask for, until you press Ctrl-C.

    The page has no login: `docs/operate.md` says who can reach it and how to put one in front.

    **Examples**

        nh ui --demo

        nh --home /data/neuropixels ui --port 3100

        nh ui --read-only --port 3001

        nh ui --workspace deploy/workspace.yaml
    """
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import history_is_shared, use_embedded_instance
    from nh_platform.operations.web.page_names import is_loopback
    from nh_platform.operations.web.serving import Page, serve_ui
    from nh_platform.store.records import is_there

    settings = load_settings(Path(DEMO_HOME)) if demo else load_settings()
    if demo:
        set_given_home(DEMO_HOME)
    if demo and not is_there(settings.store):
        raise ConfigError(f"demo in {settings.home}", "it was not made yet", "Run `nh demo` first.")
    if demo:
        use_embedded_instance()
    level = "info" if verbose else "warning"
    shared, names = history_is_shared(), tuple(allowed_host or ())
    page = Page(host, port, names, read_only=read_only, log_level=level, workspace=workspace, daemon_elsewhere=shared)
    if not is_loopback(host):
        console.say(
            f"[yellow]warning[/]: the page has no login, and everybody who reaches port {port} of {host} may run and "
            "delete; docs/operate.md says how to put a login in front",
            to=console.err,
        )

    def say_address() -> None:
        kind = "read-only, " if read_only else ""
        console.say(f"Dagster on {settings.home}: {page.address}  ({kind}Ctrl-C stops it)")
        if shared and not read_only:
            console.say("No daemon here: that of the deployment whose database it is launches what this page asks for.")
        for source in sorted(settings.sources) or settings.entries:
            console.say(f"  {source}: {page.address}/assets/{source}/units?view=partitions")

    serve_ui(settings, page, on_ready=say_address, tell=lambda text: console.err.print(text, soft_wrap=True))
