"""The file of time-ordered spikes is mapped as it was written, and a file that lacks something is named."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nh_platform.session import StoreError
from nh_platform.store.codecs.spike_event_files import (
    SPIKE_EVENTS_FILE,
    SpikeEvents,
    map_spike_events,
    write_spike_events,
)


def test_what_was_written_is_mapped_at_the_stated_offset(tmp_path: Path) -> None:
    rows = np.array([1, 0, 1], dtype=np.uint16)
    events = SpikeEvents(np.array([0.5, 1.5, 1.5]), rows, 0, np.array([0, 1, 3]), ("a", "b"))
    write_spike_events(tmp_path, events)
    found = map_spike_events(tmp_path / SPIKE_EVENTS_FILE)
    np.testing.assert_array_equal(found.times, events.times)
    np.testing.assert_array_equal(found.unit_row, rows)
    np.testing.assert_array_equal(found.second_offsets, [0, 1, 3])
    assert (found.start_second, found.unit_ids) == (0, ("a", "b"))
    assert not found.times.flags.writeable
    with h5py.File(tmp_path / SPIKE_EVENTS_FILE) as handle:
        offset = handle["times"].id.get_offset()
        assert handle["unit_row"].dtype == np.uint16
    assert np.fromfile(tmp_path / SPIKE_EVENTS_FILE, offset=offset, count=3).tolist() == [0.5, 1.5, 1.5]


def test_no_spikes_and_no_units_are_a_file_too(tmp_path: Path) -> None:
    write_spike_events(tmp_path, SpikeEvents(np.zeros(0), np.zeros(0, np.uint16), 0, np.zeros(1, np.int64), ()))
    found = map_spike_events(tmp_path / SPIKE_EVENTS_FILE)
    assert (len(found.times), len(found.unit_row), found.unit_ids) == (0, 0, ())


def test_a_file_without_its_datasets_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as handle:
        handle["times"] = [1.0]
    with pytest.raises(StoreError, match=r"other\.h5: it has no unit_row, second_offsets, unit_id"):
        map_spike_events(tmp_path / "other.h5")
