"""Reading units and spikes: order, units of measure, and every way in which the file can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pytest

from nh_platform.session import BadUpstreamData
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform_tests.sources.allen.conftest import replace

Opened = Callable[..., Any]


def test_units_are_ordered_by_probe_name_then_id_and_spikes_follow(opened: Opened) -> None:
    source, session = opened()
    raw = source.read_spikes(session)
    assert raw.units["probe"].tolist() == ["probeA"] * 5 + ["probeB"] * 5
    assert raw.units["unit_id"].astype(int).is_monotonic_increasing is False  # probeB has the lower ids
    for _, rows in raw.units.groupby("probe"):
        assert rows["unit_id"].astype(int).is_monotonic_increasing
    assert raw.units["n_spikes"].tolist() == [40, 50, 70, 0, 90] * 2
    for row in range(raw.spikes.n_units):
        assert (np.diff(raw.spikes.of_unit(row)) >= 0).all()
    for schema, table in ((RAW_UNITS, raw.units), (RAW_CHANNELS, raw.channels), (PROBES, raw.probes)):
        schema.validate(table)


def test_the_order_in_the_file_does_not_matter(opened: Opened) -> None:
    source, session = opened()
    before = source.read_spikes(session)

    def reverse_units(handle: h5py.File) -> None:
        units = handle["units"]
        n_units = len(units["id"])
        for name in ("spike_times", "spike_amplitudes"):
            ends = units[f"{name}_index"][...].astype(int)
            blocks = np.split(units[name][...], ends[:-1])[::-1]
            units[name][...] = np.concatenate(blocks)
            units[f"{name}_index"][...] = np.cumsum([len(block) for block in blocks])
        for name, column in units.items():
            if column.shape == (n_units,) and not name.startswith(("spike_", "waveform_mean")):
                column[...] = column[...][::-1]

    with h5py.File(source.settings.root / "session_715093703" / "session_715093703.nwb", "r+") as handle:
        reverse_units(handle)
    after = source.read_spikes(source.manifest().session("715093703"))
    assert after.units.equals(before.units)
    assert np.array_equal(after.spikes.times, before.spikes.times)
    assert np.array_equal(after.spikes.amplitudes, before.spikes.amplitudes)
    assert np.array_equal(after.spikes.offsets, before.spikes.offsets)


def test_channels_are_rows_within_the_probe_also_where_numbers_start_late(opened: Opened) -> None:
    source, session = opened()
    channels = source.read_spikes(session).channels
    assert channels.groupby("probe")["channel"].apply(list).tolist() == [list(range(12))] * 2
    assert channels["axial_um"].tolist()[:4] == [60.0, 60.0, 80.0, 80.0]


def test_depth_of_a_spike_is_nan_and_noted(opened: Opened) -> None:
    source, session = opened()
    raw = source.read_spikes(session)
    assert raw.spikes.depths.dtype == np.float32
    assert np.isnan(raw.spikes.depths).all()
    assert "spike depths" in [note.subject for note in raw.notes]


def test_missing_amplitudes_are_nan_with_a_note(opened: Opened) -> None:
    def drop(handle: h5py.File) -> None:
        del handle["units/spike_amplitudes"], handle["units/spike_amplitudes_index"]

    source, session = opened(drop)
    raw = source.read_spikes(session)
    assert np.isnan(raw.spikes.amplitudes).all()
    assert len(raw.spikes.amplitudes) == len(raw.spikes.times) == 500
    assert "spike_amplitudes" in [note.subject for note in raw.notes]


def test_a_metric_of_nan_keeps_its_unit(opened: Opened) -> None:
    def blank(handle: h5py.File) -> None:
        handle["units/amplitude_cutoff"][0] = np.nan
        handle["units/quality"][1] = "N/A"

    source, session = opened(blank)
    raw = source.read_spikes(session)
    released = source.read_annotation(session, raw.units, raw.channels).released.set_index("unit_id")
    assert len(released) == 10
    assert np.isnan(released.loc["850000100", "released.amplitude_cutoff"])
    assert released.loc["850000101", "released.quality"] is None


def test_a_session_without_units_gives_empty_typed_tables(opened: Opened) -> None:
    def empty(handle: h5py.File) -> None:
        for name, column in list(handle["units"].items()):
            replace(handle, f"units/{name}", column[:0])

    source, session = opened(empty)
    raw = source.read_spikes(session)
    RAW_UNITS.validate(raw.units)
    assert len(raw.units) == 0
    assert raw.spikes.offsets.tolist() == [0]
    annotation = source.read_annotation(session, raw.units, raw.channels)
    assert len(annotation.released) == len(annotation.positions) == 0


def _drop_units(handle: h5py.File) -> None:
    del handle["units"]


def _drop_times(handle: h5py.File) -> None:
    del handle["units/spike_times"]


def _nan_time(handle: h5py.File) -> None:
    handle["units/spike_times"][45] = np.nan


def _unsorted(handle: h5py.File) -> None:
    times = handle["units/spike_times"]
    times[[2, 3]] = times[[2, 3]][::-1]


def _fewer_amplitudes(handle: h5py.File) -> None:
    index = handle["units/spike_amplitudes_index"]
    replace(handle, "units/spike_amplitudes", handle["units/spike_amplitudes"][:-5])
    index[-1] = index[-1] - 5


def _short_index(handle: h5py.File) -> None:
    handle["units/spike_times_index"][-1] = 7


def _strange_channel(handle: h5py.File) -> None:
    handle["units/peak_channel_id"][2] = 1


def _twice(handle: h5py.File) -> None:
    handle["units/id"][1] = handle["units/id"][0]


def _short_metric(handle: h5py.File) -> None:
    replace(handle, "units/snr", handle["units/snr"][:-1])


def _drop_electrodes(handle: h5py.File) -> None:
    del handle["general/extracellular_ephys/electrodes"]


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (_drop_units, "no units table"),
        (_drop_times, "ragged column units/spike_times"),
        (_nan_time, "spike 5 of unit 850000101 is nan"),
        (_unsorted, "spike 3 of unit 850000100 is .* times are not sorted"),
        (_fewer_amplitudes, "unit 860000105 has 90 spike_times and 85 spike_amplitudes"),
        (_short_index, "units/spike_times_index falls"),
        (_strange_channel, "1 of 10 units have a peak channel .* unit 850000103 with channel 1"),
        (_twice, "unit id 850000100 occurs twice"),
        (_short_metric, "units/snr has 9 rows and units/id has 10"),
        (_drop_electrodes, "electrodes is missing"),
    ],
)
def test_wrong_units_are_refused_by_name(opened: Opened, edit: Callable[[h5py.File], None], found: str) -> None:
    source, session = opened(edit)
    with pytest.raises(BadUpstreamData, match=f"NWB file session_715093703.nwb: .*{found}"):
        source.read_spikes(session)


def test_unsorted_times_are_found_across_the_steps_of_the_check(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nh_platform.sources.allen.nwb.sorted_units.SPIKES_AT_ONCE", 3)
    source, session = opened()
    times = source.read_spikes(session).spikes.times
    assert len(times) == 500
    with h5py.File(source.settings.root / "session_715093703" / "session_715093703.nwb", "r+") as handle:
        _unsorted(handle)
    with pytest.raises(BadUpstreamData, match="spike 3 of unit 850000100"):
        source.read_spikes(source.manifest().session("715093703"))
