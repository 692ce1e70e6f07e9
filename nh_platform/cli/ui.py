"""`nh ui`: Dagster's web page on the embedded store."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from nh_platform.cli import console
from nh_platform.session import ConfigError

DEMO_HOME = "data/demo"
_PORTS_TRIED = 20
"""How many ports after one that is taken are looked at for one to suggest."""


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

    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import configuration_file, prepare_instance, use_embedded_instance
    from nh_platform.sources.registry import source_names

    settings = load_settings(Path(DEMO_HOME)) if demo else load_settings()
    if demo and not settings.store.is_dir():
        raise ConfigError(f"demo in {settings.home}", "it was not made yet", "Run `nh demo` first.")
    require_free_port(host, port)
    if demo:
        use_embedded_instance()
    prepare_instance(settings)
    workspace = configuration_file("workspace.yaml")
    address = f"http://{host}:{port}"
    console.say(f"Dagster on {settings.home}: {address}  (Ctrl-C stops it)")
    for source in sorted(settings.sources) or source_names():
        console.say(f"  {source}: {address}/assets/{source}/units?view=partitions")
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "dev"]
    command += ["-w", str(workspace), "-h", host, "-p", str(port)]
    server = subprocess.Popen(command, env=dict(os.environ))
    signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGINT))
    try:
        code = server.wait()
    except KeyboardInterrupt:
        server.wait()
        return
    raise typer.Exit(code)


def require_free_port(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on: Dagster says so late, and among two pages of traceback.

    Raises
    ------
    ConfigError
        If something else listens there, or the address is not this machine's; the text names a port that is free.
    """
    trouble = _trouble(host, port)
    if trouble is None:
        return
    last = min(port + _PORTS_TRIED, 65535)
    free = next((other for other in range(port + 1, last + 1) if _trouble(host, other) is None), None)
    action = f"Stop it, or give another port: --port {free}" if free else "Choose another --port, or another --host."
    raise ConfigError(f"port {port} of {host}", trouble, action)


def _trouble(host: str, port: int) -> str | None:
    """Return why an address cannot be listened on, None where it can."""
    import errno

    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in addresses:
            socket.create_server(address, family=family).close()
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        return "it is in use, perhaps by another `nh ui`" if in_use else f"it cannot be listened on ({error})"
    return None
