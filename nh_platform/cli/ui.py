"""`nh ui`: Dagster's web page on the embedded store."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from nh_platform.cli import console

DEMO_HOME = "data/demo"


def ui(
    port: Annotated[int, typer.Option(help="Port of the web page.", min=1, max=65535)] = 3000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    demo: Annotated[bool, typer.Option("--demo", help=f"Show what `nh demo` made ({DEMO_HOME}).")] = False,
) -> None:
    """Serve Dagster's web page (webserver and daemon) until you press Ctrl-C.

    **Examples**

        nh ui --demo

        nh --home /data/neuropixels ui --port 3100
    """
    import signal
    import subprocess
    import sys
    from pathlib import Path

    from nh_platform.cli.instance import configuration_file, prepare_instance, use_embedded_instance
    from nh_platform.defs.registry import SOURCES
    from nh_platform.defs.settings import load_settings

    settings = load_settings(Path(DEMO_HOME)) if demo else load_settings()
    if demo:
        use_embedded_instance()
    prepare_instance(settings)
    workspace = configuration_file("workspace.yaml")
    address = f"http://{host}:{port}"
    console.say(f"Dagster on {settings.home}: {address}  (Ctrl-C stops it)")
    for source in sorted(settings.sources) or SOURCES:
        console.say(f"  {source}: {address}/assets/{source}/units?view=partitions")
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "dagster",
        "dev",
        "-w",
        str(workspace),
        "-h",
        host,
        "-p",
        str(port),
    ]
    server = subprocess.Popen(command, env=dict(os.environ))
    signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGINT))
    try:
        code = server.wait()
    except KeyboardInterrupt:
        server.wait()
        return
    raise typer.Exit(code)
