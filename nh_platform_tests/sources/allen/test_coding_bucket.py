"""Mode ``s3`` of Visual Coding: listed, fetched whole or read by ranges, and told by name where it cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.making import make_session_asset
from nh_platform.session import BadUpstreamData, ConfigError, UpstreamTrouble
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource
from nh_platform.sources.allen.coding.cache_folder import nwb_path
from nh_platform.sources.allen.coding.entry import ENTRY
from nh_platform.sources.allen.coding.settings import BUCKET, PREFIX
from nh_platform.sources.read_settings import read_settings
from nh_platform.store import Provenance
from nh_platform_tests.loopback.serving import Reply
from nh_platform_tests.sources.allen import warehouse_server
from nh_platform_tests.sources.allen.vc_bucket import CodingObjects, serve_coding_bucket

pytestmark = pytest.mark.filterwarnings("ignore")


@dataclass
class Remote:
    """The bucket, what it was filled from, and a folder to fetch into."""

    objects: CodingObjects
    upstream: Path
    root: Path

    def source(self, **settings: Any) -> AllenVisualCodingSource:
        values = {"retry_wait_s": 0.0, "stall_s": 2.0, **settings}
        return AllenVisualCodingSource(AllenVcSettings(root=self.root, mode="s3", **values))

    @property
    def session_id(self) -> str:
        (path,) = self.upstream.glob("session_*/session_*.nwb")
        return path.stem.removeprefix("session_")

    @property
    def below(self) -> str:
        return f"session_{self.session_id}/session_{self.session_id}.nwb"


@pytest.fixture
def remote(released_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
    with serve_coding_bucket(released_root, monkeypatch) as objects:
        yield Remote(objects, released_root, tmp_path / "cache")


def test_sessions_are_listed_with_etag_and_size_and_none_is_downloaded(remote: Remote) -> None:
    source = remote.source()
    manifest = source.manifest()
    assert manifest.session_ids == [remote.session_id]
    row = manifest.session(remote.session_id).of_group("spikes").iloc[0]
    head = remote.objects.client.head_object(Bucket=BUCKET, Key=PREFIX + remote.below)
    assert row["md5"] == f"etag/{head['ETag'].strip(chr(34))}"
    assert row["size"] == head["ContentLength"]
    assert row["url"].endswith(f"/{BUCKET}/{PREFIX}{remote.below}")
    local = AllenVisualCodingSource(AllenVcSettings(root=remote.upstream)).manifest()
    columns = ["subject", "date", "n_units_released", "regions", "task_protocol"]
    assert manifest.sessions[columns].equals(local.sessions[columns])
    assert remote.objects.asked(".nwb") == 0
    tables = remote.objects.asked(".csv")
    assert source.manifest().version() == manifest.version()
    assert remote.objects.asked(".csv") == tables  # what did not move is not fetched again
    assert source.signal() == source.signal()


def test_a_session_is_fetched_once_and_the_folder_is_used_without_the_bucket(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = remote.source()
    session = source.manifest().session(remote.session_id)
    assert [one.is_there for one in source.raw_requests(session, ["spikes"])] == [False]
    source.fetch(session, ["spikes"])
    assert [one.is_there for one in source.raw_requests(session, ["spikes"])] == [True]
    assert (
        nwb_path(remote.root, remote.session_id).read_bytes()
        == nwb_path(remote.upstream, remote.session_id).read_bytes()
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    offline = remote.source(refresh=False)
    assert offline.read_spikes(offline.manifest().session(remote.session_id)).spikes.n_units == 24


def test_a_broken_download_is_resumed(remote: Remote) -> None:
    source = remote.source()
    session = source.manifest().session(remote.session_id)
    remote.objects.faults.faults.add(r"\.nwb", "truncated", times=1)
    source.fetch(session, ["spikes"])
    assert [range_ for path, range_ in remote.objects.faults.ranges if path.endswith(".nwb")] != []


@pytest.mark.parametrize("ranges", [False, True])
def test_a_replaced_object_is_told_and_the_new_one_is_read_after_a_sync(remote: Remote, ranges: bool) -> None:
    source = remote.source(ranges=ranges)
    before = source.manifest().session(remote.session_id)
    signal = source.signal()
    other = (remote.upstream / remote.below).read_bytes() + bytes(8)
    remote.objects.put(remote.below, other)
    with pytest.raises(UpstreamTrouble, match=r"was replaced.*Sync the source"):
        source.read_spikes(before)
    assert source.signal() != signal
    after = source.manifest().session(remote.session_id)
    assert after.version("spikes") != before.version("spikes")
    assert source.read_spikes(after).spikes.n_units == 24


@pytest.mark.parametrize(
    ("fault", "found"), [({"kind": "status", "status": 503}, "503"), ({"kind": "truncated"}, "bytes|ended|broken")]
)
def test_what_does_not_come_in_three_tries_is_named(remote: Remote, fault: dict[str, Any], found: str) -> None:
    source = remote.source()
    session = source.manifest().session(remote.session_id)
    remote.objects.faults.faults.add(r"\.nwb", **fault)
    with pytest.raises(UpstreamTrouble, match=f"session_{remote.session_id}.*({found})"):
        source.read_events(session)
    remote.objects.faults.faults.clear()
    assert len(source.read_events(session).tables["presentations"])


@pytest.mark.parametrize("ranges", [False, True])
def test_a_file_that_went_is_named(remote: Remote, ranges: bool) -> None:
    source = remote.source(ranges=ranges)
    session = source.manifest().session(remote.session_id)
    remote.objects.remove(remote.below)
    with pytest.raises(UpstreamTrouble, match=r"does not exist.*Sync the source"):
        source.read_spikes(session)


def test_the_bucket_is_named_where_it_is_not_there_or_not_public_or_holds_no_sessions(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadUpstreamData, match=r"bucket no-such-bucket.*there is no such bucket.*settings bucket"):
        remote.source(bucket="no-such-bucket").manifest()
    with pytest.raises(BadUpstreamData, match=r"no session file .* is below elsewhere/\. Correct the settings"):
        remote.source(prefix="elsewhere").manifest()
    remote.objects.remove("probes.csv")
    with pytest.raises(BadUpstreamData, match=r"it has no probes\.csv below"):
        remote.source().manifest()
    # moto lists to everybody what Amazon would not
    denied = Reply(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>", "application/xml")
    monkeypatch.setattr(remote.objects.faults, "answer", lambda *_: denied)
    with pytest.raises(BadUpstreamData, match="access is refused"):
        remote.source().manifest()


def test_doctor_asks_the_bucket_a_question_of_its_kind(remote: Remote) -> None:
    for read, ok in (({}, True), ({"bucket": "no-such-bucket"}, False), ({"prefix": "elsewhere/"}, False)):
        (server,) = ENTRY.servers({"mode": "s3", **read})
        assert not isinstance(server, str)
        assert server.ask(5.0).ok is ok


def test_ranges_need_mode_s3_and_a_manifest_of_another_mode_is_refused(remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ranges: true needs mode s3"):
        read_settings(AllenVcSettings, "allen_vc", {"root": str(tmp_path), "ranges": True}, tmp_path)
    local = AllenVisualCodingSource(AllenVcSettings(root=remote.upstream)).manifest()
    with pytest.raises(BadUpstreamData, match=r"made in mode local.*nh sync allen_vc"):
        remote.source().read_spikes(local.session(remote.session_id))


def test_every_mode_stores_the_same_bytes_and_the_record_says_which_way_they_came(
    remote: Remote, tmp_path: Path
) -> None:
    stored: dict[str, dict[str, bytes]] = {}
    origins: dict[str, list[str]] = {}
    with warehouse_server.serve(remote.upstream) as warehouse:
        modes = {
            "warehouse": f"{{mode: warehouse, address: '{warehouse.address}'}}",
            "s3": "{mode: s3}",
            "passing": "{mode: s3, keep_raw: false}",
            "ranges": "{mode: s3, ranges: true}",
        }
        for mode, read in modes.items():
            home = tmp_path / mode
            home.mkdir()
            (home / "sources.yaml").write_text(f"allen_vc:\n  read: {read}\n")
            platform = Platform(load_settings(home))
            store_manifest(platform.store, platform.source("allen_vc").manifest(), "1")
            stored[mode] = {}
            for name in ("raw_spikes", "events", "signals", "optotagging", "units", "windows"):
                make_session_asset(platform, "allen_vc", remote.session_id, name)
                folder = platform.store.current("allen_vc", remote.session_id, name)
                assert folder is not None
                for path in sorted(folder.rglob("*")):
                    if path.is_file() and path.name != "provenance.json":
                        stored[mode][f"{name}/{path.relative_to(folder)}"] = path.read_bytes()
                origins.setdefault(mode, []).extend(Provenance.read(folder).origins)
    assert len(stored["warehouse"]) > 5
    for mode in modes:
        assert stored[mode].keys() == stored["warehouse"].keys()
        assert [name for name, content in stored[mode].items() if content != stored["warehouse"][name]] == []
    assert "read by ranges of s3://" in origins["ranges"][0]
    assert "the md5 of what came is" in origins["s3"][0]
    assert not list((tmp_path / "ranges").rglob("*.nwb"))
