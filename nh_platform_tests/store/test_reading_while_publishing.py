"""Readers beside a publisher that replaces an asset all the time: never an error, never a record of other bytes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from nh_platform.session import DamagedFile, Events, Session, StoreError
from nh_platform.session.tables.events import EVENTS
from nh_platform.store import Provenance, Store, data_version
from nh_platform.store.codecs import recording_files as recording
from nh_platform.store.codecs.recording_files import read_events, write_events
from nh_platform.store.names import PROVENANCE

ASSET = ("ibl", "s1", "units")
READ_S, LIMIT_S = 1.0, 60.0
"""How long readers read at least, and at most where the publisher hardly gets a core."""
ENOUGH = 20
N_FILES = 12
"""Files of a version: enough that a version which vanishes file by file would be seen half gone."""


def record(version: str, note: str = "") -> Provenance:
    source, session_id, asset = ASSET
    return Provenance(
        asset=asset,
        source=source,
        session_id=session_id,
        data_version=data_version(version, {}, {}),
        code_version=version,
        parameters={"note": note},
    )


def publish(store: Store, number: int, one_version: bool) -> None:
    """Publish other bytes under a version of their own, or all under the same one; the record names the bytes."""
    version = "same" if one_version else str(number)
    with store.publish(record(version, note=f"bytes {number}")) as folder:
        for name in range(N_FILES):
            (folder / f"{name}.txt").write_text(f"bytes {number}")


def publish_until(root: str, stop: object, one_version: bool) -> None:
    os.fsync = lambda _: None  # of this process alone: waiting for the disk leaves a tenth of the replacements
    number = 1
    while not stop.is_set():  # type: ignore[attr-defined]
        publish(Store(root), number, one_version)
        number += 1


@contextmanager
def publisher(root: Path, one_version: bool = False) -> Iterator[None]:
    """Publish again and again in a process of its own."""
    publish(Store(root), 0, one_version)
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=publish_until, args=(str(root), stop, one_version))
    first = Store(root).current(*ASSET)
    process.start()
    try:
        while Store(root).current(*ASSET) == first:
            assert process.is_alive()
            time.sleep(0.001)
        yield
        assert process.is_alive(), "the publisher failed"
    finally:
        stop.set()
        process.join(30)
    assert process.exitcode == 0


def read_all(store: Store) -> tuple[set[str], set[str]] | None:
    """Read every file of one version, as a codec does; None where it was replaced meanwhile."""
    folder = store.folder(*ASSET)
    try:
        noted = Provenance.read(folder).parameters["note"]
        texts = {(folder / f"{name}.txt").read_text() for name in range(N_FILES)}
        return {noted, Provenance.read(folder).parameters["note"]}, texts
    except FileNotFoundError:
        return None


def test_a_reader_finds_a_version_and_its_record_at_any_moment(tmp_path: Path) -> None:
    store, seen, readings = Store(tmp_path), set(), 0
    with publisher(tmp_path):
        began = time.monotonic()
        while goes_on(began, len(seen)):
            assert store.current(*ASSET) is not None
            found = store.provenance(*ASSET)
            assert found is not None
            assert found.data_version == data_version(found.code_version, {}, {})
            seen.add(store.data_version(*ASSET))
            readings += 1
    assert len(seen) > ENOUGH, f"{len(seen)} versions in {readings} readings: the publisher hardly ran"


def goes_on(began: float, found: int) -> bool:
    """Whether to read on: for a second at least, then until enough was found or the limit is over."""
    passed = time.monotonic() - began
    return passed < READ_S or (found <= ENOUGH and passed < LIMIT_S)


def check_no_mix(store: Store) -> None:
    whole = 0
    began = time.monotonic()
    while goes_on(began, whole):
        found = read_all(store)
        if found is not None:
            noted, texts = found
            assert noted == texts
            assert len(texts) == 1
            whole += 1
    assert whole > ENOUGH


def test_the_bytes_of_a_version_are_those_of_its_record(tmp_path: Path) -> None:
    with publisher(tmp_path):
        check_no_mix(Store(tmp_path))


def test_other_bytes_under_the_same_version_are_not_mixed_in(tmp_path: Path) -> None:
    with publisher(tmp_path, one_version=True):
        check_no_mix(Store(tmp_path))


def test_a_table_that_goes_while_it_is_read_is_not_taken_for_one_that_upstream_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    licks = EVENTS["licks"].conform(pd.DataFrame({"times": [1.0, 2.0]}))
    write_events(tmp_path, Events(Session("ibl", "s1", "mouse"), {"licks": licks}))
    assert read_events(tmp_path).tables["licks"].equals(licks)
    read = recording.read_json

    def replaced(path: Path) -> object:
        listed = read(path)
        (tmp_path / "licks.parquet").unlink()
        return listed

    monkeypatch.setattr(recording, "read_json", replaced)
    with pytest.raises(StoreError, match=r"licks\.parquet"):
        read_events(tmp_path)


def test_a_version_goes_at_once_and_not_file_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    publish(store, 1, one_version=False)
    before, seen = store.folder(*ASSET), []
    remove = shutil.rmtree

    def removing(folder: Path, **how: bool) -> None:
        seen.append(before.exists())
        remove(folder, **how)

    monkeypatch.setattr(shutil, "rmtree", removing)
    publish(store, 2, one_version=False)
    assert seen == [False, False], "the version before is out of the way when its files, and the staging, are removed"
    assert len([path for path in before.parent.iterdir() if path.is_dir()]) == 1


class Overtaken(Store):
    """Another version is published between the look at the pointer and the reading of the record, so many times."""

    times = 0

    def current(self, source: str, session_id: str, asset: str) -> Path | None:
        found = super().current(source, session_id, asset)
        if self.times:
            self.times -= 1
            publish(Store(self.root), 100 + self.times, one_version=False)
        return found


def test_a_record_whose_version_was_replaced_is_looked_for_again(tmp_path: Path) -> None:
    store = Overtaken(tmp_path)
    publish(store, 1, one_version=False)
    store.times = 2
    assert store.data_version(*ASSET) == data_version("100", {}, {})
    store.times = 2
    found = store.provenance(*ASSET)
    assert found is not None
    assert found.parameters["note"] == "bytes 100"


def test_a_version_without_a_record_is_an_error_by_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, 1, one_version=False)
    (store.folder(*ASSET) / PROVENANCE).unlink()
    assert store.state(*ASSET).damage == ("provenance.json: it is missing",)
    with pytest.raises(DamagedFile, match=r"provenance\.json.*it is missing.*nh verify ibl s1 --repair"):
        store.provenance(*ASSET)
