"""What is written is read back; the same windows give the same bytes, however they are cut into blocks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from nh_platform.session import StoreError
from nh_platform.windows import StoredWindows, write_windows
from nh_platform.windows.counts import count_files
from nh_platform.windows.session_windows import Windows
from nh_platform_tests.windows.trains import events_of, spikes_of, trials, units_of, windows_of

ALIGNED = "stim-halves-500ms"


def some_windows(n_units=3, seed=0, n_spikes=400) -> Windows:
    rng = np.random.default_rng(seed)
    spikes = spikes_of(*(np.sort(rng.uniform(1, 60, n_spikes)) for _ in range(n_units)))
    events = events_of(
        trials=trials([5.0, np.nan, *np.arange(6, 50)]),
        invalid_times={"start_time": [7.0], "stop_time": [9.0], "scope": ["probe01"], "label": ["x"]},
    )
    units = units_of(*(["probe00", *["probe01"] * n_units][:n_units]))
    return windows_of(spikes, units, events)


WHOLE, SPARSE = {}, {"n_units": 20}
"""Three units take less room whole: a row of sparse counts is 4 bytes; 13 of 100 bins have a spike."""
FORMS = pytest.mark.parametrize("form", [WHOLE, SPARSE], ids=["whole", "sparse"])


@FORMS
def test_the_finest_grid_is_the_stored_one(tmp_path: Path, form) -> None:
    windows = some_windows(**form)
    write_windows(tmp_path, windows)
    stored = StoredWindows(tmp_path)
    probes = ["probe00", *["probe01"] * form.get("n_units", 3)][: form.get("n_units", 3)]
    read, again = stored.grid(20_000), stored.finest_grid(windows.grids[20_000].spikes, probes)
    assert not stored.masks.empty
    assert np.array_equal(again.counts, read.counts)
    assert (again.bin_us, again.start_bin, again.maximum) == (read.bin_us, read.start_bin, read.maximum)


@FORMS
def test_round_trip(tmp_path: Path, form) -> None:
    windows = some_windows(**form)
    write_windows(tmp_path, windows)
    stored = StoredWindows(tmp_path)
    assert stored.unit_ids == tuple(f"u{row}" for row in range(form.get("n_units", 3)))
    assert stored.notes == windows.notes
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


@FORMS
def test_the_same_windows_give_the_same_bytes(tmp_path: Path, form) -> None:
    files = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        write_windows(folder, some_windows(**form))
        files.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert set(files[0]) == {"counts.h5", "index.parquet", "masks.parquet"}
    assert files[0] == files[1]


@FORMS
def test_many_small_blocks_hold_the_same_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form) -> None:
    monkeypatch.setattr(count_files, "CHUNK_BYTES", 600)
    monkeypatch.setattr(count_files, "SPARSE_CHUNK_BYTES", 600)
    monkeypatch.setattr(count_files, "BLOCK_BYTES", 1500)
    windows = some_windows(**form)
    write_windows(tmp_path, windows)
    stored = StoredWindows(tmp_path)
    assert np.array_equal(stored.grid(20_000).counts, windows.grids[20_000].count())
    assert np.array_equal(stored.dense(ALIGNED).counts, windows.dense[ALIGNED].count())


@pytest.mark.parametrize(
    ("form", "datasets"), [(WHOLE, ["counts"]), (SPARSE, ["data", "indices", "indptr"])], ids=["whole", "sparse"]
)
def test_every_dataset_states_unit_and_meaning(tmp_path: Path, form, datasets) -> None:
    import h5py

    write_windows(tmp_path, some_windows(**form))
    found = []

    def visit(name, item) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(name)
            assert item.attrs["unit"]
            assert item.attrs["meaning"]

    with h5py.File(tmp_path / "counts.h5") as handle:
        handle.visititems(visit)
    groups = f"aligned/{ALIGNED}", "grid_20000us"
    assert sorted(found) == [*(f"{group}/{name}" for group in groups for name in datasets), "unit_id"]


def test_sparse_rows_are_bins_of_the_grid_and_of_each_window(tmp_path: Path) -> None:
    import h5py

    windows = some_windows(**SPARSE)
    write_windows(tmp_path, windows)
    grid, aligned = windows.grids[20_000].count(), windows.dense[ALIGNED].count()
    with h5py.File(tmp_path / "counts.h5") as handle:
        for name, counts in (("grid_20000us", grid.T), (f"aligned/{ALIGNED}", aligned.swapaxes(1, 2).reshape(-1, 20))):
            group = handle[name]
            matrix = csr_array((group["data"][:], group["indices"][:], group["indptr"][:]), shape=counts.shape)
            assert np.array_equal(matrix.toarray(), counts)
            assert (group["indptr"].dtype, group["indices"].dtype, group["data"].dtype) == ("int64", "uint16", "uint8")


@pytest.mark.parametrize(("n_spikes", "is_sparse"), [(0, True), (400, True), (900, False)])
def test_counts_are_sparse_where_that_is_smaller(tmp_path: Path, n_spikes, is_sparse) -> None:
    """Of 20 units, 0, 13 and 26 of 100 bins have a spike; a bin takes 1 byte, an entry 5, a row of 20 bins 4."""
    import h5py

    windows = some_windows(n_units=20, n_spikes=n_spikes)
    windows.grids[20_000] = replace(windows.grids[20_000], start_us=1_000_000, n_bins=2950)
    write_windows(tmp_path, windows)
    with h5py.File(tmp_path / "counts.h5") as handle:
        assert ("indptr" in handle["grid_20000us"]) is is_sparse
    assert np.array_equal(StoredWindows(tmp_path).grid(20_000).counts, windows.grids[20_000].count())
    assert StoredWindows(tmp_path).grid(20_000, 2949).counts.shape == (20, 1)
    assert StoredWindows(tmp_path).grid(20_000, 2950).counts.shape == (20, 0)


def test_counts_that_saturate_say_so_in_both_forms(tmp_path: Path) -> None:
    for name, n_units in (("whole", 1), ("sparse", 20)):
        trains = [np.sort(np.concatenate([np.full(300, 2.005), np.arange(1.0, 9.0)])), *[[1.0, 8.0]] * (n_units - 1)]
        folder = tmp_path / name
        folder.mkdir()
        write_windows(folder, windows_of(spikes_of(*trains), units_of(*["p"] * n_units), events_of()))
        grid = StoredWindows(folder).grid(20_000)
        assert (grid.maximum, grid.counts.max(), int(grid.counts[0].argmax())) == (301, 255, 50)


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
