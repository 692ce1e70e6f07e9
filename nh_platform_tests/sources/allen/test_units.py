"""Reading units and spikes: order, units of measure, and every way in which the file can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pytest

from nh_platform.session import BadUpstreamData
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform_tests.sources.allen.conftest import nwb_in, replace

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


def _text_times(handle: h5py.File) -> None:
    replace(handle, "units/spike_times", np.full(500, "1.0", dtype=object))


def _shifted_index(handle: h5py.File) -> None:
    handle["units/spike_times_index"][...] = handle["units/spike_times_index"][...] + 7


def _reversed_index(handle: h5py.File) -> None:
    handle["units/spike_times_index"][...] = handle["units/spike_times_index"][...][::-1]


def _fractional_index(handle: h5py.File) -> None:
    replace(handle, "units/spike_times_index", handle["units/spike_times_index"][...] + 0.5)


def _longer_ids(handle: h5py.File) -> None:
    replace(handle, "units/id", np.arange(11))


def _drop_electrodes(handle: h5py.File) -> None:
    del handle["general/extracellular_ephys/electrodes"]


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (_drop_units, "no units table"),
        (_drop_times, "ragged column units/spike_times"),
        (_text_times, "units/spike_times is object of shape .* expected numbers"),
        (_shifted_index, "units/spike_times_index ends at 507 but units/spike_times has 500 values"),
        (_reversed_index, "units/spike_times_index falls"),
        (_fractional_index, "units/spike_times_index is float64 .* expected whole numbers"),
        (_longer_ids, "units/id has 11 rows, and .* other columns have 10"),
        (_drop_electrodes, "10 of 10 units name no channel .* nothing else tells the probe"),
    ],
)
def test_what_a_session_cannot_do_without_is_refused_by_name_with_advice_that_helps(
    opened: Opened, edit: Callable[[h5py.File], None], found: str
) -> None:
    source, session = opened(edit)
    with pytest.raises(BadUpstreamData, match=f"NWB file session_715093703.nwb: .*{found}") as refused:
        source.read_spikes(session)
    assert "download" not in str(refused.value).lower(), "the hash is right: another download has the same bytes"


def _noted(raw: Any, subject: str) -> str:
    """Return what the notes say of a subject."""
    return " | ".join(note.text for note in raw.notes if note.subject == subject)


def _of(raw: Any, unit: int) -> tuple[list[float], list[float]]:
    """Return times and amplitudes of a unit."""
    row = raw.units["unit_id"].tolist().index(str(unit))
    part = slice(raw.spikes.offsets[row], raw.spikes.offsets[row + 1])
    return raw.spikes.times[part].tolist(), raw.spikes.amplitudes[part].tolist()


@pytest.mark.parametrize("spikes_at_once", [3, 4_000_000])
def test_spikes_without_a_time_are_dropped_and_the_others_sorted_with_their_amplitudes(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, spikes_at_once: int
) -> None:
    monkeypatch.setattr("nh_platform.sources.nwb.unit_spikes.SPIKES_AT_ONCE", spikes_at_once)
    before = opened()
    whole = before[0].read_spikes(before[1])
    times, amplitudes = _of(whole, 850000100)

    def edit(handle: h5py.File) -> None:
        stored = handle["units/spike_times"]
        stored[39] = -1.0  # the last of unit 850000100, as AllenSDK issue 1349 has it
        stored[[2, 3]] = stored[[2, 3]][::-1]
        amps = handle["units/spike_amplitudes"]
        amps[[2, 3]] = amps[[2, 3]][::-1]
        stored[40] = -0.25  # the first of the next one

    with h5py.File(before[0].settings.root / "session_715093703" / "session_715093703.nwb", "r+") as handle:
        edit(handle)
    raw = before[0].read_spikes(before[0].manifest().session("715093703"))
    assert _of(raw, 850000100) == (times[:-1], amplitudes[:-1])
    assert _of(raw, 850000101)[0][0] == -0.25
    assert raw.units["n_spikes"].sum() == whole.units["n_spikes"].sum() - 1
    text = _noted(raw, "spike_times")
    assert "units/spike_times: 1 spikes of 1 unit (850000100) at -1 s" in text
    assert "times of 1 unit (850000100) are not in order; sorted" in text
    assert "1 spikes of 1 unit (850000101) before 0 s; kept" in text


def test_a_unit_with_a_time_of_nan_stays_without_spikes(opened: Opened) -> None:
    def blank(handle: h5py.File) -> None:
        handle["units/spike_times"][45] = np.nan

    source, session = opened(blank)
    raw = source.read_spikes(session)
    assert len(raw.units) == 10
    assert _of(raw, 850000101) == ([], [])
    assert raw.units["n_spikes"].sum() == 450
    assert "times of 1 unit (850000101) are NaN or infinite; kept without spikes" in _noted(raw, "spike_times")


def test_amplitudes_of_another_count_are_nan_for_their_unit_alone(opened: Opened) -> None:
    def fewer(handle: h5py.File) -> None:
        index = handle["units/spike_amplitudes_index"]
        replace(handle, "units/spike_amplitudes", handle["units/spike_amplitudes"][:-5])
        index[-1] = index[-1] - 5

    source, session = opened(fewer)
    raw = source.read_spikes(session)
    without = [unit for unit in raw.units["unit_id"] if np.isnan(_of(raw, int(unit))[1]).any()]
    assert without == ["860000105"]
    assert "1 unit (860000105) (85 amplitudes for 90 spikes in the first); NaN" in _noted(raw, "spike_amplitudes")


def test_amplitudes_that_their_index_does_not_fit_are_nan_for_all(opened: Opened) -> None:
    def fewer(handle: h5py.File) -> None:
        replace(handle, "units/spike_amplitudes", handle["units/spike_amplitudes"][:-5])

    source, session = opened(fewer)
    raw = source.read_spikes(session)
    assert np.isnan(raw.spikes.amplitudes).all()
    assert "ends at 500 but units/spike_amplitudes has 495 values" in _noted(raw, "spike_amplitudes")


@pytest.mark.parametrize("row", [0, 2, 4, 5, 9])
def test_a_unit_without_electrode_stays_without_position_on_the_probe_of_the_units_beside_it(
    opened: Opened, row: int
) -> None:
    source, session = opened()
    whole = source.read_spikes(session).units.set_index("unit_id")["probe"]

    def stray(handle: h5py.File) -> None:
        handle["units/peak_channel_id"][row] = 999_999_999

    path = source.settings.root / "session_715093703" / "session_715093703.nwb"
    with h5py.File(path, "r+") as handle:
        stray(handle)
        unit = str(handle["units/id"][row])
    session = source.manifest().session("715093703")
    raw = source.read_spikes(session)
    units = raw.units.set_index("unit_id")
    assert units["probe"].to_dict() == whole.to_dict()
    assert units.loc[unit, "channel"] == -1
    assert np.isnan(units.loc[unit, "depth"])
    assert (units["channel"] == -1).sum() == 1
    annotation = source.read_annotation(session, raw.units, raw.channels)
    position = annotation.positions.set_index("unit_id").loc[unit]
    assert (position["histology"], position["atlas_id"], position["acronym"]) == ("unlocated", 0, None)
    assert not annotation.released.set_index("unit_id").loc[unit, "released.valid_data"]
    text = _noted(raw, "units")
    assert f"units/peak_channel_id: 1 of 10 units name no channel of the electrodes table, first unit {unit}" in text
    waves = source.mean_waveforms(session, [unit], around_peak=2)
    assert np.isnan(waves.values).all()
    assert waves.peaks.tolist() == [-1]


@pytest.mark.parametrize("value", [np.inf, np.nan, 0.5, 1e300])
def test_a_unit_without_a_usable_id_is_left_out(opened: Opened, value: float) -> None:
    def damage(handle: h5py.File) -> None:
        ids = handle["units/id"][...].astype(float)
        ids[[1, 3]] = value
        replace(handle, "units/id", ids)

    source, session = opened(damage)
    raw = source.read_spikes(session)
    assert len(raw.units) == 8
    assert (raw.units["unit_id"].astype(int) > 0).all()
    assert len(_of(raw, 850000100)[0]) == 40
    assert f"units/id: 2 of 10 rows hold no whole number (of 64 bits): {value}, {value}" in _noted(raw, "units")
    assert len(source.read_annotation(session, raw.units, raw.channels).released) == 8


def test_ids_that_are_all_unusable_are_refused(opened: Opened) -> None:
    source, session = opened(lambda handle: replace(handle, "units/id", np.full(10, np.inf)))
    with pytest.raises(BadUpstreamData, match="units/id holds fractions, NaN or infinity"):
        source.read_spikes(session)


def test_ids_of_clusters_and_channels_that_are_no_whole_numbers_are_unknown(opened: Opened) -> None:
    def damage(handle: h5py.File) -> None:
        for name, value in (("cluster_id", 1e300), ("peak_channel_id", handle["units/peak_channel_id"][2] + 0.5)):
            values = handle[f"units/{name}"][...].astype(float)
            values[2] = value
            replace(handle, f"units/{name}", values)

    source, session = opened(damage)
    raw = source.read_spikes(session)
    unknown = raw.units[["cluster_id", "channel"]] == -1
    assert unknown.sum().tolist() == [1, 1]
    assert unknown.all(axis=1).sum() == 1
    text = _noted(raw, "units")
    assert "units/cluster_id: 1 of 10 rows hold no whole number (of 64 bits): 1e+300; unknown" in text
    assert "units/peak_channel_id: 1 of 10 rows hold no whole number" in text


@pytest.mark.parametrize("value", [np.inf, 0.5])
def test_a_channel_without_a_usable_id_is_left_out_alone(opened: Opened, value: float) -> None:
    path = "general/extracellular_ephys/electrodes/id"

    def damage(handle: h5py.File) -> None:
        ids = handle[path][...].astype(float)
        ids[0] = value
        replace(handle, path, ids)

    source, session = opened(damage)
    raw = source.read_spikes(session)
    assert len(raw.units) == 10
    assert len(raw.channels) == 23
    assert f"{path}: 1 of 24 rows hold no whole number" in _noted(raw, "channels")


def test_channels_in_the_group_of_another_probe_than_their_id_says_are_noted(opened: Opened) -> None:
    def swap(handle: h5py.File) -> None:
        groups = [handle[f"general/extracellular_ephys/{name}"] for name in ("probeA", "probeB")]
        ids = [group.attrs["probe_id"] for group in groups]
        groups[0].attrs["probe_id"], groups[1].attrs["probe_id"] = ids[1], ids[0]

    source, session = opened(swap)
    raw = source.read_spikes(session)
    assert "24 of 24 channels are in the group of another probe than probe_id says" in _noted(raw, "channels")
    assert "; probe_id stands, as in AllenSDK" in _noted(raw, "channels")


@pytest.mark.parametrize("value", [1e300, np.inf, "x"])
def test_a_probe_without_a_usable_id_has_its_channels_by_name(opened: Opened, value: object) -> None:
    def damage(handle: h5py.File) -> None:
        for place in ("general/extracellular_ephys", "general/devices"):
            handle[f"{place}/probeA"].attrs["probe_id"] = value

    source, session = opened(damage)
    raw = source.read_spikes(session)
    assert raw.units["probe"].tolist() == ["probeA"] * 5 + ["probeB"] * 5
    assert raw.probes.set_index("probe").loc["probeA", "insertion_id"] is None
    assert "probeA states no whole number as probe_id; unknown" in _noted(raw, "probes")


@pytest.mark.parametrize(
    ("row", "end", "lost"),
    [(1, 39, [0, 1, 2]), (1, 7, [0, 1, 2]), (1, 300, [1, 2]), (2, 2**40, [2, 3]), (9, 490, [9]), (9, 7, [9])],
    ids=["falls by one", "falls", "too late", "beyond the data", "last ends early", "last falls"],
)
def test_a_wrong_end_in_the_index_costs_the_units_that_it_separates(
    opened: Opened, row: int, end: int, lost: list[int]
) -> None:
    source, session = opened()
    whole = source.read_spikes(session)
    with h5py.File(nwb_in(source.settings.root), "r+") as handle:
        ends = handle["units/spike_times_index"][...].astype(np.int64)
        ends[row] = end
        replace(handle, "units/spike_times_index", ends)
        ids = [int(unit) for unit in handle["units/id"][...]]
    raw = source.read_spikes(source.manifest().session("715093703"))
    assert raw.units.drop(columns="n_spikes").equals(whole.units.drop(columns="n_spikes"))
    for number, unit in enumerate(ids):
        assert _of(raw, unit) == (([], []) if number in lost else _of(whole, unit))
    text = _noted(raw, "spike_times")
    which = ", ".join(str(unit) for unit in sorted((ids[number] for number in lost), key=_order(raw)))
    assert f"({which}) cannot be told apart; kept without spikes" in text
    assert not _noted(raw, "spike_amplitudes")


def _order(raw: Any) -> Callable[[int], int]:
    """Return the place of a unit in the table."""
    return lambda unit: int(raw.units["unit_id"].tolist().index(str(unit)))


@pytest.mark.parametrize("column", ["spike_times", "spike_amplitudes"])
def test_an_index_of_floats_or_without_its_type_is_read_with_a_note(opened: Opened, column: str) -> None:
    source, session = opened()
    whole = source.read_spikes(session)
    path = f"units/{column}_index"
    with h5py.File(nwb_in(source.settings.root), "r+") as handle:
        replace(handle, path, handle[path][...].astype(float))
        del handle[path].attrs["neurodata_type"]
    raw = source.read_spikes(source.manifest().session("715093703"))
    assert np.array_equal(raw.spikes.times, whole.spikes.times)
    assert np.array_equal(raw.spikes.amplitudes, whole.spikes.amplitudes)
    assert f"{path} is float64, expected integers" in _noted(raw, column)
    assert f"{path} states no neurodata_type; taken for the index of {column}" in _noted(raw, column)


def _undecodable(handle: h5py.File, path: str) -> None:
    """Store a dataset as one chunk that is no gzip."""
    shape, dtype, attrs = handle[path].shape, handle[path].dtype, dict(handle[path].attrs)
    del handle[path]
    dataset = handle.create_dataset(path, shape, dtype, chunks=shape, compression="gzip")
    dataset.id.write_direct_chunk((0,) * len(shape), b"no gzip")
    dataset.attrs.update(attrs)


def test_amplitudes_that_cannot_be_decoded_are_nan(opened: Opened) -> None:
    source, session = opened(lambda handle: _undecodable(handle, "units/spike_amplitudes"))
    raw = source.read_spikes(session)
    assert len(raw.spikes.times) == 500
    assert np.isnan(raw.spikes.amplitudes).all()
    assert "left out: dataset units/spike_amplitudes cannot be decoded" in _noted(raw, "spike_amplitudes")


def test_ids_that_cannot_be_decoded_are_not_called_missing(opened: Opened) -> None:
    source, session = opened(lambda handle: _undecodable(handle, "units/id"))
    with pytest.raises(BadUpstreamData, match="dataset units/id cannot be decoded"):
        source.read_spikes(session)


def test_times_that_cannot_be_decoded_are_named_and_no_download_is_advised(opened: Opened) -> None:
    source, session = opened(lambda handle: _undecodable(handle, "units/spike_times"))
    with pytest.raises(BadUpstreamData, match="dataset units/spike_times cannot be decoded") as refused:
        source.read_spikes(session)
    assert "download" not in str(refused.value).lower()


def test_a_second_unit_of_the_same_id_is_left_out(opened: Opened) -> None:
    def twice(handle: h5py.File) -> None:
        handle["units/id"][1] = handle["units/id"][0]

    source, session = opened(twice)
    raw = source.read_spikes(session)
    assert len(raw.units) == 9
    assert len(_of(raw, 850000100)[0]) == 40
    assert "units/id: 1 of 10 ids occur before: 850000100; left out" in _noted(raw, "units")
    assert len(source.read_annotation(session, raw.units, raw.channels).released) == 9


def test_a_metric_that_cannot_be_used_is_nan_and_the_others_stay(opened: Opened) -> None:
    def damage(handle: h5py.File) -> None:
        replace(handle, "units/snr", handle["units/snr"][:-1])
        replace(handle, "units/d_prime", np.full(10, "high", dtype=object))
        del handle["units/presence_ratio"]

    source, session = opened(damage)
    raw = source.read_spikes(session)
    annotation = source.read_annotation(session, raw.units, raw.channels)
    lost = ["released.snr", "released.d_prime", "released.presence_ratio"]
    assert annotation.released[lost].isna().all(axis=None)
    assert annotation.released[lost].dtypes.tolist() == [np.float64] * 3
    assert annotation.released["released.firing_rate"].notna().all()
    text = _noted(annotation, "units")
    assert "units/snr: 9 rows, expected 10; left out" in text
    assert "units/d_prime: texts, expected numbers; NaN" in text
    assert "units/presence_ratio: missing; NaN" in text


@pytest.mark.parametrize("name", ["row", "probe", "channel", "axial_um", "valid_data"])
@pytest.mark.parametrize("values", [np.arange(10.0)[::-1], np.full(10, "x", dtype=object)], ids=["numbers", "texts"])
def test_a_column_of_the_file_under_a_name_of_ours_replaces_none(opened: Opened, name: str, values: np.ndarray) -> None:
    source, session = opened()
    whole = source.read_spikes(session)
    with h5py.File(nwb_in(source.settings.root), "r+") as handle:
        handle[f"units/{name}"] = values
    session = source.manifest().session("715093703")
    raw = source.read_spikes(session)
    assert raw.units.equals(whole.units)
    assert np.array_equal(raw.spikes.times, whole.spikes.times)
    assert f"units/{name}: the table made of it has a column {name} of its own; left out" in _noted(raw, "units")
    released = source.read_annotation(session, raw.units, raw.channels).released
    assert released["released.valid_data"].all()
    assert f"released.{name}" not in set(released) - {"released.valid_data"}


@pytest.mark.parametrize("column", ["location", "x", "local_index", "probe_channel_number", "probe_id", "valid_data"])
def test_an_electrodes_column_that_is_short_costs_positions_and_no_unit(opened: Opened, column: str) -> None:
    def shorten(handle: h5py.File) -> None:
        path = f"general/extracellular_ephys/electrodes/{column}"
        if path in handle:
            replace(handle, path, handle[path][:-1])

    source, session = opened(shorten)
    raw = source.read_spikes(session)
    assert len(raw.units) == 10
    assert raw.units["n_spikes"].sum() == 500
    annotation = source.read_annotation(session, raw.units, raw.channels)
    assert annotation.positions["unit_id"].tolist() == raw.units["unit_id"].tolist()


def test_a_file_from_before_june_2020_is_named_as_such(opened: Opened) -> None:
    def older(handle: h5py.File) -> None:
        handle.attrs["nwb_version"] = "2.0.2"
        for name in ("probeA", "probeB"):
            handle.move(f"general/extracellular_ephys/{name}", f"general/{name}")
            del handle[f"general/devices/{name}"]

    source, session = opened(older)
    with pytest.raises(
        BadUpstreamData, match=r"before June 2020 \(its NWB schema is 2.0.2\).*download the session again"
    ):
        source.read_spikes(session)
    assert any("from before June 2020" in note.text for note in source.read_events(session).notes)
