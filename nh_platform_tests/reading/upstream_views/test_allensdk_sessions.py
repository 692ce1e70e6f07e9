"""The sessions give what AllenSDK's of the same names give on the same NWB file: index, columns, dtypes, values."""

from __future__ import annotations

import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading import BehaviorEcephysSession, EcephysSession, OpenedStore
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.sources.allen import sdk
from nh_platform_tests.reading.upstream_views.conftest import only_session

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

NOT_STORED = {
    "units": {"local_index", "filtering", "location", "probe_lfp_sampling_rate", "probe_has_lfp_data"},
    "channels": {"filtering"},
    "probes": {"location", "lfp_sampling_rate", "has_lfp_data"},
    "licks": {"frame"},
}
"""Columns of AllenSDK's that the store has not, as docs/notebooks-that-exist.md says."""

LAST_BITS = {"waveform_amplitude", "amplitude", "duration", "volume", "reward_volume"}
"""Columns that are equal but for the last bits: they were converted there and back, or are differences."""

OF_CSV = {"structure_acronym", "left_right_ccf_coordinate"}
"""Columns of which the file has another value than the release's channels.csv, which the store follows."""

NO_FILTER: dict[str, Any] = {
    "filter_by_validity": False,
    "filter_out_of_brain_units": False,
    "amplitude_cutoff_maximum": None,
    "presence_ratio_minimum": None,
    "isi_violations_maximum": None,
}
EDGES = np.linspace(-0.1, 0.4, 26)


class Coding:
    """AllenSDK's session as its cache opens it, parsed once, and the view of the same session."""

    def __init__(self, simulated: Path, store: OpenedStore) -> None:
        self.store, self.id = store, only_session(store, "allen_vc")
        self._root = simulated / "upstream" / "allen_vc"
        self.ours = EcephysSession(store, self.id)

    @cached_property
    def _file(self) -> Any:
        sdk.restore_numpy_names()
        import pynwb

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = self._root / f"session_{self.id}" / f"session_{self.id}.nwb"
            return pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True).read()

    @cached_property
    def theirs(self) -> Any:
        return self.filtered()

    def filtered(self, **filters: Any) -> Any:
        cache = sdk.warehouse_cache(self._root / "manifest.json")
        from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession as Sdk
        from allensdk.brain_observatory.ecephys.ecephys_session_api import EcephysNwbSessionApi

        api = EcephysNwbSessionApi.from_nwbfile(
            self._file,
            external_channel_columns=lambda: cache._get_substitute_channel_columns(int(self.id)),
            **filters,
        )
        return Sdk(api=api)


@pytest.fixture(scope="module")
def coding(simulated: Path, store: OpenedStore) -> Coding:
    return Coding(simulated, store)


@pytest.fixture(scope="module")
def behavior(simulated: Path, store: OpenedStore) -> tuple[BehaviorEcephysSession, Any]:
    sdk.restore_numpy_names()
    from allensdk.brain_observatory.ecephys.behavior_ecephys_session import BehaviorEcephysSession as Sdk

    session_id = only_session(store, "allen_vbn")
    newest = sorted((simulated / "upstream" / "allen_vbn").glob(f"*/*/{session_id}/*.nwb"))[-1]
    return BehaviorEcephysSession(store, session_id), Sdk.from_nwb_path(str(newest))


def _same(ours: pd.DataFrame, theirs: pd.DataFrame, name: str = "", skipped: frozenset[str] = frozenset()) -> None:
    """Compare index, columns, dtypes and values, the order of columns aside."""
    assert ours.index.equals(theirs.index)
    assert ours.index.names == theirs.index.names
    assert set(ours) == set(theirs) - NOT_STORED.get(name, set())
    for column in [column for column in ours if column not in skipped]:
        exact = column not in LAST_BITS
        pd.testing.assert_series_equal(
            ours[column], theirs[column], check_exact=exact, rtol=0 if exact else 1e-9, atol=0 if exact else 1e-12
        )


@pytest.mark.parametrize(
    "filters",
    [{}, NO_FILTER, {"isi_violations_maximum": 0.25, "presence_ratio_minimum": 0.9}],
    ids=["default", "none", "own"],
)
def test_units_are_the_same_by_any_filter(coding: Coding, filters: dict[str, Any]) -> None:
    ours, theirs = EcephysSession(coding.store, coding.id, **filters), coding.filtered(**filters)
    # Without the filter of validity AllenSDK shows `valid_data` of the channel.
    expected = theirs.units.drop(columns=["valid_data"], errors="ignore")
    _same(ours.units, expected, "units", frozenset(OF_CSV & {"structure_acronym"}))
    assert 1e1 < ours.units["waveform_amplitude"].median() < 1e3
    assert ours.structurewise_unit_counts.equals(theirs.structurewise_unit_counts)
    assert ours.num_units == theirs.num_units > 0


def test_channels_and_probes_are_the_same_but_for_what_is_not_stored(coding: Coding) -> None:
    ours, theirs = coding.ours.channels, coding.theirs.channels
    assert set(theirs.index) < set(ours.index), "channels without valid data are there too"
    _same(ours.loc[theirs.index], theirs, "channels", frozenset({"structure_acronym"}))
    stripped = theirs["structure_acronym"].str.replace(r"\d.*$", "", regex=True)
    is_cortex = theirs["structure_acronym"].fillna("").str.startswith("VIS")
    assert ours.loc[theirs.index, "structure_acronym"][is_cortex].tolist() == stripped[is_cortex].tolist()
    _same(coding.ours.probes, coding.theirs.probes, "probes")
    assert coding.ours.structure_acronyms[:3] == coding.theirs.structure_acronyms[:3]
    ids = theirs.index[:60]
    for one, two in zip(coding.ours.channel_structure_intervals(ids), coding.theirs.channel_structure_intervals(ids)):
        np.testing.assert_array_equal(one, two)


def test_spikes_are_the_same_bit_for_bit_and_amplitudes_as_float32(coding: Coding) -> None:
    times, theirs = coding.ours.spike_times, coding.theirs.spike_times
    assert list(times) == list(theirs)
    for unit, expected in theirs.items():
        np.testing.assert_array_equal(times[unit], expected)
    amplitudes, theirs = coding.ours.spike_amplitudes, coding.theirs.spike_amplitudes
    assert list(amplitudes) == list(theirs)
    for unit, expected in theirs.items():
        assert amplitudes[unit].dtype == np.float64
        np.testing.assert_array_equal(amplitudes[unit], expected.astype(np.float32))


def test_mean_waveforms_are_the_same_on_the_stored_channels(coding: Coding) -> None:
    ours, theirs = coding.ours.mean_waveforms, coding.theirs.mean_waveforms
    assert set(ours) == set(theirs)
    for unit, waves in ours.items():
        there = theirs[unit]
        shared = np.intersect1d(waves["channel_id"], there["channel_id"])
        assert len(shared) > 15
        assert coding.ours.units.loc[unit, "peak_channel_id"] in shared
        np.testing.assert_allclose(waves.sel(channel_id=shared), there.sel(channel_id=shared), rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(waves["time"], there["time"])


def _parameters_as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of AllenSDK's with spatial frequencies that are texts as numbers."""
    values = table["spatial_frequency"].map(lambda one: float(one) if isinstance(one, str) and one != "null" else one)
    return table.assign(spatial_frequency=values.astype(object))


def test_presentations_and_conditions_are_the_same(coding: Coding) -> None:
    theirs = coding.theirs.stimulus_presentations
    assert (theirs["stimulus_name"] == "invalid_presentation").any()
    _same(coding.ours.stimulus_presentations, _parameters_as_numbers(theirs))
    _same(coding.ours.stimulus_conditions, _parameters_as_numbers(coding.theirs.stimulus_conditions))
    assert coding.ours.stimulus_names == coding.theirs.stimulus_names
    _same(coding.ours.inter_presentation_intervals, coding.theirs.inter_presentation_intervals)
    _same(coding.ours.get_stimulus_epochs(), coding.theirs.get_stimulus_epochs())
    limits = {"spontaneous": 15.0}
    _same(coding.ours.get_stimulus_epochs(limits), coding.theirs.get_stimulus_epochs(limits))
    _same(
        coding.ours.get_stimulus_table(None, True, True),
        _parameters_as_numbers(coding.theirs.get_stimulus_table(None, True, True)),
    )


def test_tables_of_each_stimulus_have_the_same_parameters_and_values(coding: Coding) -> None:
    for name in coding.theirs.stimulus_names:
        theirs = coding.theirs.get_stimulus_table([name])
        theirs = _parameters_as_numbers(theirs) if "spatial_frequency" in theirs else theirs
        _same(coding.ours.get_stimulus_table(name), theirs)
        if name == "invalid_presentation":
            continue
        for drop in (True, False):
            ours, theirs = (one.get_parameter_values_for_stimulus(name, drop) for one in (coding.ours, coding.theirs))
            assert set(ours) == set(theirs)
            for key in set(ours) - {"spatial_frequency"}:
                assert ours[key].tolist() == theirs[key].tolist()
        intervals = "get_inter_presentation_intervals_for_stimulus"
        _same(getattr(coding.ours, intervals)([name]), getattr(coding.theirs, intervals)([name]))


def test_spikes_of_presentations_are_the_same(coding: Coding) -> None:
    shown = coding.theirs.get_stimulus_table("flashes" if "flashes" in coding.theirs.stimulus_names else None).index[
        :60
    ]
    units = coding.theirs.units.index[:6]
    ours, theirs = coding.ours, coding.theirs
    counts = ours.presentationwise_spike_counts(EDGES, shown, units)
    assert counts.identical(theirs.presentationwise_spike_counts(EDGES, shown, units))
    assert counts.sum() > 100
    fine = np.arange(0, 0.02, 0.001)
    assert ours.presentationwise_spike_counts(fine, shown, units, binarize=True).identical(
        theirs.presentationwise_spike_counts(fine, shown, units, binarize=True)
    )
    order = ["spike_time", "unit_id"]
    one, two = (s.presentationwise_spike_times(shown, units).reset_index() for s in (ours, theirs))
    pd.testing.assert_frame_equal(
        one.sort_values(order, ignore_index=True), two.sort_values(order, ignore_index=True), check_exact=True
    )
    for rates in (False, True):
        _means(
            ours.conditionwise_spike_statistics(shown, units, rates),
            theirs.conditionwise_spike_statistics(shown, units, rates),
        )


def _means(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=1e-12)


def test_a_spike_on_an_edge_is_counted_once_here_and_twice_there(coding: Coding) -> None:
    unit = int(coding.theirs.units.index[0])
    shown = coding.theirs.stimulus_presentations.iloc[1:2]
    onset = float(shown["start_time"].iloc[0])
    train = coding.ours.spike_times[unit]
    spike = float(train[np.searchsorted(train, onset + 0.01)])
    domain = np.array([[onset, spike, spike + 1e-6]])
    counts = [
        one.presentationwise_spike_counts(
            [0.0, 0.1, 0.2], shown.index, [unit], time_domain_callback=lambda _: domain
        ).values[0, :, 0]
        for one in (coding.ours, coding.theirs)
    ]
    assert (counts[1] - counts[0]).tolist() == [1, 0]
    assert counts[0][1] == 1


def test_running_eyes_light_and_facts_are_the_same(coding: Coding) -> None:
    ours, theirs = coding.ours, coding.theirs
    _same(ours.running_speed, theirs.running_speed)
    _same(ours.get_pupil_data(), theirs.get_pupil_data())
    for filtered in (False, True):
        _same(ours.get_screen_gaze_data(filtered), theirs.get_screen_gaze_data(filtered))
    _same(ours.optogenetic_stimulation_epochs, theirs.optogenetic_stimulation_epochs)
    expected = theirs.get_invalid_times().sort_values("start_time")
    found = ours.get_invalid_times()
    assert (
        found[["start_time", "stop_time"]].to_numpy().tolist()
        == expected[["start_time", "stop_time"]].to_numpy().tolist()
    )
    assert [list(tags) for tags in found["tags"]] == [list(tags) for tags in expected["tags"]]
    facts, known = ours.metadata, theirs.metadata
    assert set(known) - set(facts) == {"specimen_name", "rig_equipment_name", "session_start_time"}
    for name in set(known) & set(facts) - {"num_channels", "structure_acronyms"}:
        assert facts[name] == known[name], name


def test_an_unknown_stimulus_unit_or_presentation_is_named(coding: Coding) -> None:
    with pytest.raises(UnknownSession, match=r"stimulus 'gabor' .* Did you mean gabors"):
        coding.ours.get_stimulus_table("gabor")
    with pytest.raises(UnknownSession, match="unit 7: 1 of 1 ids"):
        coding.ours.presentationwise_spike_times(None, [7])
    with pytest.raises(UnknownSession, match="stimulus presentation -1"):
        coding.ours.presentationwise_spike_counts([0, 1], [-1], None)
    with pytest.raises(ConfigError, match="bin_edges"):
        coding.ours.presentationwise_spike_counts([0.1, 0.0], None, None)


def test_a_stimulus_in_which_no_unit_fires_gives_an_empty_table_of_the_same_columns(coding: Coding) -> None:
    shown, units = coding.ours.stimulus_presentations.index[:0], coding.ours.units.index
    spikes = coding.ours.presentationwise_spike_times(shown, units)
    assert spikes.empty
    assert list(spikes) == ["stimulus_presentation_id", "unit_id", "time_since_stimulus_presentation_onset"]


def test_units_and_channels_of_visual_behavior_are_the_same(behavior: tuple[BehaviorEcephysSession, Any]) -> None:
    ours, theirs = behavior
    for filters in ({}, {"filter_by_validity": True, "filter_out_of_brain_units": True, "presence_ratio_minimum": 0.9}):
        _same(ours.get_units(**filters), theirs.get_units(**filters), "units")
    channels = theirs.get_channels()
    _same(ours.get_channels().loc[channels.index], channels, "channels", frozenset(OF_CSV))
    _same(ours.probes, theirs.probes, "probes")
    assert set(ours.spike_times) == set(theirs.spike_times)
    for unit, expected in theirs.spike_times.items():
        np.testing.assert_array_equal(ours.spike_times[unit], expected)
        np.testing.assert_array_equal(ours.spike_amplitudes[unit], theirs.spike_amplitudes[unit].astype(np.float32))
    for unit, waves in list(ours.mean_waveforms.items())[:5]:
        stored = ~np.isnan(waves[:, 0])
        assert waves.shape == theirs.mean_waveforms[unit].shape
        np.testing.assert_allclose(waves[stored], theirs.mean_waveforms[unit][stored], rtol=1e-6, atol=1e-9)


def test_behavior_and_presentations_of_visual_behavior_are_the_same(
    behavior: tuple[BehaviorEcephysSession, Any],
) -> None:
    ours, theirs = behavior
    # Where trials_id is -99 in the file, the store has NaN, as AllenSDK for presentations outside of the task.
    _same(
        ours.stimulus_presentations,
        theirs.stimulus_presentations.assign(trials_id=theirs.stimulus_presentations["trials_id"].replace(-99, np.nan)),
    )
    expected = theirs.trials
    _same(ours.trials, expected, skipped=frozenset({"lick_times"}))
    for one, two in zip(ours.trials["lick_times"], expected["lick_times"]):
        np.testing.assert_array_equal(one, two)
    for name in ("running_speed", "raw_running_speed", "licks", "rewards", "eye_tracking", "optotagging_table"):
        _same(getattr(ours, name), getattr(theirs, name), name)
    pd.testing.assert_frame_equal(ours.get_rolling_performance_df(), theirs.get_rolling_performance_df())
    np.testing.assert_array_equal(ours.get_reward_rate(), theirs.get_reward_rate())
    assert ours.metadata == theirs.metadata
    assert ours.task_parameters == theirs.task_parameters
    assert ours.behavior_session_id == theirs.behavior_session_id
