"""What is written comes back the same, compactly, and as the same bytes every time."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import Events, Note, RawRecording, SchemaError, Session, Signal, Signals, Spikes, StoreError
from nh_platform.session.tables.events import LICKS, WHEEL_MOVES
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.store.codecs.hdf5 import create_dataset, create_file, open_file
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.store.codecs.recording_files import (
    read_events,
    read_recording,
    read_signals,
    write_events,
    write_recording,
    write_signals,
)
from nh_platform.store.store_format import FORMAT_FILE

SESSION = Session("ibl", "s1", "mouse", lab="lab", date="2020-01-02", number=2)


def recording(n_spikes: int = 0, n_units: int = 3, seed: int = 0) -> RawRecording:
    """Make a recording like a real one: sample times at 30 kHz, lognormal amplitudes, depths near the unit's."""
    rng = np.random.default_rng(seed)
    unit = np.sort(rng.integers(0, n_units, n_spikes))
    samples = rng.integers(0, 30_000 * 3600, n_spikes)
    order = np.lexsort((samples, unit))
    depth = 20.0 * unit + rng.normal(0, 8, n_spikes)
    return RawRecording(
        session=SESSION,
        probes=PROBES.conform(pd.DataFrame({"probe": ["probe00"], "collection": ["alf/probe00"], "revision": [""]})),
        units=RAW_UNITS.conform(
            pd.DataFrame(
                {
                    "unit_id": [f"u{i}" for i in range(n_units)],
                    "probe": "probe00",
                    "cluster_id": range(n_units),
                    "channel": 0,
                    "n_spikes": np.bincount(unit, minlength=n_units),
                }
            )
        ),
        channels=RAW_CHANNELS.conform(pd.DataFrame({"probe": ["probe00"], "channel": [0], "upstream_id": [0]})),
        spikes=Spikes(
            times=samples[order] / 30_000 * 1.0000001 + 0.0123,
            offsets=np.searchsorted(unit, np.arange(n_units + 1)).astype(np.int64),
            amplitudes=np.exp(rng.normal(np.log(8e-5), 0.3, n_spikes)).astype(np.float32),
            depths=depth[order].astype(np.float32),
        ),
        notes=(Note("spikes", "µV noted"),),
    )


@pytest.mark.parametrize("n_spikes", [0, 1, 5000])
def test_a_recording_comes_back_bit_exact(tmp_path: Path, n_spikes: int) -> None:
    before = recording(n_spikes)
    write_recording(tmp_path, before)
    after = read_recording(tmp_path)
    assert (after.session.source, after.session.session_id) == ("ibl", "s1")
    assert after.session.subject == "", "facts of the catalogue are joined when read"
    assert after.notes == before.notes
    for name in ("times", "offsets", "amplitudes", "depths"):
        old, new = getattr(before.spikes, name), getattr(after.spikes, name)
        assert new.dtype == old.dtype
        assert new.tobytes() == old.tobytes(), name
    pd.testing.assert_frame_equal(after.units, before.units)
    pd.testing.assert_frame_equal(after.channels, before.channels)
    pd.testing.assert_frame_equal(after.probes, before.probes)


def test_a_spike_file_takes_at_most_55_percent_of_plain_arrays(tmp_path: Path) -> None:
    write_recording(tmp_path, recording(400_000, n_units=200))
    plain = 400_000 * (8 + 8 + 8 + 4)  # times, amplitudes, depths as float64 and clusters as int32
    assert (tmp_path / "spikes.h5").stat().st_size <= 0.55 * plain


def test_the_same_recording_is_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        write_recording(tmp_path / name, recording(3000))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_events_come_back_the_same(tmp_path: Path) -> None:
    licks = LICKS.conform(pd.DataFrame({"times": [0.5]}))
    before = Events(SESSION, {"licks": licks}, (Note("trials", "left out"),))
    write_events(tmp_path, before)
    after = read_events(tmp_path)
    pd.testing.assert_frame_equal(after.tables["licks"], licks)
    assert (after.session.session_id, after.notes) == (SESSION.session_id, before.notes)


def test_signals_come_back_the_same(tmp_path: Path) -> None:
    wheel = Signal("wheel_position", np.array([0.0, 0.5]), np.array([1.0, np.nan]), "rad", ("position",))
    gaze = Signal("gaze", np.zeros(2), np.ones((2, 2), np.float32), "deg", ("x", "y"))
    moves = WHEEL_MOVES.conform(pd.DataFrame({"start_time": [0.1], "stop_time": [0.2]}))
    write_signals(tmp_path, Signals(SESSION, {"w": wheel, "gaze": gaze}, {"wheel_moves": moves}))
    after = read_signals(tmp_path)
    pd.testing.assert_frame_equal(after.tables["wheel_moves"], moves)
    assert after.signals["w"].unit == "rad"
    np.testing.assert_array_equal(after.signals["w"].values, wheel.values)
    assert after.signals["gaze"].columns == ("x", "y")
    assert after.signals["gaze"].values.dtype == np.float32


def test_which_way_a_file_came_changes_no_byte(tmp_path: Path) -> None:
    content = Note("trials", "left out")
    for name, notes in {"one": (content,), "other": (Note("s.nwb", "read by ranges", is_origin=True), content)}.items():
        (tmp_path / name).mkdir()
        write_recording(tmp_path / name, replace(recording(10), notes=notes))
        write_events(tmp_path / name, Events(SESSION, {}, notes))
        write_signals(tmp_path / name, Signals(SESSION, {}, notes=notes))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes(), path.name
    assert read_events(tmp_path / "other").notes == (content,)


def test_an_event_table_without_a_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="event table sneezes"):
        write_events(tmp_path, Events(SESSION, {"sneezes": pd.DataFrame()}))


def test_parquet_keeps_unit_and_meaning_of_every_column(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    write_table(tmp_path / "t.parquet", pd.DataFrame({"times": [1.0]}), LICKS)
    field = pq.read_schema(tmp_path / "t.parquet").field("times")
    assert field.metadata == {b"unit": b"s", b"meaning": b"Lick"}


def test_a_table_that_does_not_conform_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="'times' is missing"):
        write_table(tmp_path / "t.parquet", pd.DataFrame({"time": [1.0]}), LICKS)
    assert not (tmp_path / "t.parquet").exists()


def test_strings_come_back_with_none_for_null(tmp_path: Path) -> None:
    table = PROBES.conform(pd.DataFrame({"probe": ["a"], "collection": ["c"], "revision": [""]}))
    write_table(tmp_path / "t.parquet", table, PROBES)
    assert read_table(tmp_path / "t.parquet")["sorter"].tolist() == [None]


@pytest.mark.parametrize("name", ["t.parquet", "t.h5"])
def test_a_truncated_file_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("h5"):
        with create_file(path) as handle:
            create_dataset(handle, "x", np.arange(100.0), unit="s", meaning="x")
    else:
        write_table(path, pd.DataFrame({"times": np.arange(100.0)}), LICKS)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(StoreError, match=f"{name}: it cannot be read"):
        if name.endswith("h5"):
            with open_file(path):
                pass
        else:
            read_table(path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a tmpfs of its own")
def test_a_disk_that_fills_while_hdf5_writes_does_not_kill_the_process(tmp_path: Path) -> None:
    """HDF5's own driver ends in a segmentation fault at process exit here; ours raises OSError."""
    script = textwrap.dedent(
        """
        import numpy as np, sys
        from pathlib import Path
        from nh_platform.session import StoreError
        from nh_platform.store import Provenance, Store
        from nh_platform.store.codecs.hdf5 import create_dataset, create_file
        store = Store(sys.argv[1])
        record = Provenance(asset="raw_spikes", source="ibl", session_id="s", data_version="0" * 64, code_version="1")
        try:
            with store.publish(record) as folder, create_file(folder / "spikes.h5") as handle:
                values = np.random.default_rng(0).random(100_000)
                create_dataset(handle, "times", values, unit="s", meaning="times")
        except StoreError as error:
            print(error)
        """
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        done = subprocess.run([sys.executable, "-c", script, str(disk)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "the disk is full" in done.stdout
        assert "Free some space" in done.stdout
        assert has_no_files(disk)
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def has_no_files(root: Path) -> bool:
    return [path for path in root.rglob("*") if path.is_file() and path.name not in (".lock", FORMAT_FILE)] == []
