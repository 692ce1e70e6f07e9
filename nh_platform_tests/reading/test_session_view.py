"""A session reads as plain tables and arrays, and says what to run where something is not there yet."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import nh_platform
from nh_platform.session import ConfigError, StoreError, UnknownSession
from nh_platform.store import Provenance, Store
from nh_platform_tests.reading.conftest import GATED, LISTED, WHOLE


def test_the_parts_of_a_session(session) -> None:
    assert session.assets == ["events", "raw_spikes", "signals", "unit_embeddings", "units", "windows"]
    assert session.info.subject == "m1"
    assert session.spikes.counts.tolist() == [1000, 20, 0]
    assert session.probes["probe"].tolist() == ["probe00", "probe01"]
    assert session.channels["acronym"].tolist() == ["CA1"] * 3
    assert len(session.trials) == 5
    assert set(session.events) == {"trials", "invalid_times"}
    assert session.signal("wheel_position").unit == "rad"
    assert session.embeddings["n_spikes"].tolist() == [1000, 20, 0]
    assert session.provenance("windows").asset == "windows"


def test_units_have_region_label_and_verdict(session) -> None:
    units = session.units
    assert units["region"].tolist() == ["CA1", "VISp5", None]
    assert units["label"].tolist() == pytest.approx([1 / 3, 1.0, 0.0])
    assert units["good"].tolist() == [False, True, False]


def test_words_of_units_and_facts_of_a_session_without_released_tables(session) -> None:
    assert session.unit_words["n_spikes"] == ("1", "Spikes of the unit in this session")
    assert set(session.released_facts.values()) == {None}
    assert {"sex", "age_in_days", "genotype"} <= set(session.released_facts)


def test_good_units_by_the_active_or_a_named_rulebook(session) -> None:
    assert session.good_units().tolist() == [False, True, False]
    assert session.good_units("nh-common").tolist() == [True, True, False]
    with pytest.raises(UnknownSession, match="judged by ibl-2022-10, nh-common"):
        session.good_units("allen-vc-default")


def test_a_psth_shows_the_response(session) -> None:
    result = session.psth("stimOn_times", units=session.good_units())
    assert result.unit_ids.tolist() == ["b"]
    # probe00 is invalid from 5 to 6 s: of four stimuli the one at 5 s is left out
    assert (result.rate.shape, result.n_events.tolist(), result.left_out) == ((1, 50), [3], {"probe00": 1})
    # 5 spikes within 100 to 120 ms after each of 3 stimuli: 5 / 0.02 s
    assert result.rate[0, 30] == pytest.approx(250)
    assert result.rate[0].sum() == pytest.approx(250)
    assert result.bin_centers[30] == pytest.approx(0.11)


def test_a_psth_by_a_column(session) -> None:
    by_choice = session.psth(("trials", "stimOn_times"), units=["b"], by="choice", start=0.0, stop=0.2, bin_s=0.1)
    assert list(by_choice) == [-1.0, 0.0, 1.0]
    assert [by_choice[value].n_events.tolist() for value in by_choice] == [[0], [0], [3]]
    assert [by_choice[value].left_out for value in by_choice] == [{"probe00": 1}, {"probe00": 0}, {"probe00": 0}]
    assert by_choice[1.0].rate.tolist() == [[0.0, pytest.approx(50)]]
    assert np.isnan(by_choice[0.0].rate).all()
    assert np.isnan(by_choice[-1.0].rate).all()
    assert list(session.psth(by="contrastLeft")) == [0.25, 1.0]


def test_events_are_left_out_for_the_units_of_the_bad_probe_alone(session) -> None:
    result = session.psth()
    assert result.unit_ids.tolist() == ["a", "b", "c"]
    assert result.n_events.tolist() == [3, 3, 4]
    assert result.left_out == {"probe00": 1, "probe01": 0}
    # the window around 7 s does not reach the interval, one from 2 s before does; that of 1 s begins before the spikes
    assert session.psth(start=-2.0, stop=0.5, bin_s=0.1).left_out == {"probe00": 3, "probe01": 1}


def test_valid_spikes_leave_out_the_invalid_interval_of_the_probe(session) -> None:
    kept = session.valid_spikes
    inside = (session.spikes.of_unit(0) >= 5) & (session.spikes.of_unit(0) < 6)
    assert kept.spikes.of_unit(0).tolist() == session.spikes.of_unit(0)[~inside].tolist()
    assert kept.spikes.counts.tolist() == [900, 15, 0]
    assert kept.left_out == {"probe00": 105, "probe01": 0}
    first, last = session.spikes.time_range
    assert kept.duration_s == {"probe00": pytest.approx(last - first - 1), "probe01": pytest.approx(last - first)}


def test_units_by_mask_id_row_or_all_are_the_same(session) -> None:
    whole = session.psth().rate
    for chosen in (["c", "b"], [2, 1], np.array([2, 1])):
        assert np.array_equal(session.psth(units=chosen).rate, whole[[2, 1]])
    assert np.array_equal(session.psth(units=session.units["good"]).rate, whole[[1]])
    assert session.psth(units=np.zeros(3, dtype=bool)).rate.shape == (0, 50)
    assert session.psth(units=[]).rate.shape == (0, 50)


@pytest.mark.parametrize("units", [["b", "nobody"], [3], [-1], np.ones(2, dtype=bool)])
def test_units_that_are_not_there_are_named(session, units) -> None:
    with pytest.raises(UnknownSession, match="unit"):
        session.psth(units=units)


@pytest.mark.parametrize("event", ["stimOn", ("trials", "stimOn"), ("licks", "times"), "start"])
def test_unknown_events_name_those_there_are(session, event) -> None:
    with pytest.raises(ConfigError, match=r"\('trials', 'stimOn_times'\)"):
        session.psth(event)


def test_wrong_windows_and_columns_are_named(session) -> None:
    with pytest.raises(ConfigError, match="bin_s"):
        session.psth(bin_s=1 / 3)
    with pytest.raises(ConfigError, match="whole number of bins"):
        session.psth(stop=0.51)
    with pytest.raises(ConfigError, match="by='colour'"):
        session.psth(by="colour")


def test_a_psth_as_xarray(session) -> None:
    dataset = session.psth().to_xarray()
    assert dict(dataset.sizes) == {"unit": 3, "time": 50}
    assert float(dataset["rate"].sel(unit="b").isel(time=30)) == pytest.approx(250)
    assert dataset["n_events"].values.tolist() == [3, 3, 4]
    assert dataset.attrs["events_left_out"] == "probe00: 1, probe01: 0"


def test_what_upstream_lacks_is_said(session) -> None:
    with pytest.raises(
        UnknownSession,
        match=r"presentations of ibl session .*it has the tables invalid_times, trials\. "
        r"Read .* named event, `session\.events\(name\)`: trial start, stimulus onset, ",
    ):
        _ = session.presentations
    with pytest.raises(UnknownSession, match="has wheel_position"):
        session.signal("pupil_diameter")


def test_an_asset_that_is_not_made_says_what_to_run(home) -> None:
    listed = nh_platform.open_store(home).session("ibl", LISTED)
    assert listed.assets == []
    for read in ("units", "spikes", "trials", "embeddings"):
        with pytest.raises(UnknownSession, match=f"Run `nh materialize ibl {LISTED}`"):
            getattr(listed, read)
    with pytest.raises(UnknownSession, match="it has no windows"):
        listed.windows("continuous-1s")


def test_a_gated_session_says_why_it_has_no_windows(home) -> None:
    gated = nh_platform.open_store(home).session("ibl", GATED)
    with pytest.raises(StoreError, match="spikes are unusable: spike times are not sorted"):
        gated.windows("continuous-1s")


def test_what_was_made_of_gated_spikes_through_others_alone_is_refused(home, tmp_path: Path) -> None:
    shutil.copytree(home, tmp_path / "home", symlinks=True)
    store = Store(tmp_path / "home" / "store")
    for asset, read in (("windows", "raw_spikes"), ("lab_rates", "windows"), ("lab_trials", "events")):
        record = Provenance.make(
            asset=asset, source="ibl", session_id=GATED, code_version="1", inputs={read: "0" * 64}, parameters={}
        )
        with store.publish(record):
            pass
    gated = nh_platform.open_store(tmp_path / "home").session("ibl", GATED)
    with pytest.raises(StoreError, match="no current lab_rates, because its spikes are unusable"):
        gated.folder("lab_rates")
    assert gated.folder("lab_trials").is_dir()


def test_nothing_is_read_before_it_is_asked_for(session) -> None:
    assert not {"_recording", "_stored_events", "_stored_signals", "units", "embeddings", "_windows"} & set(
        vars(session)
    )
    assert WHOLE in repr(session)
