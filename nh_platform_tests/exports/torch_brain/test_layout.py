"""Sessions of every source as recordings: what is in them is what the store holds, and what cannot be is refused."""

from __future__ import annotations

import shutil
import warnings
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from nh_platform import operations
from nh_platform.exports.layout import Request
from nh_platform.exports.origin import Origin
from nh_platform.exports.torch_brain import layout, splits
from nh_platform.exports.torch_brain.descriptions import description_groups
from nh_platform.exports.torch_brain.layout import DATASET_FILE
from nh_platform.exports.torch_brain.objects import Group
from nh_platform.exports.torch_brain.recording_file import read_recording
from nh_platform.home.platform import Platform
from nh_platform.operations.exports.session_export import SessionsExport
from nh_platform.reading import OpenedStore, SessionView
from nh_platform.session import ConfigError, StoreError, UnknownSession
from nh_platform.windows.intervals import duration_s
from nh_platform_tests.exports.torch_brain.conftest import SOURCES

ORIGIN = Origin("ibl", "one", "A data set", "", "", {}, "", (), "nh-platform")


def session_of(store: OpenedStore, source: str) -> SessionView:
    return store.session(source, store.sessions(source)["session_id"][0])


def recording_of(recordings: Path, session: SessionView) -> Group:
    return read_recording(recordings / session.source / f"{session.session_id}.h5")


def export(home: Platform, source: str, out: Path, **how: Any) -> SessionsExport:
    return operations.export_sessions(home.settings.home, "torch-brain", source, out, **how)


def written(home: Platform, source: str, out: Path, **how: Any) -> Group:
    done = export(home, source, out, **how)
    assert done.failed == {}
    (path,) = done.written.values()
    return read_recording(out / path)


def domain(recording: Group, name: str) -> list[list[float]]:
    bounds = recording.groups[name].arrays
    return np.column_stack([bounds["start"], bounds["end"]]).tolist()


@pytest.mark.parametrize("source", SOURCES)
def test_spikes_and_units_are_those_of_the_store(recordings: Path, store: OpenedStore, source: str) -> None:
    session = session_of(store, source)
    found = recording_of(recordings, session)
    spikes, stored = found.groups["spikes"], session.spikes
    order = np.lexsort((np.repeat(np.arange(stored.n_units), stored.counts), stored.times))
    np.testing.assert_array_equal(spikes.arrays["timestamps"], stored.times[order])
    np.testing.assert_array_equal(
        spikes.arrays["unit_index"], np.repeat(np.arange(stored.n_units), stored.counts)[order]
    )
    np.testing.assert_array_equal(spikes.arrays["amplitude"], stored.amplitudes[order])
    assert 1e-6 < np.median(spikes.arrays["amplitude"]) < 1e-3  # volts
    assert spikes.arrays["unit_index"].dtype == np.int64
    assert spikes.domain is not None
    assert spikes.domain.tolist() == [[stored.recorded_time.start, stored.recorded_time.stop]]
    units, table = found.groups["units"].arrays, session.units
    assert units["id"].tolist() == table["unit_id"].tolist()
    assert units["region_beryl"].tolist() == table["beryl"].fillna("").tolist()
    np.testing.assert_array_equal(units["good"], session.good_units())
    np.testing.assert_array_equal(units["label"], table["label"])
    rate = table["released.firing_rate"].fillna(table["ibl.firing_rate@2022-10"])  # a unit without spikes has none
    np.testing.assert_allclose(units["firing_rate"], rate)
    rules = [name for name in table if name.startswith("rule.")]
    assert rules
    for name in rules:
        key = name.replace("-", "_").replace(".", "_")
        np.testing.assert_array_equal(units[key], table[name])
    probes = found.groups["probes"].arrays
    assert set(units["probe_id"]) <= set(probes["id"]) == set(session.probes["insertion_id"])


def test_the_species_is_assumed_of_a_source_of_a_labs_own_and_that_is_said() -> None:
    info = SimpleNamespace(task_protocol="", projects="", date="", lab="", subject="")
    lab = SimpleNamespace(source="mylab", session_id="one", info=info, metadata={}, released_facts={})
    groups, notes = description_groups(lab, ORIGIN)  # type: ignore[arg-type]
    assert groups["subject"].attributes["species"] == "MUS_MUSCULUS"
    assert notes == ("the species of the subject is not stated; MUS_MUSCULUS is assumed",)
    lab.source = "ibl"
    assert description_groups(lab, ORIGIN)[1] == ()  # type: ignore[arg-type]


@pytest.mark.parametrize("source", SOURCES)
def test_who_when_terms_and_citations_are_in_the_file(recordings: Path, store: OpenedStore, source: str) -> None:
    session = session_of(store, source)
    groups = recording_of(recordings, session).groups
    assert groups["session"].attributes["id"] == session.session_id
    assert groups["session"].attributes["recording_date"] == f"{session.info.date} 00:00:00"
    assert (groups["subject"].attributes["id"], groups["subject"].attributes["species"]) == (
        session.info.subject, "MUS_MUSCULUS",
    )  # fmt: skip
    brainset, provenance = groups["brainset"].attributes, groups["provenance"].attributes
    assert (brainset["id"], brainset["torch_brain_version"], brainset["unit_filtering"]) == (
        source, "0.2.1", "all_units",
    )  # fmt: skip
    assert brainset["terms"]
    assert "https://" in str(brainset["citations"])
    assert f"units: {session.provenance('units').data_version}" in str(provenance["data_versions"])
    stated = session.released_facts
    assert groups["subject"].attributes.get("age") == stated["age_in_days"]
    assert groups["subject"].attributes.get("sex") == stated["sex"]
    assert groups["subject"].attributes.get("genotype") == stated["genotype"]
    assert source == "ibl" or stated["sex"]


def test_trials_of_ibl_have_the_names_of_the_benchmark(recordings: Path, store: OpenedStore) -> None:
    session = session_of(store, "ibl")
    trials, stored = recording_of(recordings, session).groups["trials"], session.events["trials"]
    rows = trials.arrays["row"]
    np.testing.assert_array_equal(trials.arrays["start"], stored["start_time"].to_numpy()[rows])
    for name, column in (("stim_on_time", "stimOn_times"), ("feedback_time", "feedback_times")):
        np.testing.assert_array_equal(trials.arrays[name], stored[column].to_numpy()[rows])
        assert name in trials.timekeys
    assert {"start", "end", "movement_onset_time", "go_cue_time", "stim_off_time"} <= set(trials.timekeys)
    assert not {"reaction_time", "quiescencePeriod"} & set(trials.timekeys)
    assert not {"bpod_start", "bpod_stop"} & set(trials.arrays)  # of another clock
    assert trials.arrays["is_valid"].any()


def test_presentations_are_by_stimulus_and_those_of_one_do_not_overlap(recordings: Path, store: OpenedStore) -> None:
    for source in ("allen_vc", "allen_vbn"):
        session = session_of(store, source)
        shown, stored = recording_of(recordings, session).groups["presentations"], session.presentations
        assert set(shown.groups) == set(stored["stimulus_name"])
        for name, group in shown.groups.items():
            np.testing.assert_array_equal(group.arrays["start"], stored["start_time"].to_numpy()[group.arrays["row"]])
            assert (stored["stimulus_name"].to_numpy()[group.arrays["row"]] == name).all()


@pytest.mark.parametrize("source", SOURCES)
def test_every_signal_covers_the_recorded_time_at_its_rate(recordings: Path, store: OpenedStore, source: str) -> None:
    session = session_of(store, source)
    found, recorded = recording_of(recordings, session), session.spikes.recorded_time
    table = found.groups["signals"].arrays
    assert len(table["name"])
    for group, name, rate, share in zip(table["group"], table["name"], table["rate_hz"], table["share_known"]):
        series = found.groups[group]
        assert (series.kind, series.rate_hz) == ("RegularTimeSeries", rate)
        assert series.domain is not None
        if group not in ("wheel", "whisker", "licks"):  # those last as long as the left camera
            assert series.domain[0, 0] == recorded.start
            assert series.domain[0, 1] >= recorded.stop
        assert np.isfinite(series.arrays[name]).mean() == share
    if source == "ibl":
        names = {"wheel": "wheel_speed", "whisker": "whisker_motion_energy", "licks": "licking_rate"}
        for group, name in names.items():
            assert name in found.groups[group].arrays
            assert found.groups[group].rate_hz == 50.0
        licks, series = session.events["licks"]["times"], found.groups["licks"]
        assert series.domain is not None
        inside = ((licks >= series.domain[0, 0]) & (licks < series.domain[0, 1])).sum()
        assert series.arrays["licking_rate"].sum() / 50 == pytest.approx(inside, abs=1)


def test_invalid_time_is_cut_out_and_that_of_a_probe_is_stated(recordings: Path, store: OpenedStore) -> None:
    session = session_of(store, "allen_vc")
    found, invalid = recording_of(recordings, session), session.invalid_times
    assert len(invalid.session)
    assert invalid.probes
    assert found.domain is not None
    recorded = session.spikes.recorded_time
    assert duration_s(found.domain) == pytest.approx(recorded.duration_s - duration_s(invalid.session))
    inside = found.groups["invalid_times"].groups
    assert set(inside) == {"session", *session.probes["probe"]}
    for probe, intervals in invalid.probes.items():
        assert inside[probe].arrays["start"].tolist() == intervals[:, 0].tolist()


@pytest.mark.parametrize("source", SOURCES)
def test_splits_are_causal_with_a_gap_and_have_both_names(recordings: Path, store: OpenedStore, source: str) -> None:
    found = recording_of(recordings, session_of(store, source))
    train, valid, test = (domain(found, f"{name}_domain") for name in ("train", "valid", "test"))
    assert domain(found, "val_domain") == valid
    assert train[-1][1] + 20.0 <= valid[0][0]
    assert valid[-1][1] + 20.0 <= test[0][0]


def test_the_same_data_give_the_same_bytes_and_int32_a_smaller_file(
    home: Platform, recordings: Path, tmp_path: Path
) -> None:
    for source in SOURCES:
        done = export(home, source, tmp_path / "again")
        for path in done.written.values():
            assert (tmp_path / "again" / path).read_bytes() == (recordings / path).read_bytes()
    small = written(home, "ibl", tmp_path / "small", options={"unit_index": "int32", "split": "none"})
    assert small.groups["spikes"].arrays["unit_index"].dtype == np.int32
    assert not {"train_domain", "valid_domain", "val_domain", "test_domain"} & set(small.groups)


def test_good_units_alone_have_rows_from_zero_and_the_same_domain(
    home: Platform, store: OpenedStore, tmp_path: Path
) -> None:
    session = session_of(store, "ibl")
    rows = np.flatnonzero(session.good_units())
    assert 0 < len(rows) < len(session.units)
    found = written(home, "ibl", tmp_path, units="good")
    assert found.groups["units"].arrays["id"].tolist() == session.units["unit_id"].iloc[rows].tolist()
    for place, row in enumerate(rows):
        of_unit = found.groups["spikes"].arrays["unit_index"] == place
        np.testing.assert_array_equal(found.groups["spikes"].arrays["timestamps"][of_unit], session.spikes.of_unit(row))
    assert found.groups["brainset"].attributes["unit_filtering"] == "custom"
    recorded = session.spikes.recorded_time
    assert found.groups["spikes"].domain.tolist() == [[recorded.start, recorded.stop]]  # type: ignore[union-attr]


def test_a_split_by_the_task_follows_its_trials(
    home: Platform, store: OpenedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = written(home, "ibl", tmp_path, options={"split": "task"})
    trials = domain(found, "trials")
    train, test = domain(found, "train_domain"), domain(found, "test_domain")
    ends = {round(end, 6) for pair in trials for end in pair}
    assert round(train[-1][1], 6) in ends
    assert test[-1][1] == session_of(store, "ibl").spikes.recorded_time.stop
    monkeypatch.setattr(splits, "task_time_ranges", partial(splits.task_time_ranges, gap_s=300.0))
    (error,) = export(home, "ibl", tmp_path, options={"split": "task"}, again=True).failed.values()
    assert "with gaps of 300 s: nothing is left of" in str(error)


def test_a_split_of_a_training_set_is_that_of_the_set(home: Platform, tmp_path: Path) -> None:
    copy = tmp_path / "home"
    shutil.copytree(home.settings.home, copy)
    (copy / "training_sets").mkdir()
    recipe = "id: small\ndescription: One session.\nsources:\n  ibl: {units: all}\n"
    (copy / "training_sets" / "small.yaml").write_text(f"{recipe}split: {{by: causal, gap_s: 2}}\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        operations.build_training_set(copy, "small")
    done = operations.export_sessions(
        copy, "torch-brain", "ibl", tmp_path / "out", options={"split": "training-set:small"}
    )
    assert done.failed == {}
    found = read_recording(tmp_path / "out" / next(iter(done.written.values())))
    assert domain(found, "valid_domain")[0][0] - domain(found, "train_domain")[-1][1] == pytest.approx(2.0)
    other = operations.export_sessions(
        copy, "torch-brain", "allen_vc", tmp_path / "out", options={"split": "training-set:small"}
    )
    (error,) = other.failed.values()
    assert "none of training set small@1" in str(error)
    assert not list((tmp_path / "out" / "allen_vc").glob("*"))


def test_what_cannot_be_is_refused_before_anything_is_written(home: Platform, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="no such way to divide a session") as refused:
        export(home, "ibl", out, options={"split": "casual"})
    assert "Did you mean causal?" in str(refused.value)
    with pytest.raises(ConfigError, match="refuses what is unsigned or float"):
        export(home, "ibl", out, options={"unit_index": "uint16"})
    with pytest.raises(UnknownSession):
        export(home, "ibl", out, options={"split": "training-set:nothing"})
    assert not out.exists()
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds something else"):
        export(home, "ibl", out)


def test_a_session_without_trials_signals_or_spikes_is_exported_or_named(
    home: Platform, store: OpenedStore, tmp_path: Path
) -> None:
    done = export(home, "allen_vc", tmp_path / "vc")
    (notes,) = done.left_out.values()
    assert "trials: the session has none" in notes
    copy = tmp_path / "home"
    shutil.copytree(home.settings.home, copy)
    session = session_of(store, "ibl")
    shutil.rmtree(copy / "store" / "ibl" / session.session_id / "signals")
    done = operations.export_sessions(copy, "torch-brain", "ibl", tmp_path / "out")
    (path,) = done.written.values()
    found = read_recording(tmp_path / "out" / path)
    assert "wheel" not in found.groups
    assert found.groups["signals"].arrays["group"].tolist() == ["licks"]
    shutil.rmtree(copy / "store" / "ibl" / session.session_id / "events")
    (error,) = operations.export_sessions(copy, "torch-brain", "ibl", tmp_path / "none").failed.values()
    assert "events" in str(error)


def test_a_fault_that_is_found_leaves_no_file(home: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(path: Path, recording: Group) -> None:
        write(path, recording)
        with h5py.File(path, "r+") as handle:
            handle["spikes/unit_index"][0] = 10_000

    write = layout.write_recording
    monkeypatch.setattr(layout, "write_recording", damaged)
    done = export(home, "ibl", tmp_path)
    (error,) = done.failed.values()
    assert isinstance(error, StoreError)
    assert "to 10000 and there are" in str(error)
    assert not list(tmp_path.rglob("*.h5"))
    assert not (tmp_path / DATASET_FILE).exists()


def test_stray_spikes_are_left_out_and_said(store: OpenedStore, tmp_path: Path) -> None:
    from dataclasses import replace

    from nh_platform.exports.torch_brain.spikes import spike_group
    from nh_platform.session import Spikes

    session = SessionView(store.store, "ibl", session_of(store, "ibl").session_id)
    recording = session._recording
    spikes = recording.spikes
    times = spikes.times.copy()
    times[0] = -3.0
    session.__dict__["_recording"] = replace(
        recording, spikes=Spikes(times, spikes.offsets, spikes.amplitudes, spikes.depths)
    )
    group, notes = spike_group(session, np.arange(spikes.n_units), "int64")
    assert len(group) == len(times) - 1
    assert notes[0].startswith("1 spike outside of the recorded time")
    request = Request(ORIGIN, np.arange(spikes.n_units), dict(layout.LAYOUT.options))
    assert layout.write(session, tmp_path / "a.h5", request)[0] == notes[0]


def test_the_data_set_of_torch_brain_lies_beside_and_parses(recordings: Path) -> None:
    text = (recordings / DATASET_FILE).read_text(encoding="utf-8")
    compile(text, DATASET_FILE, "exec")
    assert "SPDX-License-Identifier: MIT" in text
