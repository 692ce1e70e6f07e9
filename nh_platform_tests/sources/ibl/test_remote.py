"""Through the unmodified OneAlyx from loopback servers: the same objects as locally, and faults that end well."""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.downloads.raw_files import RawFiles
from nh_platform.session import BadUpstreamData, ConfigError, RawRecording, StoreError, UnknownSession
from nh_platform.simulation import TINY, add_revision
from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform.sources.ibl.server.one_errors import explain
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.ibl.conftest import SORTING, Tree

TIMES = r"#2024-05-06#/spikes\.times\."


@pytest.fixture
def servers(tree: Tree) -> Iterator[Loopback]:
    with Loopback(tree.root) as running:
        yield running


@pytest.fixture
def own_servers(own_tree: Tree) -> Iterator[Loopback]:
    with Loopback(own_tree.root) as running:
        yield running


@pytest.fixture(scope="module")
def calm(pristine: Tree) -> Iterator[Loopback]:
    """Give servers whose state no test may change; a fault must end with its hits."""
    with Loopback(pristine.root) as running:
        yield running


@pytest.fixture(scope="module")
def expected(pristine: Tree) -> RawRecording:
    source, session = pristine.session()
    return source.read_spikes(session)


def remote(servers, **settings) -> IblSource:
    return IblSource(IblSettings.model_validate({**servers.settings, **settings}))


def leftovers(source: IblSource) -> list[Path]:
    folders = [source._client._connection._folder, source._downloads._folder]
    files = [path for folder in folders if folder for path in folder.path.rglob("*") if path.is_file()]
    return [path for path in files if ".one" not in path.parts]


def assert_same_recording(one, two) -> None:
    assert one.session == two.session
    for name in ("probes", "units", "channels"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    for name in ("times", "offsets", "amplitudes", "depths"):
        assert getattr(one.spikes, name).tobytes() == getattr(two.spikes, name).tobytes()
    assert one.notes == two.notes


def assert_same_tables(one, two, *names) -> None:
    """Compare tables of two manifests but for the addresses, of which a local tree has none."""
    for name in names:
        tables = [getattr(manifest, name).drop(columns="url", errors="ignore") for manifest in (one, two)]
        pd.testing.assert_frame_equal(*tables)


def test_remote_and_local_are_the_same(pristine: Tree, calm) -> None:
    far, near = remote(calm), pristine.source()
    manifest, local_manifest = far.manifest(), near.manifest()
    assert_same_tables(manifest, local_manifest, "sessions", "insertions", "files")
    for eid in manifest.session_ids:
        there, here = manifest.session(eid), local_manifest.session(eid)
        recording = far.read_spikes(there)
        assert_same_recording(recording, near.read_spikes(here))
        behavior, local = read_behavior(far, there), read_behavior(near, here)
        assert list(behavior.events) == list(local.events)
        for name, table in behavior.events.items():
            pd.testing.assert_frame_equal(table, local.events[name])
        assert list(behavior.signals) == list(local.signals)
        for name, signal in behavior.signals.items():
            assert signal.values.tobytes() == local.signals[name].values.tobytes()
            assert signal.timestamps.tobytes() == local.signals[name].timestamps.tobytes()
        assert behavior.notes == local.notes
        annotation = far.read_annotation(there, recording.units, recording.channels)
        local_annotation = near.read_annotation(here, recording.units, recording.channels)
        for name in ("released", "positions", "channels"):
            pd.testing.assert_frame_equal(getattr(annotation, name), getattr(local_annotation, name))
        assert annotation.notes == local_annotation.notes


def test_every_file_is_fetched_once_under_its_uuid_and_removed_after_reading(calm) -> None:
    source = remote(calm)
    session = source.manifest().session(source.manifest().session_ids[0])
    before = len(calm.files.requests)
    source.read_spikes(session)
    asked = [path for _, path in calm.files.requests[before:]]
    rows = session.of_group("spikes")
    assert len(asked) == len(set(asked)) == rows["md5"].nunique()  # the probes share some files
    assert sum("/#2024-05-06#/" in path for path in asked) == len(asked)
    ids = {path.split(".")[-2] for path in asked}
    assert set(rows.loc[rows["dataset_id"].isin(ids), "md5"]) == set(rows["md5"])
    assert leftovers(source) == []


def test_nothing_is_written_into_the_home_and_no_token_to_disk(
    calm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    source = remote(calm)
    read_behavior(source, source.manifest().session(source.manifest().session_ids[0]))
    assert list(tmp_path.iterdir()) == []
    assert os.environ["HOME"] == str(tmp_path)
    private = source._client._connection.private.path
    assert private.stat().st_mode & 0o077 == 0
    written = b"".join(path.read_bytes() for path in private.rglob("*") if path.is_file())
    assert written  # the parameter file is there
    assert not any(token.encode() in written for token in calm.state.tokens)
    del source
    gc.collect()
    assert not private.exists()


def test_a_token_stands_for_a_password(servers) -> None:
    token = servers.state.issue_token("reader")
    source = remote(servers, username=None, password=None, token=token)
    assert len(source.manifest().session_ids) == 2
    assert servers.alyx.asked("auth-token") == []
    servers.state.revoke_tokens()
    with pytest.raises(ConfigError, match="tokens change after a release"):
        source.manifest()


def test_a_withdrawn_token_is_renewed_in_the_middle_of_the_work(servers, tree: Tree) -> None:
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    read_behavior(source, session)
    servers.state.revoke_tokens()
    assert source.read_spikes(session).spikes.n_units == 24


def test_a_wrong_password_is_named_and_not_shown(servers) -> None:
    with pytest.raises(ConfigError, match="refused the login") as error:
        remote(servers, password="wr0ng").manifest()
    assert "wr0ng" not in str(error.value)


def test_the_tables_of_a_tag_are_the_release(servers, tree: Tree) -> None:
    ids = [d["id"] for d in servers.state.datasets.values() if d["session"] == tree.eid]
    servers.state.add_tag("2026_Q3_Großmann_et_al", ids)
    manifest = remote(servers, tag="2026_Q3_Großmann_et_al").manifest()
    assert manifest.session_ids == [tree.eid]
    assert set(manifest.files["tags"]) == {"2026_Q3_Großmann_et_al"}
    assert manifest.release == "2026_Q3_Großmann_et_al, follow_default"
    with pytest.raises(ConfigError, match="release tag 'No_Such_Tag'"):
        remote(servers, tag="No_Such_Tag").manifest()
    servers.state.omit_location = True
    with pytest.raises(ConfigError, match="received tables of no tag"):
        remote(servers, tag="2026_Q3_Großmann_et_al").manifest()


def test_a_release_shows_in_the_next_manifest_of_the_same_source(own_servers, own_tree: Tree) -> None:
    servers, tree = own_servers, own_tree
    source = remote(servers)
    before = source.manifest()
    add_revision(tree.root, 0, 1, size=TINY, probe="probe00", revision="2026-01-01")
    servers.state.sync_tree()
    after = source.manifest()
    old, new = before.session(tree.eid), after.session(tree.eid)
    assert old.version("spikes") != new.version("spikes")
    assert old.version("events") == new.version("events")
    assert source.read_spikes(new).probes["revision"].tolist() == ["2026-01-01", "2024-05-06"]
    # the old manifest still reads its own exact paths
    assert source.read_spikes(old).probes["revision"].tolist() == ["2024-05-06", "2024-05-06"]
    servers.state.touch(tree.eid)
    assert source.manifest().version() == after.version()
    servers.state.delete_session(tree.other)
    assert source.manifest().session_ids == [tree.eid]


def test_a_patch_in_place_is_left_out_until_the_manifest_is_read_again(own_servers, own_tree: Tree) -> None:
    servers, tree = own_servers, own_tree
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    np.save(tree.path("alf/licks.times.npy"), np.array([1.0, 2.0]))
    servers.state.patch_file(tree.eid, "alf/licks.times.npy", tree.path("alf/licks.times.npy").read_bytes())
    stale = read_behavior(source, session)
    assert "licks" not in stale.events
    assert len(stale.events["trials"]) == 40
    assert [note.subject for note in stale.notes if "md5 of the content is" in note.text] == ["alf/licks.times.npy"]
    fresh = read_behavior(source, source.manifest().session(tree.eid))
    assert fresh.events["licks"]["times"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("corrupt", {}),
        pytest.param("truncated", {}, marks=pytest.mark.slow),
        pytest.param("reset", {}, marks=pytest.mark.slow),
        pytest.param("status", {"status": 500}, marks=pytest.mark.slow),
        pytest.param("short", {}, marks=pytest.mark.slow),
        pytest.param("empty", {}, marks=pytest.mark.slow),
        pytest.param("oversized", {}, marks=pytest.mark.slow),
        pytest.param("status", {"status": 502}, marks=pytest.mark.slow),
        pytest.param("status", {"status": 429, "retry_after": "0"}, marks=pytest.mark.slow),
    ],
)
def test_a_fault_that_passes_is_survived(calm, pristine: Tree, expected, kind, details) -> None:
    source = remote(calm)
    session = source.manifest().session(pristine.eid)
    fault = calm.files.faults.add(TIMES, kind, times=1, **details)
    recording = source.read_spikes(session)
    assert fault.hits == 1
    assert_same_recording(recording, expected)
    assert leftovers(source) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("corrupt", "md5 of the content is"),
        pytest.param("truncated", "IncompleteRead", marks=pytest.mark.slow),
        *(pytest.param(kind, "md5 of", marks=pytest.mark.slow) for kind in ("short", "empty", "oversized")),
    ],
)
def test_a_fault_that_stays_is_an_error_for_its_session_alone(servers, tree: Tree, kind, text) -> None:
    source = remote(servers)
    manifest = source.manifest()
    servers.files.serves_ranges = False
    servers.files.faults.add(r"SWC_sim_001.*spikes\.times", kind)
    with pytest.raises(BadUpstreamData, match=text) as error:
        source.read_spikes(manifest.session(tree.eid))
    assert f"session {tree.eid}, file {SORTING}/spikes.times.npy" in str(error.value)
    assert leftovers(source) == []
    assert source.read_spikes(manifest.session(tree.other)).spikes.n_units == 24


def test_a_missing_file_is_named_at_once(servers, tree: Tree) -> None:
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    fault = servers.files.faults.add(TIMES, "status", status=404)
    with pytest.raises(BadUpstreamData, match=r"spikes\.times.*does not exist \(HTTP 404\)"):
        source.read_spikes(session)
    assert fault.hits <= 2  # one per probe, no further attempt


def test_a_server_in_trouble_is_named(servers, tree: Tree) -> None:
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    servers.files.faults.add("spikes", "status", status=503)
    with pytest.raises(BadUpstreamData, match="answered HTTP 503"):
        source.read_spikes(session)
    servers.files.faults.clear()
    fault = servers.alyx.faults.add("/datasets", "status", times=2)
    assert source.read_spikes(session).spikes.n_units == 24
    assert fault.hits == 2


@pytest.mark.slow
def test_throttled_requests_wait_as_told(servers, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    import one.webclient

    waits: list[float] = []
    monkeypatch.setattr(one.webclient, "sleep", waits.append)
    source = remote(servers)
    servers.alyx.faults.add("/insertions", "status", status=429, retry_after="7", times=2)
    assert len(source.manifest().insertions) == 4
    assert len(waits) == 2
    assert min(waits) >= 7


@pytest.mark.slow
def test_a_silent_server_does_not_hold_the_run(servers, tree: Tree) -> None:
    source = remote(servers, timeout_s=1.0)
    session = source.manifest().session(tree.eid)
    servers.alyx.faults.add("/datasets", "hang", times=1)
    with pytest.raises(BadUpstreamData, match="no answer within 1 s"):
        source.read_spikes(session)
    assert source.read_spikes(session).spikes.n_units == 24


def test_an_unreachable_server_is_named(servers) -> None:
    settings = servers.settings | {"url": "http://127.0.0.1:9", "attempts": 1}
    with pytest.raises(ConfigError, match=r"no connection to http://127\.0\.0\.1:9"):
        IblSource(IblSettings.model_validate(settings)).manifest()


def test_broken_tables_are_named(servers) -> None:
    servers.alyx.faults.add("cache.zip", "status", status=500)
    with pytest.raises(ConfigError, match=r"cache\.zip: .*HTTP 500.*It answers /cache/info"):
        remote(servers).manifest()


@pytest.mark.parametrize(
    "kind", ["truncated", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("corrupt", "short", "empty"))]
)
def test_a_broken_catalogue_is_fetched_again_or_named(calm, kind) -> None:
    fault = calm.alyx.faults.add("cache.zip", kind, times=2)
    assert len(remote(calm).manifest().session_ids) == 2
    assert fault.hits == 2
    fault = calm.alyx.faults.add("cache.zip", kind, times=3)
    with pytest.raises(ConfigError, match=r"cache\.zip.* in 3 tries|cache\.zip.*tried 3 times"):
        remote(calm).manifest()
    assert fault.hits == 3


def test_a_session_that_was_withdrawn_is_named(servers, tree: Tree) -> None:
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    servers.state.delete_session(tree.eid)
    with pytest.raises(UnknownSession, match=tree.eid):
        source.read_spikes(session)


@pytest.mark.slow
def test_more_insertions_than_a_page_are_all_read(servers, tree: Tree) -> None:
    template = next(iter(servers.state.insertions.values()))
    for number in range(1100):
        pid = f"{number:08d}-0000-4000-8000-000000000000"
        servers.state.insertions[pid] = {**template, "id": pid, "name": f"probe{number + 10}"}
    assert len(remote(servers).manifest().insertions) == 1104
    assert len(servers.alyx.asked("/insertions")) == 2


def test_a_second_reading_asks_nobody(calm, pristine: Tree, expected, tmp_path: Path) -> None:
    session = remote(calm).manifest().session(pristine.eid)
    source = remote(calm, raw_dir=tmp_path / "raw")
    source.read_spikes(session)
    before = len(calm.files.requests), len(calm.alyx.requests)
    assert_same_recording(remote(calm, raw_dir=tmp_path / "raw").read_spikes(session), expected)
    assert (len(calm.files.requests), len(calm.alyx.requests)) == before
    assert leftovers(source) == []
    fleeting = remote(calm, raw_dir=tmp_path / "raw", keep_raw=False)
    assert_same_recording(fleeting.read_spikes(session), expected)
    assert len(calm.files.requests) > before[0]
    assert leftovers(fleeting) == []


@pytest.mark.slow
def test_a_file_that_changed_on_the_disk_is_fetched_anew(calm, pristine: Tree, expected, tmp_path: Path) -> None:
    session = remote(calm).manifest().session(pristine.eid)
    remote(calm, raw_dir=tmp_path).read_spikes(session)
    rows = session.of_group("spikes")
    path = RawFiles(tmp_path).path(rows.loc[rows["name"] == "spikes.times.npy", "md5"].iloc[0])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-8] + b"\0" * 8)
    assert_same_recording(remote(calm, raw_dir=tmp_path).read_spikes(session), expected)


def test_a_full_disk_is_a_store_error(servers, tree: Tree, tmp_path: Path, small_disk: Path) -> None:
    source = remote(servers, raw_dir=small_disk)
    session = source.manifest().session(tree.eid)
    with pytest.raises(StoreError, match=r"are to be downloaded to .* and only") as error:
        source.read_spikes(session)
    assert "raw_dir" in str(error.value)
    assert [path for path in small_disk.rglob("*") if path.is_file() and path.stat().st_size] == []
    assert remote(servers, raw_dir=tmp_path / "larger").read_spikes(session).spikes.n_units == 24


def test_an_unreadable_file_is_bad_upstream_data() -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", "x.npy")
    assert isinstance(explain(denied, "session s", None), BadUpstreamData)
