"""What goes under a reader: versions are replaced and pruned while tables are read, files open and arrays mapped."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  # filters of stored arrays
import numpy as np
import pytest

from nh_platform import open_store, operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading import SessionView, all_units
from nh_platform.reading.stored_session import StoredSession
from nh_platform.session import StoreError
from nh_platform.store import Store
from nh_platform.store.file_hashes import verified

SOURCE = "ibl"
REPLACED = 10


@pytest.fixture
def home(three_sources: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", "")
    return Path(shutil.copytree(three_sources.settings.home, tmp_path / "home", symlinks=True))


def replace_version(store: Store, session: str, asset: str, number: int) -> None:
    """Publish the files of an asset again under a version of their own; the one before goes."""
    now, before = store.folder(SOURCE, session, asset), store.provenance(SOURCE, session, asset)
    assert before is not None
    record = before.model_copy(update={"data_version": f"{number:064x}"})
    with store.publish(record) as folder:
        shutil.copytree(now, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("provenance.json"))


def test_units_whose_version_goes_between_two_looks_are_read_anew(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, disk, numbers = open_store(home), Store(home / "store"), iter([1, 2, 3])
    (session,) = disk.sessions(SOURCE)
    expected, look = store.units(SOURCE), all_units.column_names

    def looked_at(path: Path) -> list[str]:
        names = look(path)
        number = next(numbers, None)
        if number is not None:
            replace_version(disk, session, "units", number)
            shutil.rmtree(path.parent, ignore_errors=True)
        return names

    monkeypatch.setattr(all_units, "column_names", looked_at)
    assert store.units(SOURCE).equals(expected)
    shutil.rmtree(disk.folder(SOURCE, session, "units"))
    with pytest.raises(StoreError):  # nothing replaced it: it is lost
        store.units(SOURCE)


@pytest.mark.parametrize(
    ("asset", "read"),
    [
        ("units", lambda view: view.units),
        ("units", lambda view: view.isi_histograms),
        ("raw_spikes", lambda view: view.spikes),
        ("events", lambda view: view.trials),
        ("signals", lambda view: view.signals),
        ("raw_spikes", lambda view: view.provenance("raw_spikes")),
    ],
)
def test_what_a_session_gives_is_read_anew_where_its_version_goes_between_look_and_reading(
    home: Path, monkeypatch: pytest.MonkeyPatch, asset: str, read: Callable[[SessionView], object]
) -> None:
    disk, numbers, look = Store(home / "store"), iter([1, 2]), StoredSession.folder
    (session,) = disk.sessions(SOURCE)

    def looked_at(self: StoredSession, name: str) -> Path:
        found = look(self, name)
        if name == asset and (number := next(numbers, None)) is not None:
            replace_version(disk, session, asset, number)
        return found

    monkeypatch.setattr(StoredSession, "folder", looked_at)
    assert read(open_store(home).session(SOURCE, session)) is not None
    assert next(numbers, None) is None


def test_units_are_read_whole_while_they_are_replaced_and_pruned(home: Path) -> None:
    store, disk = open_store(home), Store(home / "store")
    (session,) = disk.sessions(SOURCE)
    expected, read = store.units(SOURCE), list[list[str]]()
    stop = threading.Event()

    def read_on() -> None:
        while not stop.is_set() or not read:
            read.append(open_store(home).units(SOURCE)["unit_id"].tolist())
            read.append(open_store(home).session(SOURCE, session).units["unit_id"].tolist())

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read_on)
        try:
            for number in range(1, REPLACED + 1):
                replace_version(disk, session, "units", number)
            operations.prune(home, SOURCE)
        finally:
            stop.set()
        reader.result()
    assert len(expected)
    assert {tuple(one) for one in read} == {tuple(expected["unit_id"])}


def test_open_files_and_mapped_arrays_stay_readable_when_their_version_goes(home: Path) -> None:
    store = Platform(load_settings(home)).store
    (session,) = store.sessions(SOURCE)
    folder = store.folder(SOURCE, session, "raw_spikes")
    path = next(path for path in sorted(folder.rglob("*.h5")))
    content = np.fromfile(path, dtype=np.uint8)
    mapped = np.memmap(verified(path), dtype=np.uint8, mode="r")
    with h5py.File(verified(path)) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for number in (1, 2):
            replace_version(store, session, "raw_spikes", number)
            operations.prune(home, SOURCE)
        assert not path.exists()
        for name in names:
            assert file[name][()] is not None
    np.testing.assert_array_equal(mapped, content)
    assert open_store(home).session(SOURCE, session) is not None


def test_a_file_that_is_gone_is_named_with_what_to_do(home: Path) -> None:
    """Removed by hand, without the platform: the reader is told by name, and `nh verify` finds it."""
    store = Platform(load_settings(home)).store
    (session,) = store.sessions(SOURCE)
    lost = store.folder(SOURCE, session, "units") / "units.parquet"
    lost.unlink()
    with pytest.raises(Exception, match=r"units\.parquet") as refusal:
        _ = open_store(home).session(SOURCE, session).units
    assert "nh " in str(refusal.value)
