"""The page of insertions says where each lies, by what its units are labelled, and which have no position and why."""

from __future__ import annotations

from html import unescape

import numpy as np
import pandas as pd
import pytest

from nh_platform.reading.searching.probe_positions import ProbePositions
from nh_platform.reports.probe_page.content import LABELS, ProbePage, make_probe_page
from nh_platform.reports.probe_page.rendering import render_probe_page
from nh_platform_tests.reports.probe_page.insertions import N_CHANNELS, many_insertions


@pytest.fixture
def page() -> ProbePage:
    probes, positions = many_insertions(6, units_per_probe=50, unlocated=1)
    return make_probe_page("some", probes, positions)


def test_an_insertion_without_a_position_is_listed_with_the_reason(page: ProbePage) -> None:
    assert page.insertions["insertion_id"].tolist() == [f"pid000{number}" for number in range(5)]
    assert page.not_drawn[["insertion_id", "why"]].values.tolist() == [["pid0005", "upstream states no final position"]]


def test_facts_of_an_insertion_are_counted_from_its_rows() -> None:
    probes, positions = many_insertions(4, units_per_probe=30)
    page = make_probe_page("some", probes, positions)
    units = positions[0].units
    for row, one in page.insertions.iterrows():
        mine = units[units["insertion_id"] == one["insertion_id"]]
        assert (one["channels"], one["units"], one["good"]) == (N_CHANNELS, 30, (mine["label"] == "pass").sum()), row


def test_the_side_is_left_below_the_middle_of_the_volume() -> None:
    probes, positions = many_insertions(40, units_per_probe=5)
    page = make_probe_page("some", probes, positions)
    ml = positions[0].channels.groupby("insertion_id")["ml_um"]
    for one, side in zip(page.insertions["insertion_id"], page.insertions["side"]):
        low, high = ml.min()[one], ml.max()[one]
        assert side == ("left" if high < 5700 else "right" if low >= 5700 else "both")
    assert set(page.insertions["side"]) >= {"left", "right"}


def test_tracks_have_both_ends_and_every_change_of_region() -> None:
    probes, positions = many_insertions(3, units_per_probe=5)
    page = make_probe_page("some", probes, positions)
    channels = positions[0].channels
    for number in range(3):
        track = page.tracks[page.tracks["insertion"] == number]
        mine = channels[channels["insertion_id"] == f"pid000{number}"]
        assert track[["ap_um", "dv_um", "ml_um"]].iloc[[0, -1]].values.tolist() == (
            mine[["ap_um", "dv_um", "ml_um"]].iloc[[0, -1]].values.tolist()
        )
        assert len(track) < N_CHANNELS / 8
        changes = (mine["acronym"].to_numpy()[1:] != mine["acronym"].to_numpy()[:-1]).sum()
        assert (np.diff(track["region"]) != 0).sum() == changes == 5


def test_points_count_every_unit_once_by_place_and_label() -> None:
    probes, positions = many_insertions(3, units_per_probe=1000)
    page = make_probe_page("some", probes, positions)
    assert page.points["count"].sum() == 3000
    good = page.points[page.points["label"] == LABELS.index("pass")]
    assert good["count"].sum() == (positions[0].units["label"] == "pass").sum()
    assert not page.points.duplicated(["insertion", "ap_um", "dv_um", "ml_um", "label"]).any()


def test_channels_are_the_points_of_an_insertion_without_units_and_units_its_track_without_channels() -> None:
    probes, (found,) = many_insertions(2, units_per_probe=20)
    channels = found.channels[found.channels["insertion_id"] == "pid0000"]
    units = found.units[found.units["insertion_id"] == "pid0001"]
    page = make_probe_page("some", probes, [ProbePositions(channels, units, {})])
    assert set(page.points.loc[page.points["insertion"] == 0, "label"]) == {LABELS.index("channel")}
    assert (page.tracks["insertion"] == 1).sum() >= 2
    assert page.insertions["units"].tolist() == [0, 20]


def test_colours_are_those_of_the_ontology_and_what_has_none_is_grey() -> None:
    probes, (found,) = many_insertions(1)
    acronym = pd.Series(["CA1", "root", None, "Foo9"] * (N_CHANNELS // 4), dtype=object)
    page = make_probe_page(
        "some", probes, [ProbePositions(found.channels.assign(acronym=acronym), found.units[:0], {})]
    )
    colours = page.regions.set_index("acronym")["colour"].to_dict()
    assert colours == {"CA1": "#7ed04b", "root": "#8c959f", "no region": "#8c959f", "Foo9": "#8c959f"}


def test_nothing_located_and_nothing_found_still_make_a_page() -> None:
    probes, positions = many_insertions(2, unlocated=2)
    page = make_probe_page("none", probes, positions)
    assert len(page.insertions) == len(page.tracks) == len(page.points) == 0
    assert "pid0001" in render_probe_page(page)
    assert render_probe_page(make_probe_page("none", probes[:0], positions))


def test_the_page_is_one_file_the_same_twice_and_markup_in_names_is_no_markup() -> None:
    probes, positions = many_insertions(3, unlocated=1)
    probes = probes.assign(subject="<script>alert(1)</script>", lab='"><img src=x>')
    page = make_probe_page("<b>mine</b>", probes, positions)
    html = render_probe_page(page)
    assert html == render_probe_page(page)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "<b>mine" not in html
    assert "default-src 'none'" in unescape(html)


def test_699_insertions_stay_a_small_page() -> None:
    probes, positions = many_insertions(699, units_per_probe=300)
    assert len(render_probe_page(make_probe_page("many", probes, positions))) < 6e6
