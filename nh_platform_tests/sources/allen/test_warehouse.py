"""Mode ``warehouse``: AllenSDK's real client against a stand-in on loopback, and on a filled folder without network."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
import pytest

from nh_platform.downloads import deadlines
from nh_platform.history.identity import GROUPS
from nh_platform.qc.gate import gate_of
from nh_platform.session import BadUpstreamData, StoreError
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource, sdk
from nh_platform.sources.allen.coding.cache_folder import nwb_path
from nh_platform.sources.allen.coding.warehouse import TABLES, WarehouseCatalogue
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.sources.allen import warehouse_server
from nh_platform_tests.sources.allen.warehouse_server import FIRST_FILE_ID, Warehouse

pytestmark = pytest.mark.filterwarnings("ignore")


@dataclass
class Remote:
    """The stand-in, a folder to fetch into, and the ids of its sessions."""

    warehouse: Warehouse
    root: Path
    sessions: list[str]

    def source(self, **settings: Any) -> AllenVisualCodingSource:
        values = {"address": self.warehouse.address, "retry_wait_s": 0.0, **settings}
        return AllenVisualCodingSource(AllenVcSettings(root=self.root, mode="warehouse", **values))

    def path(self, session: str) -> Path:
        return nwb_path(self.root, session)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("warehouse")
    write_allen_vc(root, 2, seed=5, size=TINY)
    with h5py.File(root / "other.h5", "w") as handle:
        handle["identifier"] = "7"
    return root


@pytest.fixture
def remote(upstream: Path, tmp_path: Path) -> Iterator[Remote]:
    with warehouse_server.serve(upstream) as warehouse:
        yield Remote(warehouse, tmp_path / "cache", sorted(warehouse.file_ids, key=int))


def test_every_session_that_is_served_is_listed_and_none_is_downloaded(remote: Remote, upstream: Path) -> None:
    manifest = remote.source().manifest()
    assert sorted(manifest.sessions["session_id"], key=int) == remote.sessions
    assert list(remote.root.glob("session_*")) == []
    assert remote.warehouse.asked(f"GET /{warehouse_server.FILE_ROUTE}") == 0
    files = manifest.files[manifest.files["name"].str.endswith(".nwb")].set_index("session_id")
    for number, session in enumerate(pd.read_csv(upstream / "sessions.csv")["id"].astype(str)):
        row = files.loc[session]
        assert row["md5"] == f"well_known_file/{FIRST_FILE_ID + number}"
        assert row["size"] == nwb_path(upstream, session).stat().st_size
        assert row["dataset_id"] == str(FIRST_FILE_ID + number)
        assert row["url"] == f"{remote.warehouse.address}/{warehouse_server.FILE_ROUTE}{FIRST_FILE_ID + number}"


def test_the_manifest_states_what_a_folder_with_the_same_tables_states(remote: Remote, upstream: Path) -> None:
    ours = remote.source().manifest()
    local = AllenVisualCodingSource(AllenVcSettings(root=upstream)).manifest()
    by_id = [table.sort_values("session_id", ignore_index=True) for table in (ours.sessions, local.sessions)]
    pd.testing.assert_frame_equal(*by_id)
    key = ["session_id", "insertion_id"]
    pd.testing.assert_frame_equal(*(m.insertions.sort_values(key, ignore_index=True) for m in (ours, local)))
    assert ours.release == "warehouse"
    for name in TABLES:
        mine, theirs = (pd.read_csv(folder / name).set_index("id") for folder in (remote.root, upstream))
        pd.testing.assert_frame_equal(mine[sorted(mine)], theirs[sorted(mine)], check_dtype=False)


def test_a_session_is_fetched_when_it_is_read_and_only_once(remote: Remote, upstream: Path) -> None:
    source = remote.source()
    session = source.manifest().session(remote.sessions[0])
    raw = source.read_spikes(session)
    behavior = read_behavior(source, session)
    annotation = source.read_annotation(session, raw.units, raw.channels)
    local = AllenVisualCodingSource(AllenVcSettings(root=upstream))
    theirs = local.read_spikes(local.manifest().session(remote.sessions[0]))
    assert raw.spikes.times.tobytes() == theirs.spikes.times.tobytes()
    assert raw.units.equals(theirs.units)
    assert len(behavior.events["presentations"]) > 0
    assert gate_of(raw, session).problems == ()
    assert remote.warehouse.asked(f"GET /{warehouse_server.FILE_ROUTE}") == 1
    md5 = hashlib.md5(nwb_path(upstream, remote.sessions[0]).read_bytes()).hexdigest()
    for notes in (raw.notes, behavior.notes, annotation.notes):
        assert any(md5 in note.text and "well_known_file/" in note.text for note in notes)
    assert not remote.path(remote.sessions[1]).exists()


def test_what_was_fetched_changes_no_identity(remote: Remote) -> None:
    source = remote.source()
    before = source.manifest()
    source.read_spikes(before.session(remote.sessions[0]))
    after = source.manifest()
    assert after.version() == before.version()
    pd.testing.assert_frame_equal(after.sessions, before.sessions)


def test_a_file_released_anew_is_announced_listed_and_fetched(remote: Remote) -> None:
    source = remote.source()
    before = source.manifest()
    signal = source.signal()
    session = remote.sessions[0]
    source.read_spikes(before.session(session))
    tables = remote.warehouse.asked("EcephysChannel")
    assert source.signal() == signal
    remote.warehouse.file_ids[session] += 1000
    assert source.signal() != signal
    after = source.manifest()
    assert remote.warehouse.asked("EcephysChannel") > tables  # the tables belong to a release as well
    changed = {s for s in remote.sessions if after.session(s).version("spikes") != before.session(s).version("spikes")}
    assert changed == {session}
    source.read_spikes(after.session(session))
    record = json.loads(remote.path(session).with_name(f"session_{session}.nwb.json").read_text())
    assert record["file_id"] == str(remote.warehouse.file_ids[session])
    with pytest.raises(BadUpstreamData, match="did not come whole"):
        source.read_spikes(before.session(session))  # upstream has the old one no more
    assert len(source.read_spikes(after.session(session)).units) > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "faults",
    [["truncated"], ["500", "other"], ["stall", "truncated"], ["429", "reset"]],
    ids=lambda faults: "+".join(faults),
)
def test_broken_downloads_are_tried_again(remote: Remote, faults: list[str]) -> None:
    source = remote.source(stall_s=1.0 if "stall" in faults else 30.0)
    session = source.manifest().session(remote.sessions[0])
    remote.warehouse.faults = [*faults]
    assert len(source.read_spikes(session).units) > 0
    assert remote.warehouse.faults == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("truncated", r"ended after|IncompleteRead"),
        ("500", r"answered HTTP 500; tried 3 times"),
        ("429", r"answered HTTP 429; tried 3 times"),
        ("404", r"does not exist \(HTTP 404\)"),
        ("other", r"in 3 tries: .*bytes are there and the server says"),
        ("stall", r"[Tt]imed? ?out"),
        ("reset", r"reset by peer|IncompleteRead"),
    ],
)
def test_after_three_tries_the_file_is_named_and_nothing_is_left(remote: Remote, fault: str, found: str) -> None:
    remote.warehouse.states_versions = False  # so that nothing is resumed
    source = remote.source(stall_s=1.0 if fault == "stall" else 30.0)
    session = source.manifest().session(remote.sessions[0])
    remote.warehouse.faults = [fault] * 9  # a try that brought something new does not count
    name = f"NWB file session_{remote.sessions[0]}.nwb: it did not come whole.*({found})"
    with pytest.raises(BadUpstreamData, match=name):
        source.read_spikes(session)
    left_over = len(remote.warehouse.faults)
    assert left_over == {"404": 8, "other": 6, "500": 6, "429": 6}.get(fault, left_over)
    assert left_over > 0
    remote.warehouse.faults = []
    left = [path.name for path in remote.path(remote.sessions[0]).parent.iterdir() if path.suffix != ".lock"]
    assert left == []
    # The other session goes on, and so does this one later.
    assert len(source.read_spikes(source.manifest().session(remote.sessions[1])).units) > 0
    assert len(source.read_spikes(session).units) > 0


def test_without_stated_sizes_hdf5_itself_tells_a_truncated_file(remote: Remote) -> None:
    remote.warehouse.states_sizes = False
    source = remote.source(attempts=1)
    manifest = source.manifest()
    assert manifest.files["size"].isna().all()
    remote.warehouse.faults = ["other", "500", "truncated", "truncated"]
    session = manifest.session(remote.sessions[0])
    for found in ("no units table", "HTTP 500", "ended after|IncompleteRead"):
        with pytest.raises(BadUpstreamData, match=found):
            source.read_spikes(session)
    assert len(source.read_spikes(session).units) > 0


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "truncated"])
def test_what_allensdk_left_is_taken_over_if_it_is_whole(remote: Remote, upstream: Path, whole: bool) -> None:
    source = remote.source()
    session = source.manifest().session(remote.sessions[0])
    path = remote.path(remote.sessions[0])
    path.parent.mkdir()
    content = nwb_path(upstream, remote.sessions[0]).read_bytes()
    path.write_bytes(content if whole else content[: len(content) // 2])
    assert len(source.read_spikes(session).units) > 0
    assert remote.warehouse.asked(f"GET /{warehouse_server.FILE_ROUTE}") == (0 if whole else 1)
    assert path.read_bytes() == content


def test_bytes_that_changed_on_the_disk_are_refused_by_name(remote: Remote) -> None:
    source = remote.source()
    session = source.manifest().session(remote.sessions[0])
    source.read_spikes(session)
    with h5py.File(remote.path(remote.sessions[0]), "r+") as handle:
        handle["units/snr"][0] = 99.0
    with pytest.raises(BadUpstreamData, match=r"its md5 is .* and that of what came was .*Delete it"):
        source.read_spikes(session)
    remote.path(remote.sessions[0]).unlink()
    assert len(source.read_spikes(session).units) > 0


def test_a_filled_folder_needs_no_network(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = remote.source()
    version = filled.manifest().version()
    session = remote.sessions[0]
    filled.read_spikes(filled.manifest().session(session))

    def refuse(*_: object) -> None:
        raise AssertionError("a request was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    offline = remote.source(refresh=False)
    manifest = offline.manifest()
    assert manifest.version() == version
    assert sorted(manifest.session_ids, key=int) == remote.sessions  # both, though one file is on the disk
    assert offline.signal() == offline.signal()
    assert len(offline.read_spikes(manifest.session(session)).units) > 0
    # AllenSDK works on the same folder.
    cache = sdk.warehouse_cache(remote.root / "manifest.json")
    assert sorted(map(str, cache.get_session_table().index), key=int) == remote.sessions
    assert Path(cache.get_cache_path(None, cache.SESSION_NWB_KEY, int(session), int(session))).is_file()


def test_tables_that_allensdk_left_are_used(remote: Remote, upstream: Path) -> None:
    remote.root.mkdir()
    for name in TABLES:
        shutil.copy(upstream / name, remote.root)
    remote.source().manifest()
    assert remote.warehouse.asked("EcephysChannel") == 0
    # A table of fewer sessions than are served is of another release.
    sessions = pd.read_csv(upstream / "sessions.csv")
    sessions.head(1).to_csv(remote.root / "sessions.csv", index=False)
    assert set(remote.source().manifest().session_ids) == set(remote.sessions)
    assert remote.warehouse.asked("EcephysChannel") == 1


def test_a_warehouse_that_does_not_answer_is_named_and_the_folder_stays(remote: Remote) -> None:
    remote.source().manifest()
    kept = {path.name: path.read_bytes() for path in remote.root.iterdir() if path.is_file()}
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    gone = remote.source(address=address)
    for ask in (gone.manifest, gone.signal):
        with pytest.raises(BadUpstreamData, match=f"warehouse {address}: it cannot be read.*mode: local"):
            ask()
    assert {path.name: path.read_bytes() for path in remote.root.iterdir() if path.is_file()} == kept
    with pytest.raises(BadUpstreamData, match=r"nwb_files.csv: it cannot be read"):
        (remote.root / "nwb_files.csv").write_text("id\n1\n")
        WarehouseCatalogue(remote.root).stored()


def test_a_manifest_of_mode_local_is_refused_by_name(remote: Remote, upstream: Path) -> None:
    local = AllenVisualCodingSource(AllenVcSettings(root=upstream)).manifest()
    with pytest.raises(BadUpstreamData, match=r"made in mode local.*nh sync allen_vc"):
        remote.source().read_spikes(local.session(remote.sessions[0]))


def test_a_full_disk_is_said_before_anything_comes(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    source = remote.source()
    session = source.manifest().session(remote.sessions[0])
    usage = shutil.disk_usage(remote.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(StoreError, match=r"MB are to be downloaded to .* only 0.0 MB are free"):
        source.read_spikes(session)


def test_every_group_has_the_identity_of_the_one_file(remote: Remote) -> None:
    session = remote.source().manifest().session(remote.sessions[0])
    assert {name for group in GROUPS for name in session.of_group(group)["name"]} == {
        f"session_{remote.sessions[0]}.nwb",
        "channels.csv",
    }


def test_a_broken_download_is_resumed_where_the_server_names_the_version(remote: Remote, upstream: Path) -> None:
    source = remote.source(attempts=1)
    session = source.manifest().session(remote.sessions[0])
    whole = nwb_path(upstream, remote.sessions[0]).read_bytes()
    remote.warehouse.faults = ["truncated", "500"]
    with pytest.raises(BadUpstreamData, match="what came is kept and resumed"):
        source.read_spikes(session)
    (part,) = remote.path(remote.sessions[0]).parent.glob("*.part")
    kept = part.stat().st_size
    assert 0 < kept <= len(whole) // 2
    counted: list[int] = []
    assert source.fetch(session, GROUPS, counted.append) == ()
    assert remote.warehouse.ranges == [f"bytes={kept}-"]
    assert sum(counted) == len(whole)
    assert remote.path(remote.sessions[0]).read_bytes() == whole
    assert not part.exists()


def test_what_came_of_another_version_is_not_put_together_with_this_one(
    upstream: Path, tmp_path: Path, remote: Remote
) -> None:
    copy = tmp_path / "replaced"
    shutil.copytree(upstream, copy)
    remote.warehouse.root = copy
    source = remote.source(attempts=1)
    session = source.manifest().session(remote.sessions[0])
    remote.warehouse.faults = ["truncated", "500"]
    with pytest.raises(BadUpstreamData):
        source.read_spikes(session)
    path = nwb_path(copy, remote.sessions[0])
    with h5py.File(path, "r+") as handle:
        handle["units/snr"][0] = 99.0  # other bytes under the same id, of the same size
    assert len(source.read_spikes(session).units) > 0
    assert remote.warehouse.ranges == []
    assert remote.path(remote.sessions[0]).read_bytes() == path.read_bytes()
    assert list(remote.path(remote.sessions[0]).parent.glob("*.part")) == []


def test_a_silent_warehouse_is_given_up_before_dagster_gives_up_the_sensor(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deadlines.SIGNAL_WAIT_S <= 15
    monkeypatch.setattr(deadlines, "SIGNAL_WAIT_S", 0.5)
    remote.warehouse.silent = True
    started = time.monotonic()
    with pytest.raises(BadUpstreamData, match=rf"warehouse {remote.warehouse.address}: no answer within 0.5 s"):
        remote.source().signal()
    assert time.monotonic() - started < 10.0


def _read(root: Path, address: str, session: str, replies: Any) -> None:
    settings = AllenVcSettings(root=root, mode="warehouse", address=address, refresh=False, retry_wait_s=0.0)
    source = AllenVisualCodingSource(settings)
    replies.put(len(source.read_spikes(source.manifest().session(session)).units))


@pytest.mark.slow
def test_two_processes_fetch_a_session_once(remote: Remote) -> None:
    session = remote.sessions[0]
    remote.source().manifest()
    context = multiprocessing.get_context("spawn")
    replies = context.Queue()
    arguments = (remote.root, remote.warehouse.address, session, replies)
    both = [context.Process(target=_read, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
    assert replies.get(timeout=60) == replies.get(timeout=60) > 0
    for process in both:
        process.join(30)
    assert remote.warehouse.asked(f"GET /{warehouse_server.FILE_ROUTE}") == 1


@pytest.mark.slow
def test_a_process_killed_in_the_middle_leaves_nothing_that_is_read_and_the_next_goes_on(
    remote: Remote, upstream: Path
) -> None:
    session = remote.sessions[0]
    source = remote.source()
    files = source.manifest().session(session)
    remote.warehouse.faults = ["stall"]
    context = multiprocessing.get_context("spawn")
    replies = context.Queue()
    process = context.Process(target=_read, args=(remote.root, remote.warehouse.address, session, replies))
    process.start()
    folder = remote.path(session).parent
    deadline = time.monotonic() + 60
    while not (kept := sum(path.stat().st_size for path in folder.glob("*.part"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert kept
    process.kill()
    process.join(10)
    assert not remote.path(session).exists()
    assert len(source.read_spikes(files).units) > 0
    assert len(remote.warehouse.ranges) == 1
    assert remote.path(session).read_bytes() == nwb_path(upstream, session).read_bytes()
