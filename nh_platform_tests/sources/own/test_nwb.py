"""NWB files of a lab, written by pynwb, become a source by a few lines of YAML and no code."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.sources.source import Source
from nh_platform_tests.sources.own.lab_files import N_CHANNELS, ONSETS, PITCH_UM, LabSession, write_nwb

STANDARD = "mylab:\n  kind: nwb\n  read: {files: rec/*.nwb}\n"
ONE = LabSession(1)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("nwb")
    write_nwb(home / "rec" / "mouse7_2026-03-04.nwb", ONE)
    write_nwb(home / "rec" / "mouse8 day.2.nwb", LabSession(2), subject="mouse8")
    return home


def source(home: Path, text: str = STANDARD) -> Source:
    (home / "sources.yaml").write_text(text)
    return Platform(load_settings(home)).source("mylab")


def test_a_standard_file_needs_nothing_but_its_path(recorded: Path) -> None:
    manifest = source(recorded).manifest()
    rows = manifest.sessions.set_index("session_id")
    assert sorted(rows.index) == ["mouse7_2026-03-04", "mouse8_day_2"]
    first = rows.loc["mouse7_2026-03-04"]
    assert (first["subject"], first["date"], first["lab"], first["task_protocol"]) == (
        "mouse7",
        "2026-03-04",
        "Lab of Mice",
        "gratings",
    )
    assert (first["n_units_released"], first["regions"]) == (8, "VISp2/3,VISp5")
    assert manifest.insertions["probe"].tolist() == ["imec0", "imec1"] * 2
    assert manifest.insertions["insertion_id"].is_unique


def test_units_have_the_spikes_probe_and_channel_that_the_lab_wrote(recorded: Path) -> None:
    lab = source(recorded)
    recording = lab.read_spikes(lab.manifest().session("mouse7_2026-03-04"))
    assert recording.units["unit_id"].tolist() == [str(100 + n) for n in range(8)]
    assert recording.units["probe"].tolist() == ["imec0"] * 4 + ["imec1"] * 4
    assert recording.units["channel"].tolist() == [ONE.peak(unit) for unit in range(4)] * 2
    assert recording.units["depth"].tolist() == [PITCH_UM * ONE.peak(unit) for unit in range(4)] * 2
    for row, (probe, unit) in enumerate((probe, unit) for probe in ONE.probes for unit in range(4)):
        assert np.array_equal(recording.spikes.of_unit(row), ONE.times[probe][unit])
        start, stop = recording.spikes.offsets[row : row + 2]
        assert np.allclose(recording.spikes.amplitudes[start:stop], ONE.amplitudes(probe, unit), rtol=1e-6)
    assert len(recording.channels) == 2 * N_CHANNELS
    assert recording.probes["probe"].tolist() == ["imec0", "imec1"]


def test_events_keep_the_columns_and_words_of_the_lab(recorded: Path) -> None:
    lab = source(recorded)
    events = lab.read_events(lab.manifest().session("mouse7_2026-03-04"))
    trials = events.tables["lab_trials"]
    assert trials["stim_on"].tolist() == ONSETS.tolist()
    assert trials["choice"].tolist()[:2] == ["right", "left"]
    assert trials["start_time"].tolist() == (ONSETS - 1).tolist()
    shown = events.tables["presentations"]
    assert (len(shown), set(shown["stimulus_name"]), set(shown["contrast"])) == (5, {"flash"}, {0.8})
    assert shown["valid"].all()
    assert events.tables["invalid_times"][["start_time", "scope"]].to_numpy().tolist() == [[100.0, "all_probes"]]


def test_every_plain_column_of_the_units_is_a_released_value_and_regions_are_known(recorded: Path) -> None:
    lab = source(recorded)
    session = lab.manifest().session("mouse7_2026-03-04")
    recording = lab.read_spikes(session)
    annotation = lab.read_annotation(session, recording.units, recording.channels)
    assert list(annotation.released) == ["unit_id", "released.ks_label", "released.snr"]
    assert annotation.released["released.snr"].tolist() == [2.0, 3.0, 4.0, 5.0] * 2
    assert annotation.released["released.ks_label"].tolist() == ["good", "mua"] * 4
    assert annotation.positions["acronym"].tolist() == ["VISp5", "VISp5", "VISp2/3", "VISp2/3"] * 2
    assert set(annotation.positions["beryl"]) == {"VISp"}
    assert annotation.positions["ccf_ap_um"].isna().all()  # the standard does not say whose coordinates they are
    assert not [note for note in annotation.notes if "Allen" in note.text]


def test_settings_choose_columns_positions_and_time_series(recorded: Path) -> None:
    text = (
        "mylab:\n  kind: nwb\n  read:\n    files: rec/*.nwb\n    session_id: identifier\n    ccf: true\n"
        "    axial: rel_depth\n    metrics: [snr]\n    amplitude_unit: mV\n    lab: Ours\n"
        "    signals: {running_speed: processing/behavior/running}\n"
        "    events:\n      stimulus onset: trials.stim_on\n"
        "      left choice: {at: trials.stim_on, filters: [{column: choice, include: [left]}]}\n"
    )
    lab = source(recorded, text)
    manifest = lab.manifest()
    assert "id-mouse7_2026-03-04" in manifest.session_ids
    assert set(manifest.sessions["lab"]) == {"Ours"}
    session = manifest.session("id-mouse7_2026-03-04")
    recording = lab.read_spikes(session)
    assert np.nanmedian(recording.spikes.amplitudes) == pytest.approx(1.2e-7, rel=0.05)
    annotation = lab.read_annotation(session, recording.units, recording.channels)
    assert list(annotation.released) == ["unit_id", "released.snr"]
    assert annotation.positions["ccf_ap_um"].tolist() == [5000.0 + ONE.peak(unit) for unit in range(4)] * 2
    assert set(annotation.positions["histology"]) == {"lab"}
    left = source(recorded, text.replace("ccf: true", "ccf: true\n    ml_towards: left"))
    mirrored = left.read_annotation(session, recording.units, recording.channels).positions
    assert mirrored["ccf_ml_um"].tolist() == annotation.positions["ccf_ml_um"].tolist()  # as the file states it
    assert np.allclose(mirrored["x_m"], -annotation.positions["x_m"] - 2 * 39e-6)  # bregma: 39 µm beside the middle
    assert load_settings(recorded).entry("mylab").ml_towards == "left"
    running = lab.read_signals(session).signals["running_speed"]
    assert (running.unit, running.timestamps[:2].tolist(), running.values[:3].tolist()) == (
        "cm/s",
        [0.5, 1.0],
        [0.0, 0.5, 1.0],
    )
    events = load_settings(recorded).entry("mylab").events
    assert events["left choice"].label == "lab_trials.stim_on"
    assert events["trial start"].label == "lab_trials.start_time"


@pytest.mark.parametrize(
    ("stated", "line", "key", "found", "nearest"),
    [
        ("region: locaton", 5, "mylab.read.region", "no file has a column 'locaton' in its electrodes", "location"),
        ("metrics: [snr, ks_lable]", 5, "mylab.read.metrics.1", "'ks_lable' in its units", "ks_label"),
        ("events: {go: trials.stim_onn}", 5, "mylab.read.events.go", "'stim_onn' in its trials", "stim_on"),
        ("trials: trails", 5, "mylab.read.trials", "'trails' in its intervals", "trials"),
        ("regionn: location", 5, "mylab.read.regionn", "unknown key 'regionn'", "region"),
        ("events: {go: tirals.stim_on}", 5, "mylab.read.events", "is no place of an event", "trials.<column>"),
        ("amplitude_unit: volts", 5, "mylab.read.amplitude_unit", "it is 'volts'", "'V'"),
    ],
)
def test_a_name_that_no_file_has_is_refused_with_the_nearest(
    recorded: Path, stated: str, line: int, key: str, found: str, nearest: str
) -> None:
    with pytest.raises(ConfigError) as error:
        source(recorded, f"mylab:\n  kind: nwb\n  read:\n    files: rec/*.nwb\n    {stated}\n").manifest()
    text = str(error.value)
    assert f"sources.yaml:{line}, {key}" in text
    assert found in text
    assert nearest in text


def test_a_column_that_some_files_lack_is_of_those_that_have_it(recorded: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_nwb(tmp_path / "rec" / f"{name}.nwb", ONE)
    with h5py.File(tmp_path / "rec" / "b.nwb", "a") as handle:
        del handle["units/snr"]
    lab = source(tmp_path, "mylab:\n  kind: nwb\n  read: {files: rec/*.nwb, metrics: [snr]}\n")
    session = lab.manifest().session("b")
    recording = lab.read_spikes(session)
    annotation = lab.read_annotation(session, recording.units, recording.channels)
    assert annotation.released["released.snr"].isna().all()
    assert "units/snr: no such column in this file; NaN" in {note.text for note in annotation.notes}


def test_a_damaged_file_is_listed_fails_by_name_and_the_others_go_on(recorded: Path, tmp_path: Path) -> None:
    write_nwb(tmp_path / "rec" / "whole.nwb", ONE)
    (tmp_path / "rec" / "half.nwb").write_bytes((tmp_path / "rec" / "whole.nwb").read_bytes()[:5000])
    lab = source(tmp_path)
    manifest = lab.manifest()
    assert manifest.session_ids == ["whole", "half"]
    with pytest.raises(BadUpstreamData, match=r"half\.nwb.*Copy the file again"):
        lab.read_spikes(manifest.session("half"))
    assert lab.read_spikes(manifest.session("whole")).spikes.n_units == 8
    (tmp_path / "rec" / "whole.nwb").unlink()
    with pytest.raises(BadUpstreamData, match="it is not there"):
        lab.read_events(manifest.session("whole"))


def test_a_changed_file_changes_its_session_alone(recorded: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_nwb(tmp_path / "rec" / f"{name}.nwb", ONE)
    lab = source(tmp_path)
    before, signal = lab.manifest(), lab.signal()
    with h5py.File(tmp_path / "rec" / "b.nwb", "a") as handle:
        handle["units/snr"][0] = 9.0
    after = lab.manifest()
    assert lab.signal() != signal
    assert before.version() != after.version()
    assert before.session("a").version("spikes") == after.session("a").version("spikes")
    assert before.session("b").version("spikes") != after.session("b").version("spikes")
    with pytest.raises(BadUpstreamData, match="changed since the sync"):
        lab.read_spikes(before.session("b"))


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("data", "conversion", "metres"),
        ("data", "conversion", 0.0),
        ("data", "offset", float("nan")),
        ("starting_time", "rate", 0.0),
        ("starting_time", "rate", -2.0),
        ("starting_time", "rate", "fast"),
    ],
)
def test_a_scale_or_rate_that_is_none_leaves_the_signal_out_by_name(
    recorded: Path, tmp_path: Path, place: str, name: str, value: object
) -> None:
    shutil.copytree(recorded, tmp_path / "home")
    with h5py.File(tmp_path / "home" / "rec" / "mouse7_2026-03-04.nwb", "a") as file:
        file[f"processing/behavior/running/{place}"].attrs[name] = value
    text = STANDARD.replace("rec/*.nwb", "rec/*.nwb, signals: {running: processing/behavior/running}")
    lab = source(tmp_path / "home", text)
    signals = lab.read_signals(lab.manifest().session("mouse7_2026-03-04"))
    assert signals.signals == {}
    assert any(f"states a {name} that" in note.text for note in signals.notes)


def test_what_a_copy_leaves_beside_a_file_is_no_session(recorded: Path, tmp_path: Path) -> None:
    shutil.copytree(recorded, tmp_path / "home")
    before = source(tmp_path / "home").manifest()
    (whole, *_) = sorted(path for path in (tmp_path / "home").rglob("*.nwb"))
    (whole.parent / f"._{whole.name}").write_bytes(b"a copy's resource fork")
    after = source(tmp_path / "home").manifest()
    assert after.session_ids == before.session_ids


def test_two_files_of_one_name_and_no_file_at_all_are_refused(recorded: Path, tmp_path: Path) -> None:
    write_nwb(tmp_path / "rec" / "m1" / "day.nwb", ONE)
    write_nwb(tmp_path / "rec" / "m2" / "day.nwb", ONE)
    with pytest.raises(ConfigError, match=r"m1/day\.nwb and .*m2/day\.nwb are both session 'day'"):
        source(tmp_path, "mylab:\n  kind: nwb\n  read: {files: rec/**/*.nwb}\n").manifest()
    with pytest.raises(
        ConfigError, match=r"sources\.yaml:3, mylab\.read\.files: no file matches .*elsewhere is not there"
    ):
        source(tmp_path, STANDARD.replace("rec/", "elsewhere/")).manifest()


def peaks_by_id(path: Path, ids: list[int], peaks: list[int]) -> None:
    """State the ids of the electrodes, and for each unit the id of its peak channel."""
    with h5py.File(path, "r+") as handle:
        handle["general/extracellular_ephys/electrodes/id"][:] = ids
        units = handle["units"]
        units["peak_channel_id"] = np.array(peaks)
        units["peak_channel_id"].attrs.update(units["snr"].attrs)
        units.attrs["colnames"] = [*units.attrs["colnames"], "peak_channel_id"]


def test_an_electrode_whose_id_stands_twice_is_nobodys_peak_channel(tmp_path: Path) -> None:
    write_nwb(tmp_path / "rec" / "day.nwb", ONE)
    ids = [
        *range(N_CHANNELS),
        1,
        *range(1001, 1000 + N_CHANNELS),
    ]  # the first of the second probe has an id of the first
    peaks = [0, 1, 2, 3, 1001, 1, 1002, 1003]
    peaks_by_id(tmp_path / "rec" / "day.nwb", ids, peaks)
    lab = source(tmp_path)
    recording = lab.read_spikes(lab.manifest().session("day"))
    assert recording.units["channel"].tolist() == [0, -1, 2, 3, 1, -1, 2, 3]
    assert recording.units["probe"].tolist() == ["imec0"] * 4 + ["imec1"] * 4  # by their group
    assert len(recording.channels) == 2 * N_CHANNELS
    texts = [note.text for note in recording.notes]
    assert any(f"2 of {2 * N_CHANNELS} electrodes have an id that stands twice: 1; " in text for text in texts)
    assert any("2 of 8 units name an electrode whose id stands twice: 1; their channel is unknown" in t for t in texts)


def test_files_without_probes_metrics_or_trials_are_read_with_notes(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from pynwb import NWBHDF5IO, NWBFile

    nwb = NWBFile("bare", "bare", datetime(2026, 1, 1, tzinfo=UTC))
    for unit in range(3):
        nwb.add_unit(spike_times=np.linspace(1 + unit, 90, 50))
    (tmp_path / "rec").mkdir()
    with NWBHDF5IO(tmp_path / "rec" / "bare.nwb", "w") as io:
        io.write(nwb)
    lab = source(tmp_path)
    session = lab.manifest().session("bare")
    recording = lab.read_spikes(session)
    assert recording.units[["probe", "channel"]].drop_duplicates().to_numpy().tolist() == [["probe00", -1]]
    assert np.array_equal(recording.spikes.of_unit(2), np.linspace(3, 90, 50))
    assert np.isnan(recording.spikes.amplitudes).all()
    annotation = lab.read_annotation(session, recording.units, recording.channels)
    assert list(annotation.released) == ["unit_id"]
    events = lab.read_events(session)
    assert set(events.tables) == {"invalid_times"}
    assert any("no table intervals/trials" in note.text for note in events.notes)
    assert pd.isna(annotation.positions["acronym"]).all()


def test_names_and_kinds_that_cannot_be_served_are_refused_with_the_line(tmp_path: Path) -> None:
    for text, found in (
        (
            "ibl:\n  kind: nwb\n  read: {files: a.nwb}\n",
            r"sources\.yaml:2, ibl\.kind: 'ibl' is a source of the platform",
        ),
        ("My-Lab:\n  kind: nwb\n  read: {files: a.nwb}\n", r"sources\.yaml:1, My-Lab: .*must be small letters"),
        ("mylab:\n  kind: nbw\n  read: {files: a.nwb}\n", r"sources\.yaml:2, mylab\.kind: it is 'nbw'.*'nwb'"),
        (
            "mylab:\n  read: {files: a.nwb}\n",
            r"sources\.yaml:1, mylab: there is no source 'mylab'.*state its kind: nwb, phy, alf",
        ),
        ("mylab:\n  kind: nwb\n", r"mylab\.read\.files: 'files' is missing"),
        (
            "mylab:\n  kind: nwb\n  read: {files: rec}\n",
            r"sources\.yaml:3, mylab\.read\.files: .*write for example .*\*\.nwb",
        ),
    ):
        (tmp_path / "sources.yaml").write_text(text)
        with pytest.raises(ConfigError, match=found):
            Platform(load_settings(tmp_path))
