"""A real deployment on loopback: PostgreSQL, Redis, Celery workers, code server, daemon and page of one home.

Debian's packages `postgresql` and `redis-server`, and the extra `deploy`. Every server has a free port, a folder of its
own and a process group of its own, which ends by its id. Add here what a service test starts, kills and stops. What is
asserted stands in the tests.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from nh_platform_tests.services.postgres import Postgres, program
from nh_platform_tests.services.servers import START_S, free_port, passable_folder

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy"
CODE_SERVER, DAEMON, PAGE = "code server", "daemon", "page"
_PYTHON_SERVERS = ("dagster_postgres", "dagster_celery")
_CRASHING = """
import os, select, sys, time

def _crash(event, arguments):
    if event == "open" and str(arguments[0]) == os.environ["NH_TEST_CRASH_AT"]:
        os._exit(11)

if os.environ.get("NH_TEST_CRASH_AT"):
    sys.addaudithook(_crash)
if "faketime" in os.environ.get("LD_PRELOAD", ""):
    time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""
"""A process that opens a certain file ends at once, as it does where a library crashes on it.

Under libfaketime 0.9.10 `time.sleep` fails with "Invalid argument", which is none of a wrong clock's faults.
"""
_QUICKER = {
    "start_timeout_seconds: 300": "start_timeout_seconds: 60",
    "poll_interval_seconds: 20": "poll_interval_seconds: 3",
    "free_slots_after_run_end_seconds: 60": "free_slots_after_run_end_seconds: 5",
}
"""Times of ``deploy/dagster.yaml`` that a test need not wait for."""


class Server:
    """A process that is the first of its group, and how it is started again."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; what it says goes into its log."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill -9 its whole group, as a machine that goes down does."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask its group to end, and kill what has not ended after a while."""
        if self.process is None:
            return
        for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(seconds)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def keep_running(self) -> None:
        """Start it again if it ended by itself, as systemd does."""
        if self.process is not None and self.process.poll() is not None:
            self.start()


class Deployment:
    """The servers of a home folder, beside it what they need of the environment."""

    def __init__(self, home: Path, folder: Path, environment: Mapping[str, str], postgres: Postgres) -> None:
        self.home, self.folder, self.environment, self.postgres = home, folder, dict(environment), postgres
        self.servers: dict[str, Server] = {}
        self.address = f"http://127.0.0.1:{free_port()}"

    def start(self, name: str, *arguments: str, **variables: str) -> Server:
        """Start a server under a name: arguments of this Python, and more environment variables."""
        return self.start_command(name, [sys.executable, *arguments], **variables)

    def start_command(self, name: str, command: Sequence[str], **variables: str) -> Server:
        """Start a server under a name."""
        environment = {**self.environment, **variables}
        server = Server(name, command, environment, self.folder / f"{name.replace(' ', '-')}.log")
        self.servers[name] = server
        server.start()
        return server

    def start_worker(
        self, name: str, *, processes: int = 1, crash_at: Path | None = None, machine: Mapping[str, str] | None = None
    ) -> Server:
        """Start a Celery worker on a machine with variables of its own; it crashes where it opens a certain file."""
        application = "nh_platform.defs.deployed.celery_worker"
        options = ["--concurrency", str(processes), "-n", f"{name}@localhost", "--loglevel", "INFO"]
        variables = {"NH_TEST_CRASH_AT": str(crash_at), "PYTHONPATH": str(self.folder)} if crash_at else {}
        command = ["-m", "celery", "-A", application, "worker", *options]
        return self.start(name, *command, **variables, **(machine or {}))

    def start_code_server(self) -> Server:
        """Start the code server."""
        where = ["-h", "127.0.0.1", "-p", self.environment["NH_CODE_PORT"], "--location-name", "nh_platform"]
        return self.start(CODE_SERVER, "-m", "dagster", "code-server", "start", "-m", "nh_platform.definitions", *where)

    def start_daemon(self, name: str = DAEMON) -> Server:
        """Start Dagster's daemon."""
        return self.start(name, "-m", "dagster._daemon", "run", "-w", str(self.folder / "workspace.yaml"))

    def start_page(self) -> Server:
        """Start the page, without a daemon of its own."""
        port = self.address.rpartition(":")[2]
        workspace = ["--workspace", str(self.folder / "workspace.yaml"), "--port", port]
        return self.start(PAGE, "-m", "nh_platform.cli", "--home", str(self.home), "ui", *workspace)

    def nh(self, *arguments: str, status: int = 0) -> str:
        """Run a command of `nh` as a person of this deployment does, and return what it prints."""
        command = [sys.executable, "-m", "nh_platform.cli", "--home", str(self.home), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def wait_until(self, what: str, done: Callable[[], bool], seconds: float) -> float:
        """Wait until something is done, with every server that ended started again, and return the seconds it took.

        Raises
        ------
        AssertionError
            With the ends of all logs.
        """
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            for server in self.servers.values():
                server.keep_running()
            if done():
                return time.monotonic() - began
            time.sleep(1)
        raise AssertionError(f"{what} did not happen within {seconds:.0f} s\n{self.logs()}")

    def logs(self) -> str:
        """Return the ends of all logs."""
        ends = (
            f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in sorted(self.folder.glob("*.log"))
        )
        return "\n".join(ends)


@contextmanager
def deployment(
    home: Path,
    *,
    workers: int = 2,
    crash_at: Path | None = None,
    variables: Mapping[str, str] | None = None,
    of_machine: Callable[[str], Mapping[str, str]] = lambda worker: {},
    on_database: Callable[[Deployment], object] = lambda made: None,
) -> Iterator[Deployment]:
    """Run PostgreSQL, Redis, workers, code server, daemon and page for a home folder; all of them end with the block.

    Parameters
    ----------
    home
        The home folder.
    workers
        Workers of one process each; `w1`, `w2`, … by name.
    crash_at
        A file that makes the processes of workers crash where they open it.
    variables
        More environment variables of every process, for example the address of an object store.
    of_machine
        Gives those of a worker's machine, by the worker's name.
    on_database
        Called when the database answers, before anything else starts.
    """
    for package in _PYTHON_SERVERS:
        pytest.importorskip(package, reason="the extra `deploy` is not installed: uv sync --extra deploy")
    redis_server = program("redis-server")
    with ExitStack() as stack:
        folder = stack.enter_context(passable_folder())
        database = folder / "postgres"
        database.mkdir()
        password, redis_password, redis_port = secrets.token_hex(8), secrets.token_hex(8), free_port()
        postgres = Postgres(database, password)
        postgres.start()
        stack.callback(postgres.stop, "immediate")
        for name in ("dagster.yaml", "workspace.yaml"):
            text = (CONFIGURATION / name).read_text(encoding="utf-8")
            for slow, quick in _QUICKER.items():
                text = text.replace(slow, quick)
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "sitecustomize.py").write_text(_CRASHING, encoding="utf-8")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("NH_", "DAGSTER_"))},
            "DAGSTER_HOME": str(folder),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "NH_HOME": str(home),
            "NH_POSTGRES_URL": postgres.url,
            "NH_REDIS_URL": f"redis://:{redis_password}@127.0.0.1:{redis_port}/0",
            "NH_COMPUTE_LOGS": str(folder / "compute_logs"),
            "NH_CODE_HOST": "127.0.0.1",
            "NH_CODE_PORT": str(free_port()),
            "NH_SENSOR_INTERVAL_S": "5",
            **(variables or {}),
        }
        made = Deployment(home, folder, environment, postgres)
        stack.callback(lambda: [server.stop() for server in reversed(made.servers.values())])
        on_database(made)
        of_redis = ["--port", str(redis_port), "--bind", "127.0.0.1", "--requirepass", redis_password]
        made.start_command("redis", [redis_server, *of_redis, "--dir", str(folder), "--save", "", "--appendonly", "no"])
        made.start_code_server()
        for number in range(1, workers + 1):
            made.start_worker(f"w{number}", crash_at=crash_at, machine=of_machine(f"w{number}"))
        made.start_page()
        made.wait_until("an answer of the page", lambda: _answers(made.address), START_S)
        made.start_daemon()
        yield made


def _answers(address: str) -> bool:
    import urllib.request

    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=5):
            return True
    except OSError:
        return False
