"""Serving the review desk of a home folder: one process, behind the guard, until a signal.

Contains the operation behind `nh review serve`. What the desk shows and takes is `nh_platform.reports.desk`; who may
ask it is `guard`.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nh_platform.operations.web.entrance import desk_entrance
from nh_platform.operations.web.guard import Guard
from nh_platform.operations.web.heeded_signals import heeded_signals
from nh_platform.operations.web.page_names import is_loopback, page_address, page_hosts
from nh_platform.operations.web.reviewed_trains import TrainKeeper
from nh_platform.operations.web.serving import require_free_port
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    from uvicorn import Server

    from nh_platform.home.settings import PlatformSettings
    from nh_platform.reports.desk.settings import Desk

DESK_PORT = 3100
_CLOSING_S = 3
"""How long answers in progress may take at the end; writing a review takes well under one."""
_MOST_CONNECTIONS = 200
_LOOK_S = 0.1
_TOKEN_BYTES = 32


@dataclass(frozen=True)
class ServedDesk:
    """A desk that answers.

    Parameters
    ----------
    address
        Address for a browser on this machine.
    access_token
        What it asks of everybody as the password; empty where it listens on this machine alone.
    pid
        Process that serves it.
    """

    address: str
    access_token: str
    pid: int


def serve_desk(
    settings: PlatformSettings,
    *,
    host: str = "127.0.0.1",
    port: int = DESK_PORT,
    allowed_hosts: Sequence[str] = (),
    reviewer: str = "",
    blind: bool = False,
    on_ready: Callable[[ServedDesk], None],
    tell: Callable[[str], None],
) -> None:
    """Serve the review desk of a home folder until SIGINT, SIGTERM or SIGHUP.

    Parameters
    ----------
    settings
        The settings of the home folder.
    host, port
        Where it listens. Any other than a loopback address asks for a token, which is made at each start.
    allowed_hosts
        More names under which it is reached, for example that of a reverse proxy.
    reviewer
        Name that its form begins with.
    blind
        Whether others' decisions are kept back until a reader has decided.
    on_ready
        Called once it answers.
    tell
        Called with a sentence when something beside the reviews went wrong.

    Raises
    ------
    ConfigError
        If the address cannot be listened on, the reviewer's name is too long, or the home's settings cannot be used.
    """
    from nh_platform.home.platform import Platform
    from nh_platform.reports.desk.posted import LONGEST_NAME
    from nh_platform.reports.desk.settings import Desk

    if len(reviewer) > LONGEST_NAME:
        raise ConfigError("--reviewer", f"it has {len(reviewer)} characters", f"Use {LONGEST_NAME} at most.")
    require_free_port(host, port)
    form_token = secrets.token_urlsafe(_TOKEN_BYTES)
    access_token = "" if is_loopback(host) else secrets.token_urlsafe(_TOKEN_BYTES)
    platform = Platform(settings)
    ended: list[int] = []
    with TrainKeeper(platform, tell) as keeper, heeded_signals(ended.append):
        desk = Desk(platform, form_token, reviewer, blind, keeper.note)
        server = desk_server(desk, host, port, allowed_hosts, access_token)
        serving = threading.Thread(target=server.run, name="desk", daemon=True)  # a thread leaves the signals to us
        serving.start()
        while serving.is_alive() and not server.started and not ended:
            serving.join(_LOOK_S)
        if server.started:
            on_ready(ServedDesk(page_address(host, port), access_token, os.getpid()))
        while serving.is_alive() and not ended:
            serving.join(_LOOK_S)
        is_cut_off = not ended
        server.should_exit = True
        serving.join(_CLOSING_S + 1)
    if is_cut_off:
        raise ConfigError(f"desk on port {port} of {host}", "its server ended by itself", "What it said stands above.")


def desk_server(desk: Desk, host: str, port: int, allowed_hosts: Sequence[str] = (), access_token: str = "") -> Server:
    """Return the web server of a desk behind its guard; ``run`` serves it until ``should_exit`` is set.

    Parameters
    ----------
    desk
        What is served.
    host, port, allowed_hosts
        As of `serve_desk`.
    access_token
        What it asks of everybody; nothing where empty.
    """
    import uvicorn

    from nh_platform.reports.desk.app import desk_app

    entrance = desk_entrance(desk.form_token, access_token)
    guarded = Guard(desk_app(desk), page_hosts(host, port, allowed_hosts), entrance)
    config = uvicorn.Config(
        guarded,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        http="h11",  # headers of more than 64 kB are refused; httptools has no limit
        ws="none",
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_CLOSING_S,
    )
    return uvicorn.Server(config)
