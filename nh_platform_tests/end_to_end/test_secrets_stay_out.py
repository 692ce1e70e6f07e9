"""No credential, and no user name, is in anything that sync and materialize leave or say, whatever upstream answers.

Programs of their own, with marked secrets in the environment; every byte that they wrote or printed is searched, tables
and compressed parts too. Add here another secret, or another answer of a server that may carry one on.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import re
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.instance import open_instance
from nh_platform.operations.opened_home import OpenHome
from nh_platform.session import NhError
from nh_platform_tests.end_to_end.remote_homes import SOURCES_YAML, write_upstream
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.loopback.serving import Reply
from nh_platform_tests.services.servers import graphql, nh_ui

USER, PASSWORD, TOKEN = "Zq7UserZq7", "Zq7PasswordZq7", "Zq7TokenZq7"
SECRETS = {
    "AWS_ACCESS_KEY_ID": "Zq7AwsIdZq7",
    "AWS_SECRET_ACCESS_KEY": "Zq7AwsSecretZq7",
    "AWS_SESSION_TOKEN": "Zq7AwsSessionZq7",
    "NH_ALERT_WEBHOOK": "https://chat.invalid/Zq7HookZq7",
    "PGPASSWORD": "Zq7PostgresZq7",
}
MARK = re.compile(rb"Zq7\w+Zq7")
FAILED_RUNS = "{ runsOrError(filter: {statuses: [FAILURE]}) { ... on Runs { results { runId } } } }"
EVENTS = """query($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
    __typename ... on MessageEvent { message }
    ... on ErrorEvent { error { message stack causes { message stack } } } } } } }"""
ENCODED = [base64.b64encode(f"{USER}:{PASSWORD}".encode())[:20], base64.b64encode(PASSWORD.encode())[:12]]
GZIP = re.compile(rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00-\x04]", re.DOTALL)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Loopback]:
    with Loopback(write_upstream(tmp_path / "upstream")) as running:
        running.state.users = {USER: PASSWORD}
        running.state.tokens[TOKEN] = USER
        yield running


class Place:
    """A home folder, the user's own and the temporary one, and all that programs said."""

    def __init__(self, folder: Path, servers: Loopback) -> None:
        self.folder = folder
        self.home, self.own, self.temporary = (folder / name for name in ("home", "own", "temporary"))
        for each in (self.home, self.own, self.temporary):
            each.mkdir(parents=True)
        (self.home / "sources.yaml").write_text(SOURCES_YAML, encoding="utf-8")
        (self.home / "alerts.yaml").write_text("hooks:\n  - webhook_from: NH_ALERT_WEBHOOK\n", encoding="utf-8")
        dropped = ("NH_", "AWS_", "DAGSTER_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        addresses = {name: value for name, value in servers.environment.items() if name.endswith(("_URL", "_SERVER"))}
        self.environment = {
            **kept,
            **addresses,
            **SECRETS,
            "NH_ONE_USERNAME": USER,
            "NH_ONE_PASSWORD": PASSWORD,
            "HOME": str(self.own),
            "TMPDIR": str(self.temporary),
            "DAGSTER_DISABLE_TELEMETRY": "1",
        }
        self.said: list[str] = []

    def nh(self, *arguments: str, **environment: str) -> int:
        """Run a command, keep what it said, and return its status."""
        done = subprocess.run(
            [sys.executable, "-m", "nh_platform.cli", "--home", str(self.home), *arguments],
            env={**self.environment, **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.said.append(f"{done.stdout}\n{done.stderr}")
        return done.returncode

    def hits(self) -> dict[str, list[bytes]]:
        """Return the marks that were found, by file; what was said is one of them."""
        found = {"what was printed": marks_in("\n".join(self.said).encode())}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                found[str(path.relative_to(self.folder))] = marks_in(path.read_bytes(), path.suffix, path)
        return {name: marks for name, marks in found.items() if marks}

    def n_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def marks_in(content: bytes, suffix: str = "", path: Path | None = None) -> list[bytes]:
    """Return the marks in some bytes, in the parts of them that are gzipped or base64, and in the rows of a table."""
    parts = [content]
    for begin in GZIP.finditer(content):
        parts.append(zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content[begin.start() :]))
    for text in re.findall(rb"H4sI[A-Za-z0-9+/=]{20,}", content):  # gzip in base64, as pages hold their arrays
        parts.append(gzip.decompress(base64.b64decode(text)))
    if suffix in (".parquet", ".pqt") and path is not None:
        parts.append(repr(pq.read_table(path).to_pydict()).encode())
    whole = b"\n".join(parts)
    return sorted({*MARK.findall(whole), *(one for one in ENCODED if one in whole)})


def test_what_is_marked_is_found_where_it_is_hidden(tmp_path: Path) -> None:
    hidden = gzip.compress(PASSWORD.encode())
    for content in (PASSWORD.encode(), b"\x00" + hidden, base64.b64encode(gzip.compress(PASSWORD.encode() * 9))):
        assert marks_in(content), content
    assert marks_in(base64.b64encode(f"{USER}:{PASSWORD}".encode()))
    assert marks_in(b"nothing") == []


def spoil(servers: Loopback, answer: Callable[[str, str, Any], Reply | None]) -> None:
    """Let both servers answer with what ``answer`` returns, where it returns something."""
    for server in (servers.alyx, servers.files):
        before = server.answer

        def spoiled(method: str, target: str, headers: Any, body: bytes, before: Any = before) -> Reply:
            return answer(method, target, headers) or before(method, target, headers, body)

        server.answer = spoiled  # type: ignore[method-assign]


def echo(status: int) -> Callable[[str, str, Any], Reply | None]:
    """Answer as a debugging server does: with the headers and the account of who asked."""

    def answer(method: str, target: str, headers: Any) -> Reply | None:
        if "auth-token" in target or "cache" in target:
            return None
        said = f'{{"detail": "not for {USER} with {dict(headers)} {PASSWORD} {target}"}}'
        return Reply(status, said.encode(), "application/json")

    return answer


def redirect(method: str, target: str, headers: Any) -> Reply | None:
    """Send whoever asks for a file elsewhere, by an address with the account in it."""
    if "/public/" not in target:
        return None
    return Reply(302, b"", "text/plain", Location=f"http://{USER}:{PASSWORD}@127.0.0.1:9/{TOKEN}?token={TOKEN}")


@pytest.mark.slow
def test_a_whole_run_leaves_no_credential(servers: Loopback, tmp_path: Path) -> None:
    place = Place(tmp_path / "place", servers)
    assert place.nh("sync", "ibl") == 0, place.said
    assert place.nh("materialize", "ibl", "--missing") == 0, place.said
    for command in (["status"], ["doctor"], ["sessions", "ibl", "--format", "json"]):
        place.nh(*command)
    assert place.nh("backup", str(tmp_path / "place" / "backup")) == 0, place.said
    # Refused: by password, as somebody else, and by a token that does not count.
    assert place.nh("sync", "ibl", NH_ONE_PASSWORD="Zq7WrongZq7") == 1
    assert "refused the login" in place.said[-1]
    assert place.nh("sync", "ibl", NH_ONE_TOKEN="Zq7OldZq7", NH_ONE_USERNAME="", NH_ONE_PASSWORD="") == 1
    assert "refused the login" in place.said[-1]
    assert place.n_bytes() > 1_000_000, "there is something to search"
    assert place.hits() == {}


@pytest.mark.slow
def test_a_killed_process_leaves_no_credential(servers: Loopback, tmp_path: Path) -> None:
    """What ONE writes for itself lies in a folder that the process removes, and a killed one cannot."""
    place = Place(tmp_path / "place", servers)
    asked = threading.Event()
    servers.alyx.when("cache", asked.set)
    servers.alyx.faults.add(r"cache\.zip", "hang", seconds=60)
    process = subprocess.Popen(
        [sys.executable, "-m", "nh_platform.cli", "--home", str(place.home), "sync", "ibl"],
        env=place.environment,
        cwd=place.folder,
    )
    try:
        assert asked.wait(120)
    finally:
        process.kill()
        process.wait()
    assert place.hits() == {}


@pytest.mark.parametrize("trouble", [echo(400), echo(500), echo(403), redirect], ids=["400", "500", "403", "redirect"])
def test_what_a_server_repeats_of_the_account_is_not_told_on(
    servers: Loopback,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    trouble: Callable[[str, str, Any], Reply | None],
) -> None:
    place = Place(tmp_path / "place", servers)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    platform = Platform(load_settings(place.home))
    with open_instance(platform.settings) as instance:
        operations.sync(OpenHome(platform, instance), "ibl")
        spoil(servers, trouble)
        done = operations.materialize(OpenHome(platform, instance), "ibl", assets=("raw_spikes", "events"))
        assert not done.outcomes[0].success
        with contextlib.suppress(NhError):
            operations.sync(OpenHome(platform, instance), "ibl")
    said = capfd.readouterr()
    place.said += [said.out, said.err, *done.outcomes[0].errors]
    assert done.outcomes[0].errors
    assert place.hits() == {}


@pytest.mark.service
def test_the_daemon_and_what_its_runs_print_leave_no_credential(servers: Loopback, tmp_path: Path) -> None:
    """Runs of the daemon that fail on servers which repeat the account: logs, captured output, texts of failures."""
    place = Place(tmp_path / "place", servers)
    assert place.nh("sync", "ibl") == 0, place.said
    spoil(servers, echo(403))
    quick = {"NH_LOG_FORMAT": "json", "NH_SENSOR_INTERVAL_S": "5"}
    with nh_ui(place.home, "--verbose", variables={**place.environment, **quick}) as address:
        assert place.nh("backfill", "ibl") == 0, place.said
        failed: list[Any] = []
        until = time.monotonic() + 240
        while not failed and time.monotonic() < until:
            time.sleep(2)
            failed = graphql(address, FAILED_RUNS)["runsOrError"]["results"]
        assert failed, (place.home / "ui.log").read_text()[-3000:]
        shown = json.dumps(graphql(address, EVENTS, {"run": failed[0]["runId"]}))
    assert "RunFailureEvent" in shown
    place.said.append(shown)
    printed = list((place.home / "dagster" / "compute_logs").rglob("*.err"))
    assert printed, "what runs print was captured"
    assert '"message"' in (place.home / "ui.log").read_text(), "what runs do was printed"
    assert place.hits() == {}
