"""`nh fetch` without an account: says what it would do, fetches verified files once, and names what failed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nh_platform.cli.app import app
from nh_platform.simulation import TINY, write_ibl
from nh_platform.sources.ibl.settings import CREDENTIALS
from nh_platform_tests.loopback import Loopback


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("alf")
    write_ibl(root, 2, 7, size=TINY)
    return root


@pytest.fixture
def servers(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """Serve the public bucket, and point boto3 at it."""
    with Loopback(tree) as running:
        for name, value in running.bucket.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def home(tmp_path: Path, servers: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home of a person without an account, who configured nothing but the loopback server."""
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_ONE_DATA_SERVER", servers.files.data_server)
    return tmp_path


def nh(home: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--home", str(home), *arguments])
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    return result


def whole_files(home: Path) -> list[Path]:
    files = [path for path in (home / "raw").rglob("*") if path.is_file() and len(path.name) == 32]
    assert all(hashlib.md5(path.read_bytes()).hexdigest() == path.name for path in files)
    return files


def test_a_newcomer_syncs_and_fetches_without_an_account(home: Path, servers: Loopback) -> None:
    assert "ibl: 2 sessions, 4 insertions" in nh(home, "sync", "ibl").output
    dry = nh(home, "fetch", "ibl", "--missing", "--dry-run")
    assert "files of 2 sessions would be fetched" in dry.output
    assert not (home / "raw").exists()
    rows = json.loads(nh(home, "fetch", "ibl", "--all", "--dry-run", "--format", "json").output)
    assert [row["to_fetch"] for row in rows] == [row["files"] for row in rows]
    fetched = nh(home, "fetch", "ibl", "--all")
    assert "2 sessions fetched and verified" in fetched.output
    assert sum(row["size"] for row in rows) == sum(path.stat().st_size for path in whole_files(home))
    before = len(servers.bucket.requests)
    assert "nothing to fetch" in nh(home, "fetch", "ibl", "--missing").output
    assert len(servers.bucket.requests) == before
    assert servers.alyx.requests == servers.files.requests == []


def test_one_group_of_one_session_and_its_links(home: Path, servers: Loopback) -> None:
    nh(home, "sync", "ibl")
    first = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
    listed = nh(home, "fetch", "ibl", first, "--group", "behavior", "--urls")
    links = list(csv.DictReader(io.StringIO(listed.output)))
    assert not (home / "raw").exists()
    assert {link["session"] for link in links} == {first}
    nh(home, "fetch", "ibl", first, "--group", "behavior", "--jobs", "2")
    assert {path.name for path in whole_files(home)} == {link["md5"] for link in links}
    assert all(link["url"].startswith(servers.files.data_server) for link in links)
    assert all("#" not in link["url"] for link in links)
    import requests

    sample = links[0]
    content = requests.get(sample["url"], timeout=5).content
    assert hashlib.md5(content).hexdigest() == sample["md5"]
    assert len(content) == int(sample["size"])


def test_a_session_that_fails_is_named_and_the_others_go_on(home: Path, servers: Loopback) -> None:
    nh(home, "sync", "ibl")
    first, second = nh(home, "sessions", "--source", "ibl", "--ids").output.split()
    subject = servers.state.sessions[first]["subject"]
    for server in (servers.bucket, servers.files):
        server.faults.add(rf"{subject}.*licks\.times", "status", status=404)
    result = nh(home, "fetch", "ibl", "--all", "--group", "behavior", code=1)
    assert first in result.stderr
    assert second not in result.stderr
    assert "licks.times.npy" in result.stderr
    assert "HTTP 404" in result.stderr
    assert "1 of 2 sessions failed" in result.stderr
    servers.bucket.faults.clear()
    before = len(servers.bucket.requests)
    assert "1 sessions fetched" in nh(home, "fetch", "ibl", "--all", "--group", "behavior").output
    assert len(servers.bucket.requests) == before + 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("fetch", "ibl"), "session ids, --all or --missing"),
        (("fetch", "ibl", "--all", "--group", "wheel"), "no such asset group"),
        (("fetch", "ibl", "--all"), "nh sync ibl"),
    ],
)
def test_a_wrong_call_is_named(home: Path, arguments: tuple[str, ...], text: str) -> None:
    assert text in nh(home, *arguments, code=1).stderr


@pytest.mark.slow
def test_the_public_bucket_gives_the_same_assets_as_the_local_tree(
    home: Path, servers: Loopback, tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    servers.bucket.lists_insertions = True
    local = tmp_path_factory.mktemp("local")
    (local / "sources.yaml").write_text(f"ibl:\n  read: {{root: {tree}}}\n")
    for folder in (home, local):
        nh(folder, "sync", "ibl")
    first = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
    nh(home, "fetch", "ibl", first)
    before = len(servers.bucket.requests)
    for folder in (home, local):
        nh(folder, "materialize", "ibl", first)
    assert len(servers.bucket.requests) == before  # what was fetched is what is read
    contents = []
    for folder in (home, local):
        root = folder / "store" / "ibl" / first
        files = [path for path in root.rglob("*") if path.is_file() and path.name != ".lock"]
        contents.append({path.relative_to(root).as_posix(): path.read_bytes() for path in files})
    assert contents[0].keys() == contents[1].keys()
    assert [name for name in contents[0] if contents[0][name] != contents[1][name]] == []
    assert len(contents[0]) > 10
