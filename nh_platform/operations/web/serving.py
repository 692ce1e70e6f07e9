"""Serving Dagster's page of a home folder: which processes that takes, and that there is one daemon for a home.

Contains the operation behind `nh ui`. How processes live and end is `supervisor`; who may ask the page is `guard`.
"""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.home.full_disk import DiskWatch
from nh_platform.home.running_ui import open_page, read_running_ui, remove_running_ui, write_running_ui
from nh_platform.operations.instance import make_private, prepare_instance
from nh_platform.operations.web.child import CODE_SERVER, DAEMON, PAGE, child_command
from nh_platform.operations.web.page_names import page_address
from nh_platform.operations.web.page_server import page_arguments
from nh_platform.operations.web.supervisor import Supervisor
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    from nh_platform.home.settings import PlatformSettings


_ANSWER_S = 5.0
_LOCK = "ui.lock"
_PORTS_TRIED = 20
"""How many ports after one that is taken are looked at for one to suggest."""


@dataclass(frozen=True)
class Page:
    """A page and how it is served.

    Parameters
    ----------
    host, port
        Where it listens.
    allowed_hosts
        More names under which it is reached, for example that of a reverse proxy.
    read_only
        Refuse whatever would change something, and work without a daemon, beside a page that has one.
    log_level
        Level from which the processes say what they do.
    workspace
        A ``workspace.yaml`` whose code server runs elsewhere, and so does the daemon: the page alone is served.
    daemon_elsewhere
        The history is in the database of a deployment, which has its daemon: no second one is started.
    """

    host: str = "127.0.0.1"
    port: int = 3000
    allowed_hosts: tuple[str, ...] = ()
    read_only: bool = False
    log_level: str = "warning"
    workspace: Path | None = None
    daemon_elsewhere: bool = False

    @property
    def has_daemon(self) -> bool:
        """Whether a daemon belongs to it, of which a home has one."""
        return not (self.read_only or self.daemon_elsewhere) and self.workspace is None

    @property
    def address(self) -> str:
        """Address for a browser on this machine."""
        return page_address(self.host, self.port)


def serve_ui(
    settings: PlatformSettings, page: Page, *, on_ready: Callable[[], None], tell: Callable[[str], None]
) -> None:
    """Serve the page of a home folder until a signal, with the daemon that runs what it and the sensors ask for.

    Parameters
    ----------
    settings
        The settings of the home folder.
    page
        Where and how it is served.
    on_ready
        Called once the page answers.
    tell
        Called with a sentence when a process ended and was started again.

    Raises
    ------
    ConfigError
        If another nh ui works on the home folder, the address cannot be listened on, a rulebook be used, or the
        workspace be read.
    ServiceEnded
        If a process cannot be kept running.
    """
    from nh_platform.home.platform import Platform

    if page.workspace is not None and not page.workspace.is_file():
        raise ConfigError(f"workspace {page.workspace}", "there is no such file", "deploy/workspace.yaml is one.")
    with ExitStack() as stack:
        if page.has_daemon:
            stack.enter_context(hold_home(settings))
        require_free_port(page.host, page.port)
        Platform(settings)  # a rulebook with a mistake is named here, and not among Dagster's tracebacks
        prepare_instance(settings)
        if page.has_daemon:
            write_running_ui(settings.home, page.address)
            stack.callback(remove_running_ui, settings.home)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nh-ui-")))
        supervisor = Supervisor(_services(folder, page), tell)
        supervisor.run(lambda: _answers(page.address), on_ready, DiskWatch(settings.home, tell).look)


def _services(folder: Path, page: Page) -> dict[str, Callable[[int], Sequence[str]]]:
    """Return the processes of a page; they meet at a socket in ``folder``, which nobody else may enter."""
    from nh_platform.defs.run_logs.log_lines import log_format
    from nh_platform.defs.run_storage import LOCATION

    if page.workspace is not None:
        alone = page_arguments(page.workspace, page.host, page.port, page.allowed_hosts, read_only=page.read_only)
        return {PAGE: partial(child_command, PAGE, page.workspace, alone)}
    at, workspace = folder / "code.sock", folder / "workspace.yaml"
    server = {"grpc_server": {"socket": str(at), "location_name": LOCATION}}
    workspace.write_text(json.dumps({"load_from": [server]}), encoding="utf-8")
    level = ["--log-level", page.log_level, *(["--log-format", "json"] if log_format() == "json" else [])]
    code_server = ["-m", "nh_platform.definitions", "--location-name", LOCATION, "--socket", str(at), *level]
    served = page_arguments(workspace, page.host, page.port, page.allowed_hosts, read_only=page.read_only)
    daemon = {} if not page.has_daemon else {DAEMON: ["-w", str(workspace), *level]}
    arguments = {CODE_SERVER: [*code_server, "--use-python-environment-entry-point"], PAGE: served, **daemon}
    return {name: partial(child_command, name, at, given) for name, given in arguments.items()}


@contextmanager
def hold_home(settings: PlatformSettings) -> Iterator[None]:
    """Hold a home folder: a second daemon, of another environment, once took a backfill and failed its sessions.

    The lock is the system's, so that a killed process leaves none behind.

    Raises
    ------
    ConfigError
        If another process holds it; the text has its address and id.
    """
    from filelock import FileLock, Timeout

    home = settings.home
    make_private(settings.dagster_home)
    lock = FileLock(settings.dagster_home / _LOCK, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        running = read_running_ui(home)
        where = f"{running.address} (process {running.pid})" if running else "one of another machine, perhaps"
        stop = f" or stop it: kill {running.pid}" if running else " or stop it there"
        found = f"another nh ui works on it: {where}; two daemons would take each other's runs"
        action = f"Use that page,{stop}. A page beside it, without a daemon: --read-only."
        raise ConfigError(f"home {home}", found, action) from None
    try:
        yield
    finally:
        lock.release()


def _answers(address: str) -> bool:
    try:
        with open_page(f"{address}/server_info", _ANSWER_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


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
        return "it is in use, perhaps by another page of nh" if in_use else f"it cannot be listened on ({error})"
    return None
