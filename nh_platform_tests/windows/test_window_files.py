"""What is written is read back; the same windows give the same bytes, however they are cut into blocks."""

from pathlib import Path

import numpy as np
import pytest

from nh_platform.session import StoreError
from nh_platform.windows import StoredWindows, write_windows
from nh_platform.windows import window_files as codec_module
from nh_platform.windows.session_windows import Windows
from nh_platform_tests.windows.trains import events_of, spikes_of, trials, units_of, windows_of

ALIGNED = "stim-halves-500ms"


def some_windows(n_units=3, seed=0) -> Windows:
    rng = np.random.default_rng(seed)
    spikes = spikes_of(*(np.sort(rng.uniform(1, 60, 400)) for _ in range(n_units)))
    events = events_of(
        trials=trials([5.0, np.nan, *np.arange(6, 50)]),
        invalid_times={"start_time": [7.0], "stop_time": [9.0], "scope": ["probe01"], "label": ["x"]},
    )
    units = units_of(*(["probe00", "probe01", "probe01"][:n_units]))
    return windows_of(spikes, units, events)


def test_round_trip(tmp_path: Path) -> None:
    windows = some_windows()
    write_windows(tmp_path, windows)
    stored = StoredWindows(tmp_path)
    assert stored.unit_ids == ("u0", "u1", "u2")
    assert stored.notes == windows.notes
    assert stored.finest_grid().bin_us == 20_000
    assert {p.id: (p.version, p.kind, p.bin_us, p.binarise) for p in stored.presets.values()} == {
        "continuous-1s": (1, "continuous", 20_000, False),
        ALIGNED: (1, "aligned", 20_000, False),
    }
    assert stored.index.equals(windows.index)
    assert stored.masks.equals(windows.masks)
    grid, again = windows.grids[20_000].count(), stored.grid(20_000)
    assert np.array_equal(again.counts, grid)
    assert (again.start_bin, again.maximum) == (50, max(largest for _, _, largest in windows.grids[20_000].blocks(99)))
    assert np.array_equal(stored.grid(20_000, 10, 15).counts, grid[:, 10:15])
    assert stored.grid(20_000, 10, 15).bin_centers[0] == again.bin_centers[10]
    aligned, again = windows.dense[ALIGNED].count(), stored.dense(ALIGNED)
    assert np.array_equal(again.counts, aligned)
    assert (again.start_us, again.maximum) == (-500_000, aligned.max())
    assert np.array_equal(stored.dense(ALIGNED, 2, 4).counts, aligned[2:4])


def test_the_same_windows_give_the_same_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        write_windows(folder, some_windows())
        files.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert set(files[0]) == {"counts.h5", "index.parquet", "masks.parquet"}
    assert files[0] == files[1]


def test_many_small_blocks_hold_the_same_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec_module, "CHUNK_BYTES", 600)
    monkeypatch.setattr(codec_module, "BLOCK_BYTES", 1500)
    windows = some_windows()
    write_windows(tmp_path, windows)
    stored = StoredWindows(tmp_path)
    assert np.array_equal(stored.grid(20_000).counts, windows.grids[20_000].count())
    assert np.array_equal(stored.dense(ALIGNED).counts, windows.dense[ALIGNED].count())


def test_every_dataset_states_unit_and_meaning(tmp_path: Path) -> None:
    import h5py

    write_windows(tmp_path, some_windows())
    found = []

    def visit(name, item) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(name)
            assert item.attrs["unit"]
            assert item.attrs["meaning"]

    with h5py.File(tmp_path / "counts.h5") as handle:
        handle.visititems(visit)
    assert sorted(found) == [f"aligned/{ALIGNED}/counts", "grid_20000us/counts", "unit_id"]


@pytest.mark.parametrize("n_units", [0, 1])
def test_empty_sessions_are_written_and_read(tmp_path: Path, n_units) -> None:
    windows = windows_of(spikes_of(*[[]] * n_units), units_of(*["p"] * n_units), events_of())
    write_windows(tmp_path, windows)
    stored = StoredWindows(tmp_path)
    assert stored.grid(20_000).counts.shape == (n_units, 0)
    assert stored.dense(ALIGNED).counts.shape == (0, n_units, 50)
    assert len(stored.index) == 0
    assert len(stored.unit_ids) == n_units


def test_counts_that_are_not_stored_are_named(tmp_path: Path) -> None:
    write_windows(tmp_path, some_windows())
    with pytest.raises(StoreError, match="aligned/other"):
        StoredWindows(tmp_path).dense("other")
