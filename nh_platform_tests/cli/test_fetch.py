"""`nh fetch` without an account: says what it would do, fetches verified files once, and names what failed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from nh_platform import operations
from nh_platform.history.identity import GROUPS
from nh_platform.simulation import TINY, write_allen_vbn, write_allen_vc, write_ibl
from nh_platform.simulation.allen.behavior.cloud_release import BUCKET
from nh_platform.sources.allen.coding.cache_folder import nwb_path
from nh_platform.sources.ibl.settings import CREDENTIALS
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.allen import warehouse_server
from nh_platform_tests.sources.allen.allensdk_clients import behavior_cache
from nh_platform_tests.sources.allen.bucket_server import BucketServer


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


def test_the_plan_of_a_backfill_states_the_same_bytes(home: Path, servers: Loopback) -> None:
    nh(home, "sync", "ibl")
    rows = json.loads(nh(home, "fetch", "ibl", "--missing", "--dry-run", "--format", "json").output)
    before = len(servers.bucket.requests)
    needs = operations.backfill(home, "ibl", dry_run=True).needs
    assert needs is not None
    assert needs.to_fetch == sum(row["size"] for row in rows) > 0
    assert (needs.held, needs.raw_room) == (0, needs.to_fetch)
    (home / "sources.yaml").write_text("ibl:\n  read: {keep_raw: false}\n")
    passing = operations.backfill(home, "ibl", dry_run=True).needs
    assert passing is not None
    assert passing.to_fetch == needs.to_fetch
    assert max(row["size"] for row in rows) <= passing.raw_room < needs.to_fetch
    assert len(servers.bucket.requests) == before


def test_one_group_of_one_session_and_its_links(home: Path, servers: Loopback) -> None:
    nh(home, "sync", "ibl")
    first = nh(home, "sessions", "--source", "ibl", "--ids").output.split()[0]
    listed = nh(home, "fetch", "ibl", first[:8], first, "--group", "events", "--group", "signals", "--urls")
    links = list(csv.DictReader(io.StringIO(listed.output)))
    assert not (home / "raw").exists()
    assert {link["session"] for link in links} == {first}
    nh(home, "fetch", "ibl", first, "--group", "events", "--group", "signals", "--jobs", "2")
    assert {path.name for path in whole_files(home)} == {link["md5"] for link in links}
    assert all(link["url"].startswith(servers.files.data_server) for link in links)
    assert all("#" not in link["url"] for link in links)
    sample = links[0]
    content = requests.get(sample["url"], timeout=5).content
    assert hashlib.md5(content).hexdigest() == sample["md5"]
    assert len(content) == int(sample["size"])


@pytest.mark.parametrize(
    ("name", "group", "code", "said"),
    [("licks.times.npy", "events", 0, "note, ibl"), ("spikes.times.npy", "spikes", 1, "1 of 2 sessions failed")],
)
def test_a_file_that_is_gone_fails_its_session_only_where_it_is_required(
    home: Path, servers: Loopback, name: str, group: str, code: int, said: str
) -> None:
    nh(home, "sync", "ibl")
    first, second = nh(home, "sessions", "--source", "ibl", "--ids").output.split()
    subject = servers.state.sessions[first]["subject"]
    pattern = rf"{subject}.*{'probe00.*' if group == 'spikes' else ''}{name.removesuffix('.npy')}"
    for server in (servers.bucket, servers.files):
        server.faults.add(pattern, "status", status=404)
    result = nh(home, "fetch", "ibl", "--all", "--group", group, code=code)
    assert first in result.stderr
    assert second not in result.stderr
    assert name in result.stderr
    assert "HTTP 404" in result.stderr
    assert said in result.stderr
    servers.bucket.faults.clear()
    before = len(servers.bucket.requests)
    assert "1 session fetched" in nh(home, "fetch", "ibl", "--all", "--group", group).output
    assert len(servers.bucket.requests) == before + 1


@pytest.mark.parametrize("how", [(), ("--dry-run",), ("--urls",)])
def test_a_source_that_is_read_in_place_has_nothing_to_fetch(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    (tmp_path / "sources.yaml").write_text(f"ibl:\n  read: {{root: {tree}}}\n")
    said = nh(tmp_path, "fetch", "ibl", "--all", *how)
    assert f"ibl: nothing to fetch; its files are read in place, in {tree}" in said.stderr.replace("\n", "")
    assert said.stdout == ""
    assert not (tmp_path / "raw").exists()
    if how:
        assert json.loads(nh(tmp_path, "fetch", "ibl", "--all", *how, "--format", "json").stdout) == []


@pytest.fixture(scope="module")
def allen_trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    roots = tmp_path_factory.mktemp("allen_vc"), tmp_path_factory.mktemp("allen_vbn")
    write_allen_vc(roots[0], 2, 5, size=TINY)
    write_allen_vbn(roots[1], 2, 3, size=TINY)
    return roots


def _sizes(home: Path, source: str) -> dict[str, int]:
    rows = json.loads(nh(home, "fetch", source, "--all", "--dry-run", "--format", "json").stdout)
    return {row["session"]: row["size"] for row in rows}


def test_visual_behavior_is_fetched_by_hash_and_allensdk_takes_it_for_its_own(
    allen_trees: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    with BucketServer() as server:
        server.publish(allen_trees[1], "0.5.0")
        read = f"{{mode: s3, root: cache, endpoint: '{server.url}'}}"
        (tmp_path / "sources.yaml").write_text(f"allen_vbn:\n  read: {read}\n")
        nh(tmp_path, "sync", "allen_vbn")
        sizes = _sizes(tmp_path, "allen_vbn")
        dry = nh(tmp_path, "fetch", "allen_vbn", "--all", "--dry-run").output
        assert "in 2 files of 2 sessions would be fetched" in dry
        assert server.fetched("ecephys_session_") == []
        links = list(csv.DictReader(io.StringIO(nh(tmp_path, "fetch", "allen_vbn", "--all", "--urls").stdout)))
        first, second = sorted(sizes)
        assert "1 session fetched and verified" in nh(tmp_path, "fetch", "allen_vbn", first).output
        link = next(link for link in links if link["session"] == first)
        content = requests.get(link["url"], timeout=5).content
        assert hashlib.blake2b(content).hexdigest() == link["blake2b"]
        assert len(content) == sizes[first] == int(link["size"])
        assert _sizes(tmp_path, "allen_vbn") == {first: 0, second: sizes[second]}
        # AllenSDK's own client finds it, and asks for nothing but the list of manifests.
        asked = len(server.requests)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cache = behavior_cache(tmp_path / "cache", BUCKET, server.url)
            row = cache.get_ecephys_session_table(filter_abnormalities=False).loc[int(first)]
            place = cache.fetch_api.cache.data_path(str(row["file_id"]))
        assert place["exists"]
        assert place["local_path"].read_bytes() == content
        assert {path for _, path in server.requests[asked:]} == set(server.asked("list-type=2"))


def test_visual_coding_is_fetched_whole_and_the_same_links_are_its_ids(
    allen_trees: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    with warehouse_server.serve(allen_trees[0]) as warehouse:
        read = f"{{mode: warehouse, root: cache, address: '{warehouse.address}', retry_wait_s: 0}}"
        (tmp_path / "sources.yaml").write_text(f"allen_vc:\n  read: {read}\n")
        nh(tmp_path, "sync", "allen_vc")
        sizes = _sizes(tmp_path, "allen_vc")
        assert sizes == {
            session: nwb_path(allen_trees[0], session).stat().st_size for session in map(str, warehouse.file_ids)
        }
        links = list(csv.DictReader(io.StringIO(nh(tmp_path, "fetch", "allen_vc", "--all", "--urls").stdout)))
        assert {int(link["url"].rpartition("/")[2]) for link in links} == set(warehouse.file_ids.values())
        assert warehouse.asked("GET /") == 0
        warehouse.faults = ["404"]
        result = nh(tmp_path, "fetch", "allen_vc", "--all", code=1)
        assert "1 of 2 sessions failed" in result.stderr
        assert "HTTP 404" in result.stderr
        (left,) = (session for session, size in _sizes(tmp_path, "allen_vc").items() if size)
        assert left in result.stderr
        assert "1 session fetched" in nh(tmp_path, "fetch", "allen_vc", "--missing").output
        assert "nothing to fetch" in nh(tmp_path, "fetch", "allen_vc", "--all").output
        for session in sizes:
            whole = nwb_path(allen_trees[0], session).read_bytes()
            assert nwb_path(tmp_path / "cache", session).read_bytes() == whole


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("fetch", "ibl"), "session ids, --all or --missing"),
        (("fetch", "ibl", "--all", "--group", "wheel"), "no such asset group"),
        (("fetch", "ibl", "--all"), " sync ibl"),
    ],
)
def test_a_wrong_call_is_named(home: Path, arguments: tuple[str, ...], text: str) -> None:
    assert text in nh(home, *arguments, code=1).stderr


def test_the_help_names_every_asset_group_and_no_other(home: Path) -> None:
    text = " ".join(nh(home, "fetch", "--help").output.replace("│", " ").split())
    named = re.search(r"Only files of (.*?); may be", text)
    assert named
    assert re.split(r", | or ", named[1]) == list(GROUPS)
    for group in re.findall(r"--group ([a-z]+)", text):
        assert group in GROUPS


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
