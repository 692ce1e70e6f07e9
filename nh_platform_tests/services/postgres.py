"""A real PostgreSQL server on loopback, of Debian's package `postgresql`.

Add here what a test does to a database server. Who uses it, `deployment` says.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from nh_platform_tests.services.servers import free_port

DATABASE_USER = "dagster"


class Postgres:
    """A PostgreSQL server with one database; it refuses to run as root, so another user does then."""

    def __init__(self, folder: Path, password: str) -> None:
        self.data, self.log, self.port = folder / "data", folder / "postgres.log", free_port()
        self.password = password
        self.url = f"postgresql://{DATABASE_USER}:{password}@127.0.0.1:{self.port}/postgres"
        self._identity: dict[str, int | list[int]] = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            self._identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(folder, user.pw_uid, user.pw_gid)
        word = folder / "password"
        word.write_text(password, encoding="utf-8")
        if self._identity:
            os.chown(word, user.pw_uid, user.pw_gid)
        rights = ["--auth=scram-sha-256", f"--username={DATABASE_USER}", f"--pwfile={word}"]
        self._run("initdb", "-D", str(self.data), *rights, "-E", "UTF8", "--no-locale", "-N")
        word.unlink()

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it; ``immediate`` is how it ends when it is killed."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def query(self, statement: str) -> str:
        """Return what a statement finds."""
        environment = {**os.environ, "PGPASSWORD": self.password}
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", DATABASE_USER, "-d", "postgres"]
        command = [program("psql"), *where, "-tAc", statement]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    def dump(self) -> bytes:
        """Return all that the database holds, as statements."""
        return subprocess.run([program("pg_dump"), self.url], capture_output=True, check=True).stdout

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [program(name), *arguments],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            **self._identity,
        )
        assert done.returncode == 0, f"{name}: {done.stderr}"


def program(name: str) -> str:
    """Return the path of a server's program; the test is skipped with a reason where it is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(debian[-1]) if debian else None)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: postgresql redis-server)")
    return found
