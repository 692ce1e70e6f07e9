"""Figures of a session against hand-computed cases: choices, regions around events and along a probe, signals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.reading.events.session_events import SessionEvents
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.session_figures import (
    event_charts,
    probe_charts,
    raster_chart,
    signal_charts,
    task_charts,
)
from nh_platform.reports.session_page.session_figures.psychometric import (
    ChoiceShares,
    PsychometricCurve,
    choice_shares,
    fit_curve,
    wilson_interval,
)
from nh_platform.reports.session_page.session_figures.regions_along_probe import regions_along
from nh_platform.session import Signal, Signals
from nh_platform.session.recorded_time import RecordedTime
from nh_platform.session.tables.change_detection import CHANGE_TRIALS
from nh_platform.session.tables.events import TRIALS
from nh_platform_tests.made_material import grouped, made_material, steady


def events_of(material: PageMaterial) -> SessionEvents:
    return SessionEvents(lambda: material.events.tables, lambda: material.stated_events, "a session")


def trials(**columns: object) -> pd.DataFrame:
    n = max(len(value) for value in columns.values() if isinstance(value, list))
    table = {"start_time": np.arange(n, dtype=float), **columns}
    return TRIALS.conform(pd.DataFrame({name: table.get(name, np.nan) for name in TRIALS.names}))


def test_choices_are_shares_by_signed_contrast_and_trials_without_choice_are_left_out() -> None:
    nan = np.nan
    shares = choice_shares(
        trials(
            contrastLeft=[1.0, 1.0, nan, nan, 0.0, 0.25],
            contrastRight=[nan, nan, 1.0, 1.0, nan, nan],
            choice=[1.0, -1.0, -1.0, -1.0, -1.0, 0.0],
        )
    )
    assert shares.contrasts.tolist() == [-100.0, 0.0, 100.0]
    assert shares.trials.tolist() == [2, 1, 2]
    assert shares.shares.tolist() == [0.5, 1.0, 1.0]


@given(n=st.integers(1, 200), share=st.floats(0, 1))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(n: int, share: float) -> None:
    k = round(share * n)
    low, high = wilson_interval([k], [n])
    assert -1e-12 <= low[0] <= k / n + 1e-12
    assert k / n - 1e-12 <= high[0] <= 1 + 1e-12


@settings(deadline=None, max_examples=8)
@given(bias=st.floats(-15, 15), threshold=st.floats(8, 40), lapse=st.floats(0, 0.2))
def test_a_fit_finds_the_curve_that_made_the_choices(bias: float, threshold: float, lapse: float) -> None:
    contrasts = np.array([-100.0, -25, -12.5, -6.25, 0, 6.25, 12.5, 25, 100])
    curve = PsychometricCurve(bias, threshold, lapse, lapse)
    n = np.full(len(contrasts), 4000)
    found = fit_curve(ChoiceShares(contrasts, np.rint(curve.at(contrasts) * n).astype(np.int64), n))
    assert found is not None
    np.testing.assert_allclose(found.at(contrasts), curve.at(contrasts), atol=0.02)


def test_few_trials_have_no_curve() -> None:
    contrasts = np.array([-100.0, -25, 0, 25, 100])
    assert fit_curve(ChoiceShares(contrasts, np.array([0, 1, 2, 3, 4]), np.full(5, 4))) is None


def test_reaction_times_of_both_tasks_are_drawn_with_their_median() -> None:
    chart = task_charts.reaction_times({"trials": trials(reaction_time=[0.1, 0.11, 0.3, np.nan, 5.0])})
    bars, median = chart.layers
    assert np.asarray(bars.y).sum() == 3
    assert np.asarray(median.x).tolist() == pytest.approx([0.205])
    assert "1 trials lie before 0 or beyond 2 s" in chart.caption
    table = pd.DataFrame(
        {
            "trials_id": [0, 1], "start_time": [0.0, 1.0], "hit": [True, False], "go": True, "catch": False,
            "false_alarm": False, "response_time": [10.4, np.nan], "change_time_no_display_delay": [10.0, 20.0],
        }
    )  # fmt: skip
    chart = task_charts.reaction_times({CHANGE_TRIALS.name: table})
    assert chart.x.label == "from image change to first lick, hits"
    assert np.asarray(chart.layers[0].y).sum() == 1
    assert "not those of" in task_charts.psychometric({CHANGE_TRIALS.name: table}).lacking
    assert np.asarray(task_charts.performance({CHANGE_TRIALS.name: table}).layers[0].y).tolist() == [50.0]


def with_stimuli(trains: list[object], onsets: list[float], **more: object) -> PageMaterial:
    material = made_material(grouped(trains), {"trials": trials(stimOn_times=onsets)}, **more)
    return replace(material, units=material.units.assign(**{"pass.ibl-2022-10": True}))


def test_the_rate_of_a_region_is_the_mean_of_its_units_around_the_event() -> None:
    onsets = [10.0, 20.0, 30.0]
    early = sorted([0.0, 40.0, *(t + 0.011 for t in onsets)])
    material = with_stimuli([early, [0.0, 40.0], [0.0, 15.0, 40.0]], onsets, regions=["CA1", "CA1", "LP"])
    groups, words = event_charts.region_groups(material)
    assert {name: rows.tolist() for name, rows in groups.items()} == {"CA1": [0, 1], "LP": [2]}
    assert words == "good units by ibl-2022-10"
    found = event_charts.around(material, events_of(material), event_charts.ROLES[0], groups)
    assert isinstance(found, event_charts.RegionActivity)
    assert found.n_events == 3
    after = np.flatnonzero((found.centres_s > 0) & (found.centres_s < 0.02))
    assert found.rates_hz[0, after].tolist() == [25.0], "one spike in 20 ms of one of two units"
    assert found.rates_hz[0].sum() == 25.0
    assert found.rates_hz[1].sum() == 0


def test_where_no_unit_is_good_all_are_shown_and_it_is_said() -> None:
    material = with_stimuli([[0.0, 40.0]], [10.0])
    material = replace(material, units=material.units.assign(**{"pass.ibl-2022-10": False}))
    assert "all units, since none is good" in event_charts.region_groups(material)[1]


def test_an_event_whose_windows_are_all_invalid_is_said() -> None:
    material = with_stimuli([[0.0, 40.0]], [0.1, 39.9])
    groups, _ = event_charts.region_groups(material)
    found = event_charts.around(material, events_of(material), event_charts.ROLES[0], groups)
    assert found == "No stimulus onset has a valid window around it."


def test_regions_along_a_probe_change_between_channels() -> None:
    channels = pd.DataFrame(
        {"probe": "p", "channel": range(5), "lateral_um": 0.0, "axial_um": [0.0, 20, 40, 60, np.nan]}
    )
    positions = pd.DataFrame(
        {
            "probe": "p",
            "channel": range(5),
            "beryl": ["LP", "LP", None, "CA1", "CA1"],
            "acronym": ["LP", "LP", "DG", "CA1", "CA1"],
        }
    )
    found = [(one.region, one.low_um, one.high_um) for one in regions_along("p", channels, positions)]
    assert found == [("LP", 0.0, 30.0), ("DG", 30.0, 50.0), ("CA1", 50.0, 60.0)]
    assert regions_along("other", channels, positions) == []


def test_the_drift_map_is_the_mean_amplitude_of_each_cell() -> None:
    spikes = grouped([[0.0, 10.0], [10.0]])
    spikes = replace(
        spikes, amplitudes=np.array([1e-4, 2e-4, 4e-4], np.float32), depths=np.array([5, 45, 45], np.float32)
    )
    (chart,) = probe_charts.drift_maps(made_material(spikes))
    image = np.asarray(chart.layers[0].y)
    assert image.shape == (3, probe_charts.DRIFT_COLUMNS)
    assert image[0, 0] == pytest.approx(100)
    assert image[2, -1] == pytest.approx(300, rel=0.01), "the highest hundredth is in one colour"
    assert np.isfinite(image).sum() == 2
    assert (chart.y.low, chart.y.high) == (0.0, 60.0)


def test_the_raster_begins_before_a_stimulus_amid_the_session() -> None:
    recorded = RecordedTime(0.0, 100.0, pauses=((30.0, 90.0),))
    assert raster_chart.stretch_start(recorded, np.array([5.0, 20.0, 60.0])) == 19.0, "60 s lies in a pause"
    assert raster_chart.stretch_start(recorded, np.array([])) == 10.0
    assert raster_chart.stretch_start(RecordedTime(0.0, 4.0), np.array([1.0])) == 0.0
    material = with_stimuli(steady(3, stop_s=60.0), [29.0, 30.5])
    chart = raster_chart.raster(material, events_of(material))
    image = np.nan_to_num(np.asarray(chart.layers[0].y))
    start = float(chart.x.low or 0)
    inside = [((one >= start) & (one < start + 10)).sum() for one in map(material.recording.spikes.of_unit, range(3))]
    assert image.sum(axis=1).tolist() == inside
    assert chart.layers[1].name == "stimulus onset"


def test_more_units_than_rows_share_them() -> None:
    material = made_material(grouped([[0.0, 5.0, 10.0]] * 900))
    image = np.nan_to_num(np.asarray(raster_chart.raster(material, events_of(material)).layers[0].y))
    assert image.shape[0] == 300
    assert image.max() == 3, "three units in one row at one time"


def test_signals_are_means_of_stretches_and_the_wheel_its_path() -> None:
    edges = np.array([0.0, 1.0, 2.0, 3.0])
    times, values = np.array([0.0, 0.5, 1.5, 3.0, 9.0]), np.array([1.0, 3.0, np.nan, 7.0, 1.0])
    np.testing.assert_array_equal(signal_charts.binned_mean(times, values, edges), [2.0, np.nan, 7.0])
    material = made_material(grouped([[0.0, 100.0]]))
    wheel = Signal("wheel_position", np.array([0.0, 50.0, 100.0]), np.array([0.0, 2.0, -1.0]), "rad", ("position",))
    chart = signal_charts.wheel(replace(material, signals=Signals(material.session, {"wheel_position": wheel})))
    speed = np.asarray(chart.layers[0].y)
    assert speed.sum() * (100 / signal_charts.N_BINS) == pytest.approx(5.0), "2 rad there and 3 rad back"
