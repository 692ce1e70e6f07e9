"""Pages of sessions that lack something: every figure is drawn, or says in words why it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nh_platform.reports.page.chart import Chart
from nh_platform.reports.session_page.building import build_session_page, figures_table
from nh_platform.reports.session_page.content import SessionPage
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.rendering import render_session_page
from nh_platform.session import Signal, Signals, Spikes
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform_tests.made_material import grouped, made_material, steady


def nameless(spikes: Spikes, *, amplitudes: bool = True, depths: bool = True) -> Spikes:
    nothing = np.full(len(spikes.times), np.nan, np.float32)
    own = spikes.amplitudes if amplitudes else nothing
    return Spikes(spikes.times, spikes.offsets, own, spikes.depths if depths else nothing)


def without_spikes() -> PageMaterial:
    return made_material(grouped([[], []]))


def without_units() -> PageMaterial:
    return made_material(grouped([]))


def of_single_spikes() -> PageMaterial:
    return made_material(grouped([[1.0], [2.0], []]))


def at_one_moment() -> PageMaterial:
    return made_material(grouped([[5.0, 5.0], [5.0]]))


def without_amplitudes_and_depths() -> PageMaterial:
    return made_material(nameless(grouped(steady()), amplitudes=False, depths=False))


def with_an_unusable_time() -> PageMaterial:
    spikes = grouped(steady())
    times = spikes.times.copy()
    times[spikes.offsets[1] - 1] = 1e12
    return made_material(Spikes(times, spikes.offsets, spikes.amplitudes, spikes.depths))


def before_zero() -> PageMaterial:
    return made_material(grouped([[-1.0, -0.5, 3.0, 9.0], [2.0, 8.0]]))


def with_empty_tables() -> PageMaterial:
    return made_material(
        grouped(steady()), {"trials": pd.DataFrame(columns=["start_time"]), "licks": pd.DataFrame({"times": []})}
    )


def with_odd_signals() -> PageMaterial:
    material = made_material(grouped(steady()))
    nothing = Signal("pupil_diameter", np.arange(5.0), np.full((5, 2), np.nan), "px", ("raw", "smooth"))
    wheel = Signal("wheel_position", np.zeros(0), np.zeros(0), "rad", ("position",))
    return replace(material, signals=Signals(material.session, {"pupil_diameter": nothing, "wheel_position": wheel}))


ODD: tuple[Callable[[], PageMaterial], ...] = (
    without_spikes,
    without_units,
    of_single_spikes,
    at_one_moment,
    without_amplitudes_and_depths,
    with_an_unusable_time,
    before_zero,
    with_empty_tables,
    with_odd_signals,
)


def chart(page: SessionPage, name: str) -> Chart:
    return next(one for one in (*page.unit_charts, *page.session_charts) if one.id == name)


def layer_named(one: Chart, name: str) -> np.ndarray:
    return np.asarray(next(layer for layer in one.layers if layer.name == name).y)


@pytest.mark.parametrize("make", ODD, ids=lambda make: make.__name__)
def test_a_page_is_written_and_each_figure_is_drawn_or_says_why_not(make: Callable[[], PageMaterial]) -> None:
    material = make()
    page = build_session_page(material)
    assert render_session_page(page) == render_session_page(build_session_page(material)), "the same bytes"
    figures = figures_table(page)
    assert figures["figure"].is_unique
    assert (figures["drawn"] == (figures["lacking"] == "")).all()
    for one in (*page.unit_charts, *page.session_charts):
        assert one.x.label
        assert one.y.label
        if one.lacking:
            assert one.lacking.endswith("."), one.lacking
        else:
            assert one.layers, one.id
            assert one.caption


def test_a_session_without_trials_histology_or_good_units_says_so_in_place() -> None:
    page = build_session_page(made_material(grouped([[1.0, 2.0, 3.0], [1.5, 8.0]])))
    lacking = dict(zip(figures_table(page)["figure"], figures_table(page)["lacking"]))
    assert lacking["psychometric"] == "The session has no trials."
    assert lacking["psth-feedback"] == "The session has no event of this kind (feedback, reward)."
    assert lacking["wheel"] == "The session has no wheel."
    assert "made on request" in lacking["waveform"]
    assert "no region" in chart(page, "yield-probe00").caption
    assert "0 good by ibl-2022-10" in dict(page.facts)["units"]


def test_without_amplitudes_or_depths_what_is_left_is_drawn() -> None:
    page = build_session_page(without_amplitudes_and_depths())
    assert "no amplitudes" in chart(page, "amplitude-over-time").lacking
    assert chart(page, "depth-over-time").lacking == "The release states no depth of single spikes."
    drift = chart(page, "drift-map-probe00")
    assert not drift.lacking
    assert "depth of its unit" in drift.caption
    assert "number, since the release has no amplitudes" in drift.caption
    assert not chart(page, "rate").lacking


def test_single_spikes_have_a_rate_and_no_intervals() -> None:
    page = build_session_page(of_single_spikes())
    assert chart(page, "intervals").lacking == "No unit has two spikes."
    assert chart(page, "confidence").lacking == "No unit has two spikes."
    rate = layer_named(chart(page, "rate"), "rate")
    assert (rate[0] > 0).sum() == 1
    assert np.isnan(rate[2]).all(), "the unit without spikes has no curve"


def test_names_with_markup_are_data_and_no_elements() -> None:
    material = made_material(grouped(steady(2)), regions=["</script><i>x", "CA1"])
    html = render_session_page(build_session_page(material))
    assert "mouse <b>" not in html
    assert "</script><i>" not in html


def test_a_pause_has_no_rate_and_the_bins_beside_it_the_rate_of_what_was_recorded() -> None:
    train = np.concatenate([np.arange(0, 300, 0.1), np.arange(900, 1200.05, 0.1)])
    one = chart(build_session_page(made_material(grouped([train]))), "rate")
    rate = layer_named(one, "rate")[0]
    assert np.isnan(rate[31:89]).all(), "bins of 10 s"
    np.testing.assert_allclose(rate[np.isfinite(rate)], 10, rtol=0.02)
    assert [layer.name for layer in one.layers if layer.kind == "band"] == ["not recorded"]


def test_few_spikes_have_a_region_of_2_ms_and_many_that_of_the_largest_confidence() -> None:
    page = build_session_page(made_material(grouped([*steady(1, stop_s=2000.0), [1.0, 2.0, 3.0]])))
    region = np.asarray(next(one for one in chart(page, "short-lags").layers if one.kind == "band").x)
    assert 2.5 < region[0, 1] < 3.5, "its refractory period is 3 ms"
    assert region[1].tolist() == [0.0, 2.0]


def test_invalid_intervals_are_bands_of_the_units_that_they_concern() -> None:
    invalid = INVALID_TIMES.conform(
        pd.DataFrame(
            {
                "start_time": [10.0, 20.0, 30.0, 50.0],
                "stop_time": [12.0, 25.0, 31.0, 40.0],
                "scope": ["all_probes", "probe00", "probe00", "all_probes"],
                "label": ["noise", None, "review: fail by ada, bo: loose", "ends before it starts"],
            }
        )
    )
    material = made_material(grouped(steady(2)), {"invalid_times": invalid})
    bands = {layer.name: layer for layer in chart(build_session_page(material), "rate").layers if layer.kind == "band"}
    assert np.asarray(bands["invalid"].x).tolist() == [10.0, 12.0]
    assert np.asarray(bands["invalid, this probe"].x).tolist() == [[20.0, 25.0]] * 2
    assert np.asarray(bands["marked by review, this probe"].x).tolist() == [[30.0, 31.0]] * 2
    assert bands.keys() == {"invalid", "invalid, this probe", "marked by review, this probe"}
