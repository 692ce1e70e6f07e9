"""Without an account: the public bucket alone gives the same sessions, and its faults end well."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from nh_platform.history.comparison.release_diff import diff_manifests
from nh_platform.history.freezes import freeze_manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.store import Store
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.loopback.object_store import moto_server
from nh_platform_tests.sources.ibl.conftest import Tree
from nh_platform_tests.sources.ibl.test_remote import assert_same_recording, assert_same_tables

TIMES = r"#2024-05-06#/spikes\.times\."


@pytest.fixture(scope="module")
def calm(pristine: Tree) -> Iterator[Loopback]:
    """Give servers whose state no test may change; a fault must end with its hits."""
    with Loopback(pristine.root) as running:
        yield running


@pytest.fixture
def servers(tree: Tree) -> Iterator[Loopback]:
    with Loopback(tree.root) as running:
        yield running


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Callable[..., IblSource]:
    """Give a function that opens the public bucket of servers."""

    def opened(servers: Loopback, **settings) -> IblSource:
        for name, value in servers.bucket.environment.items():
            monkeypatch.setenv(name, value)
        return IblSource(IblSettings.model_validate({**servers.public_settings, **settings}))

    return opened


@pytest.mark.parametrize("lists_insertions", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_public_bucket_and_the_local_tree_are_the_same(
    pristine: Tree, public, lists_insertions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(pristine.root) as servers:
        servers.bucket.lists_insertions = lists_insertions
        far, near = public(servers), pristine.source()
        manifest, local = far.manifest(), near.manifest()
        assert_same_tables(manifest, local, "sessions", "files")
        probes = ["session_id", "probe"]
        pd.testing.assert_frame_equal(manifest.insertions[probes], local.insertions[probes])
        if lists_insertions:
            pd.testing.assert_frame_equal(manifest.insertions, local.insertions)
        else:
            made = manifest.insertions["session_id"] + "_" + manifest.insertions["probe"]
            assert manifest.insertions["insertion_id"].tolist() == made.tolist()
        session, here = manifest.session(pristine.eid), local.session(pristine.eid)
        recording, expected = far.read_spikes(session), near.read_spikes(here)
        if lists_insertions:
            assert_same_recording(recording, expected)
        else:
            without = [one.probes.drop(columns="insertion_id") for one in (recording, expected)]
            pd.testing.assert_frame_equal(*without)
            pd.testing.assert_frame_equal(recording.units, expected.units)
            assert recording.spikes.times.tobytes() == expected.spikes.times.tobytes()
        behavior, local_behavior = read_behavior(far, session), read_behavior(near, here)
        pd.testing.assert_frame_equal(behavior.events["trials"], local_behavior.events["trials"])
        assert behavior.notes == local_behavior.notes
        annotation = far.read_annotation(session, recording.units, recording.channels)
        assert annotation.notes == near.read_annotation(here, expected.units, expected.channels).notes
        # nobody but the bucket was asked, and nobody logged in
        assert servers.alyx.requests == servers.files.requests == []


def test_a_tag_selects_a_release(servers, tree: Tree, public) -> None:
    ids = [d["id"] for d in servers.state.datasets.values() if d["session"] == tree.eid]
    servers.state.add_tag("2026_Q3_Großmann_et_al", ids)
    source = public(servers, tag="2026_Q3_Großmann_et_al")
    assert source.manifest().session_ids == [tree.eid]
    assert servers.bucket.asked("caches/openalyx/2026_Q3_Großmann_et_al/cache.zip")
    with pytest.raises(ConfigError, match=r"No_Such_Tag/cache\.zip does not exist .*Check `tag`"):
        public(servers, tag="No_Such_Tag").manifest()


def test_files_that_the_bucket_lacks_come_from_the_server(calm, pristine: Tree, public) -> None:
    source = public(calm)
    session = source.manifest().session(pristine.eid)
    calm.bucket.faults.add(TIMES, "status", status=404, times=2)
    before = len(calm.files.requests)
    assert source.read_spikes(session).spikes.n_units == 24
    asked = [path for _, path in calm.files.requests[before:]]
    assert len(asked) == 2
    assert all(re.search(TIMES, path) for path in asked)


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("corrupt", {}),
        pytest.param("truncated", {}, marks=pytest.mark.slow),
        pytest.param("status", {"status": 503}, marks=pytest.mark.slow),
        pytest.param("reset", {}, marks=pytest.mark.slow),
        pytest.param("short", {}, marks=pytest.mark.slow),
        pytest.param("empty", {}, marks=pytest.mark.slow),
        pytest.param("oversized", {}, marks=pytest.mark.slow),
        pytest.param("hang", {"seconds": 8.0}, marks=pytest.mark.slow),
        pytest.param("stall", {"seconds": 8.0}, marks=pytest.mark.slow),
    ],
)
def test_a_fault_of_the_bucket_that_passes_is_survived(calm, pristine: Tree, public, kind, details) -> None:
    # A bucket that does not answer in time is not asked for the next files either, and a busy machine takes a second.
    source = public(calm, read_timeout_s=3.0)
    session = source.manifest().session(pristine.eid)
    fault = calm.bucket.faults.add(TIMES, kind, times=1, **details)
    expected_source, expected_session = pristine.session()
    recording = source.read_spikes(session)
    assert fault.hits == 1
    assert recording.spikes.times.tobytes() == expected_source.read_spikes(expected_session).spikes.times.tobytes()


def test_a_file_that_stays_wrong_names_both_hashes_and_is_kept_aside(
    servers, tree: Tree, public, tmp_path: Path
) -> None:
    source = public(servers, raw_dir=tmp_path / "raw")
    manifest = source.manifest()
    for server in (servers.bucket, servers.files):
        server.faults.add(r"SWC_sim_001.*spikes\.times", "corrupt")
    with pytest.raises(BadUpstreamData, match=r"in 3 tries: md5 .*, upstream states \w+"):
        source.read_spikes(manifest.session(tree.eid))
    assert len(list((tmp_path / "raw" / "quarantine").glob("*.json"))) == 2
    assert source.read_spikes(manifest.session(tree.other)).spikes.n_units == 24


@pytest.mark.parametrize(
    "kind", ["truncated", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("corrupt", "short", "empty"))]
)
def test_a_broken_catalogue_is_fetched_again_or_named(calm, public, kind) -> None:
    calm.bucket.faults.add(r"cache\.zip", kind, times=2)
    assert len(public(calm).manifest().session_ids) == 2
    fault = calm.bucket.faults.add(r"cache\.zip", kind, times=3)
    with pytest.raises(ConfigError, match=r"caches/openalyx/cache\.zip"):
        public(calm).manifest()
    assert fault.hits == 3


def test_when_the_catalogue_was_made_can_be_asked_cheaply(calm, public) -> None:
    source = public(calm)
    assert source._client.announcements()[""]["date_created"] == calm.state.date_created


def test_no_network_is_named(public, calm, monkeypatch: pytest.MonkeyPatch) -> None:
    source = public(calm, attempts=1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=r"s3://ibl-brain-wide-map-public/caches/openalyx/cache\.zip.*nh doctor"):
        source.manifest()


def test_files_that_are_read_in_place_are_not_fetched(pristine: Tree) -> None:
    source, session = pristine.session()
    with pytest.raises(ConfigError, match="there is nothing to download"):
        source.raw_files()
    with pytest.raises(ConfigError, match="there is nothing to download"):
        source.fetch(session, ["spikes"])


def test_without_kept_files_nothing_is_fetched_ahead(calm, public) -> None:
    with pytest.raises(ConfigError, match="its settings keep no raw files"):
        public(calm, keep_raw=False, raw_dir="raw").raw_files()


@pytest.mark.slow
def test_a_real_s3_implementation_gives_the_same(pristine: Tree, public, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(pristine.root) as servers:
        source = public(servers)
        name, access = servers.bucket.bucket, {"ACL": "public-read"}
        with moto_server(name, is_public=True) as (url, s3):
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
            content = servers.bucket._object("caches/openalyx/cache.zip")
            s3.put_object(Bucket=name, Key="caches/openalyx/cache.zip", Body=content, **access)
            for dataset in servers.state.datasets.values():
                if dataset["session"] == pristine.eid:
                    key = f"data/{servers.state.file_path(dataset)}"
                    s3.upload_file(str(servers.state.local_path(dataset)), name, key, ExtraArgs=access)
            far, near = source.manifest().session(pristine.eid), pristine.source().manifest().session(pristine.eid)
            recording = source.read_spikes(far)
            assert recording.spikes.times.tobytes() == pristine.source().read_spikes(near).spikes.times.tobytes()
            assert len(read_behavior(source, far).events["trials"])
            assert servers.files.requests == servers.bucket.requests == servers.alyx.requests == []


@pytest.mark.parametrize("logs_in", [True, False])
def test_an_account_neither_adds_nor_withdraws_insertions(servers, tree: Tree, public, tmp_path: Path, logs_in) -> None:
    account = IblSource(IblSettings.model_validate(servers.settings))
    store, states = Store(tmp_path), [public(servers).manifest(), account.manifest()]
    for manifest in states if logs_in else reversed(states):
        stored = store_manifest(store, manifest, "1")
    assert stored.diff.summary() == ["insertions: +0 -0", "sessions: +0 -0", "changed sessions: 2"]
    assert set(stored.diff.changes["kind"]) == {"selection changed", "QC changed", "alignment changed"}
    assert set(stored.diff.affected["group"]) == {"qc", "alignment"}, "what the account states, and no spikes"
    assert len(stored.tombstones) == 0
    servers.state.delete_session(tree.eid)
    gone = store_manifest(store, (public(servers) if logs_in else account).manifest(), "1")
    assert gone.diff.summary()[0] == "insertions: +0 -2"
    assert sorted(gone.tombstones["probe"]) == ["", "probe00", "probe01"]


def test_a_freeze_lends_its_pids(servers, tree: Tree, public, tmp_path: Path) -> None:
    listed = tree.source().manifest().session(tree.eid).insertions
    path = tmp_path / "paper.csv"
    listed.rename(columns={"insertion_id": "pid", "session_id": "eid", "probe": "probe_name"}).to_csv(path)
    manifest = public(servers, freeze=path).manifest()
    assert manifest.insertions["insertion_id"].tolist() == listed["insertion_id"].tolist()
    assert diff_manifests(freeze_manifest(path, "ibl"), manifest, membership_only=True).is_empty
