"""`nh files` lists what was recorded, says what would come, fetches it once, and `session.lfp` reads it from there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nh_platform
from nh_platform.session import UnknownSession
from nh_platform.session.display import counted
from nh_platform.simulation import TINY, write_allen_vbn, write_allen_vc, write_ibl
from nh_platform.sources.ibl.settings import CREDENTIALS
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.allen import warehouse_server
from nh_platform_tests.sources.allen.bucket_server import BucketServer

WRITERS = {"ibl": write_ibl, "allen_vc": write_allen_vc, "allen_vbn": write_allen_vbn}


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write one session of each source with a second of LFP."""
    root = tmp_path_factory.mktemp("upstream")
    for source, write in WRITERS.items():
        write(root / source, 1, 7, size=TINY, lfp_s=1.0)
    return root


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    return tmp_path


def listed(home: Path, *arguments: str) -> list[dict[str, Any]]:
    return json.loads(nh(home, "files", *arguments, "--format", "json").stdout)


def session_of(home: Path, source: str) -> str:
    nh(home, "sync", source)
    return str(nh_platform.open_store(home).sessions(source)["session_id"][0])


def lfp(home: Path, source: str, session: str, probe: str, start: float) -> np.ndarray:
    return (
        nh_platform.open_store(home).session(source, session).lfp(probe, start, start + 0.1, mask_invalid=False).values
    )


def check_listed_fetched_and_read(
    home: Path, source: str, session: str, probe: str, start: float, n_files: int
) -> None:
    """List, plan, fetch and fetch again the LFP of one probe, and compare it with that of the local folder."""
    choice = (source, session[:8], "--kind", "lfp", "--probe", probe)
    before = listed(home, *choice)
    assert len(before) == n_files
    assert all(row["held"] is None and row["probe"] == probe for row in before)
    with pytest.raises(UnknownSession, match=rf"Run `nh files {source} {session} --kind lfp --probe {probe} --fetch`"):
        lfp(home, source, session, probe, start)
    dry = nh(home, "files", *choice, "--fetch", "--dry-run").output
    assert f"in {n_files} of {n_files} files would be fetched to" in dry
    assert all(row["held"] is None for row in listed(home, *choice))
    done = nh(home, "files", *choice, "--fetch")
    assert f"{counted(n_files, 'file')} fetched and verified" in done.output
    assert f"fetching {counted(n_files, 'file')}, " in done.stderr
    after = listed(home, *choice)
    assert all(Path(str(row["held"])).stat().st_size == row["size"] for row in after)
    assert "nothing to fetch" in nh(home, "files", *choice, "--fetch").output
    # The headers of both simulated probes are the same bytes, and so one raw file.
    samples = (".bin", ".nwb")
    others = [row for row in listed(home, source, session) if row["probe"] != probe and row["path"].endswith(samples)]
    assert others
    assert all(row["held"] is None for row in others)


def test_ibl_from_the_public_bucket(upstream: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Loopback(upstream / "ibl") as servers:
        for name, value in servers.bucket.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("NH_ONE_DATA_SERVER", servers.files.data_server)
        session = session_of(home, "ibl")
        check_listed_fetched_and_read(home, "ibl", session, "probe00", 1.0, 5)
        assert lfp(home, "ibl", session, "probe00", 1.0).shape == (384, 250)
        kinds = {row["kind"] for row in listed(home, "ibl", session, "--kind", "sync")}
        assert kinds == {"sync"}


def test_visual_coding_from_the_warehouse(upstream: Path, home: Path) -> None:
    with warehouse_server.serve(upstream / "allen_vc") as warehouse:
        read = f"{{mode: warehouse, root: cache, address: '{warehouse.address}', retry_wait_s: 0}}"
        (home / "sources.yaml").write_text(f"allen_vc:\n  read: {read}\n")
        session = session_of(home, "allen_vc")
        warehouse.faults = ["truncated"]
        check_listed_fetched_and_read(home, "allen_vc", session, "probeB", 3.5, 1)
    assert lfp(home, "allen_vc", session, "probeB", 3.5).shape == (96, 125)  # asks nobody


def test_visual_behavior_from_the_bucket(upstream: Path, home: Path) -> None:
    with BucketServer() as server:
        server.publish(upstream / "allen_vbn", "0.5.0")
        (home / "sources.yaml").write_text(f"allen_vbn:\n  read: {{mode: s3, root: cache, endpoint: '{server.url}'}}\n")
        session = session_of(home, "allen_vbn")
        check_listed_fetched_and_read(home, "allen_vbn", session, "probeB", 3.5, 1)
        assert server.fetched("ecephys_session_") == []
    assert lfp(home, "allen_vbn", session, "probeB", 3.5).shape == (96, 125)


@pytest.mark.parametrize(("source", "n_files"), [("ibl", 9), ("allen_vc", 2), ("allen_vbn", 2)])
def test_a_folder_is_listed_from_there_and_has_nothing_to_fetch(
    upstream: Path, home: Path, source: str, n_files: int
) -> None:
    (home / "sources.yaml").write_text(f"{source}:\n  read: {{mode: local, root: {upstream / source}}}\n")
    session = session_of(home, source)
    rows = listed(home, source, session)
    assert len(rows) == n_files
    assert all(Path(str(row["held"])).is_file() for row in rows)
    assert f"{n_files} files, read in place" in nh(home, "files", source, session).output
    assert "nothing to fetch" in nh(home, "files", source, session, "--fetch").output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--kind", "lpf"), "Did you mean lfp?"),
        (("--probe", "probe0"), "Did you mean probe0"),
    ],
)
def test_a_wrong_kind_or_probe_is_named_with_the_nearest(
    upstream: Path, home: Path, arguments: tuple[str, ...], text: str
) -> None:
    (home / "sources.yaml").write_text(f"ibl:\n  read: {{mode: local, root: {upstream / 'ibl'}}}\n")
    session = session_of(home, "ibl")
    assert text in nh(home, "files", "ibl", session, *arguments, code=1).stderr


def test_a_session_without_recorded_files_says_so(home: Path) -> None:
    write_ibl(home / "alf", 1, 7, size=TINY)
    (home / "sources.yaml").write_text("ibl:\n  read: {mode: local, root: alf}\n")
    session = session_of(home, "ibl")
    assert "no such file (ap, lfp, sync, video) in its folder" in nh(home, "files", "ibl", session).output
    assert listed(home, "ibl", session) == []
