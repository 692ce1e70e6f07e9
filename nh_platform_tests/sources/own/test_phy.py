"""Kilosort/phy folders with CSV files become a source by a few lines of YAML and no code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.sources.own.phy.sorting import stated_rate
from nh_platform.sources.source import Source
from nh_platform_tests.sources.own.lab_files import N_CHANNELS, ONSETS, PITCH_UM, RATE_HZ, LabSession, write_phy

STANDARD = "sorted:\n  kind: phy\n  read: {folders: rec/*}\n"
ONE = LabSession(1)
DAY = "mouse7_2026-03-04"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_phy(tmp_path / "rec" / DAY, ONE)
    return tmp_path


def source(home: Path, text: str = STANDARD) -> Source:
    (home / "sources.yaml").write_text(text)
    return Platform(load_settings(home)).source("sorted")


def test_folders_are_sessions_and_sortings_below_them_probes(home: Path) -> None:
    manifest = source(home).manifest()
    (row,) = manifest.sessions.to_dict("records")
    assert (row["session_id"], row["subject"], row["date"]) == (DAY, "mouse7", "2026-03-04")
    assert manifest.insertions["probe"].tolist() == ["imec0", "imec1"]
    groups = manifest.files.groupby("group")["name"].nunique()
    assert groups.to_dict() == {"events": 2, "qc": 2, "spikes": 8}


def test_hidden_folders_are_no_sessions(home: Path) -> None:
    write_phy(home / "rec" / ".trash", ONE)
    assert source(home).manifest().session_ids == [DAY]


def test_samples_become_seconds_by_the_rate_of_params(home: Path) -> None:
    lab = source(home, STANDARD.replace("rec/*", "rec/*, volts_per_amplitude: 1.0e-5"))
    recording = lab.read_spikes(lab.manifest().session(DAY))
    assert recording.units["unit_id"].tolist() == [f"{probe}_{10 + 3 * n}" for probe in ONE.probes for n in range(4)]
    assert recording.units["channel"].tolist() == [ONE.peak(unit) for unit in range(4)] * 2
    assert recording.units["depth"].tolist() == [PITCH_UM * ONE.peak(unit) for unit in range(4)] * 2
    for row, (probe, unit) in enumerate((probe, unit) for probe in ONE.probes for unit in range(4)):
        assert np.array_equal(recording.spikes.of_unit(row), np.round(ONE.times[probe][unit] * RATE_HZ) / RATE_HZ)
        start, stop = recording.spikes.offsets[row : row + 2]
        assert np.allclose(recording.spikes.amplitudes[start:stop], ONE.amplitudes(probe, unit), rtol=1e-6)
    assert recording.channels["upstream_id"].tolist() == [100 + n for n in range(N_CHANNELS)] * 2
    assert recording.probes["sampling_rate"].tolist() == [RATE_HZ] * 2


def test_amplitudes_of_unknown_scale_are_unknown_and_a_note_says_what_to_write(home: Path) -> None:
    lab = source(home)
    recording = lab.read_spikes(lab.manifest().session(DAY))
    assert np.isnan(recording.spikes.amplitudes).all()
    assert any("`volts_per_amplitude` under `read`" in note.text for note in recording.notes)


def test_csv_files_are_trials_with_their_repeat_and_events_with_their_names(home: Path) -> None:
    lab = source(home)
    events = lab.read_events(lab.manifest().session(DAY))
    trials = events.tables["lab_trials"]
    assert trials["start_time"].tolist() == ONSETS.tolist()
    assert trials["repeat"].tolist() == [n // 4 for n in range(len(ONSETS))]
    assert str(trials["repeat"].dtype) == "int64"
    shown = events.tables["presentations"]
    assert shown["stimulus_name"].tolist()[:2] == ["lick", "tone"]
    assert shown["start_time"].tolist() == (ONSETS + 3).tolist()


def test_labels_of_a_person_go_before_those_of_the_sorter(home: Path) -> None:
    lab = source(home)
    session = lab.manifest().session(DAY)
    recording = lab.read_spikes(session)
    annotation = lab.read_annotation(session, recording.units, recording.channels)
    assert annotation.released["released.group"].tolist() == ["good", "mua", "noise", None] * 2
    assert annotation.released["released.ContamPct"].tolist() == [5.0, 6.0, 7.0, 8.0] * 2


def test_another_label_leaves_the_spikes_alone(home: Path) -> None:
    lab = source(home)
    before = lab.manifest().session(DAY)
    (home / "rec" / DAY / "imec0" / "kilosort4" / "cluster_group.tsv").write_text("cluster_id\tgroup\n10\tmua\n")
    after = lab.manifest().session(DAY)
    moved = {
        group
        for group in ("spikes", "events", "signals", "alignment", "qc")
        if before.version(group) != after.version(group)
    }
    assert moved == {"qc"}


def test_a_folder_without_a_rate_is_refused_with_what_to_write(tmp_path: Path) -> None:
    write_phy(tmp_path / "rec" / "a", ONE, params=False)
    what = (
        r"sources\.yaml:3, sorted\.read: neither `sample_rate` nor a params\.py.*imec0/kilosort4.*`sample_rate: 30000`"
    )
    with pytest.raises(ConfigError, match=what):
        source(tmp_path).manifest()
    lab = source(tmp_path, STANDARD.replace("rec/*", "rec/*, sample_rate: 25000"))
    recording = lab.read_spikes(lab.manifest().session("a"))
    assert recording.spikes.of_unit(0)[0] == round(ONE.times["imec0"][0][0] * RATE_HZ) / 25000
    write_phy(tmp_path / "rec" / "b", ONE)
    lab = source(tmp_path)
    manifest = lab.manifest()
    with pytest.raises(BadUpstreamData, match=r"folder a/imec0: nothing states its sampling rate.*sample_rate: 30000"):
        lab.read_spikes(manifest.session("a"))
    assert lab.read_spikes(manifest.session("b")).spikes.n_units == 8


def test_a_rate_in_khz_is_refused(home: Path) -> None:
    lab = source(home, STANDARD.replace("rec/*", "rec/*, sample_rate: 30"))
    with pytest.raises(BadUpstreamData, match=r"imec0: 30 samples per second are stated, fewer than 1,000: is it kHz"):
        lab.read_spikes(lab.manifest().session(DAY))


def test_params_are_read_and_never_run(tmp_path: Path) -> None:
    params = tmp_path / "params.py"
    for text, rate in (
        ("sample_rate = 32000", 32000.0),
        ("raise SystemExit\nsample_rate = 1.5e4", 15000.0),
        ("sample_rate = open('x')", None),
        ("sample_rate = -1", None),
        ("this is no Python", None),
    ):
        params.write_text(text)
        assert stated_rate(params) == rate


def test_damaged_arrays_are_named(home: Path) -> None:
    below = home / "rec" / DAY / "imec0" / "kilosort4"
    for name, values, found in (
        ("spike_clusters.npy", np.zeros(3, np.int32), "3 clusters for"),
        (
            "spike_times.npy",
            np.linspace(0, 1, 100),
            "with fractions or infinities, expected whole numbers: samples, not seconds",
        ),
        ("spike_times.npy", np.zeros((4, 5), np.int64), r"of shape \(4, 5\)"),
        ("spike_times.npy", np.array([1.0, np.inf]), "with fractions or infinities"),
    ):
        kept = (below / name).read_bytes()
        np.save(below / name, values)
        lab = source(home)
        with pytest.raises(BadUpstreamData, match=rf"file {DAY}/imec0/{name}.*{found}"):
            lab.read_spikes(lab.manifest().session(DAY))
        (below / name).write_bytes(kept)
    (below / "templates.npy").write_bytes(b"no array")
    lab = source(home)
    recording = lab.read_spikes(lab.manifest().session(DAY))
    assert recording.units["channel"].tolist()[:4] == [-1] * 4
    for name in ("templates.npy", "spike_templates.npy", "amplitudes.npy", "channel_positions.npy", "channel_map.npy"):
        for values in (np.array(["a", "b"]), np.array(3.0)):
            np.save(below / name, values)
            lab = source(home)
            recording = lab.read_spikes(lab.manifest().session(DAY))
            assert any(note.subject == f"{DAY}/imec0/{name}" and "no numbers" in note.text for note in recording.notes)


def test_spikes_before_the_first_sample_are_noted(home: Path) -> None:
    path = home / "rec" / DAY / "imec0" / "kilosort4" / "spike_times.npy"
    samples = np.load(path).astype(np.int64)
    samples[:2] = -7
    np.save(path, samples)
    lab = source(home)
    recording = lab.read_spikes(lab.manifest().session(DAY))
    assert f"2 of {len(samples)} spikes are before sample 0; kept" in [note.text for note in recording.notes]


def test_a_row_with_more_fields_than_the_header_is_refused_and_not_read_below_its_neighbours_name(home: Path) -> None:
    (home / "rec" / DAY / "trials.csv").write_text("start_time,stop_time,repeat\n1.0,2.0,0,\n3.0,4.0,1,\n")
    labels = home / "rec" / DAY / "imec0" / "kilosort4" / "cluster_group.tsv"
    labels.write_text("cluster_id\tgroup\n10\t13\t\n")
    lab = source(home)
    session = lab.manifest().session(DAY)
    events = lab.read_events(session)
    assert "lab_trials" not in events.tables
    found = "left out: file trials.csv: its rows have 1 field more than its header names"
    assert [note.text for note in events.notes if note.subject == "lab_trials"] == [found]
    recording = lab.read_spikes(session)
    annotation = lab.read_annotation(session, recording.units, recording.channels)
    assert any("its rows have 1 field more than its header names" in note.text for note in annotation.notes)


def test_trials_and_events_may_be_one_file_or_have_one_name_in_two_folders(home: Path) -> None:
    day = home / "rec" / DAY
    for folder, start in (("task", 1.0), ("screen", 5.0)):
        (day / folder).mkdir()
        (day / folder / "events.csv").write_text(f"start_time\n{start}\n")
    for stated, starts in (
        ("trials: task/events.csv, presentations: screen/events.csv", (1.0, 5.0)),
        ("trials: screen/events.csv, presentations: screen/events.csv", (5.0, 5.0)),
    ):
        lab = source(home, STANDARD.replace("rec/*", f"rec/*, {stated}"))
        tables = lab.read_events(lab.manifest().session(DAY)).tables
        assert [tables[name]["start_time"].tolist() for name in ("lab_trials", "presentations")] == [
            [start] for start in starts
        ]


def test_the_start_may_be_any_column_and_the_stop_as_well(home: Path) -> None:
    (home / "rec" / DAY / "trials.csv").write_text("start_time,stim_on\n1.0,1.5\n3.0,3.5\n")
    lab = source(home, STANDARD.replace("rec/*", "rec/*, start: stim_on, stop: stim_on"))
    trials = lab.read_events(lab.manifest().session(DAY)).tables["lab_trials"]
    assert trials["start_time"].tolist() == trials["stop_time"].tolist() == [1.5, 3.5]
    assert trials["start_time_stated"].tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("stated", "key", "found"),
    [
        ("repeat: repaet", "sorted.read.repeat", "no file has a column 'repaet' in its trials.*Did you mean repeat"),
        ("start: strat_time", "sorted.read.start", "'strat_time' in its CSV files.*Did you mean start_time"),
        ("events: {go: trials.orientatoin}", "sorted.read.events.go", "'orientatoin' in its trials.*orientation"),
        ("sample_rate: fast", "sorted.read.sample_rate", "it is 'fast', and a number is expected"),
    ],
)
def test_a_column_that_no_csv_file_has_is_refused_with_the_nearest(
    home: Path, stated: str, key: str, found: str
) -> None:
    text = STANDARD.replace("rec/*", f"rec/*, {stated}")
    with pytest.raises(ConfigError, match=rf"sources\.yaml:3, {key}: .*{found}"):
        source(home, text).manifest()


def test_one_sorting_of_several_is_chosen_by_its_folder(home: Path) -> None:
    write_phy(home / "rec" / DAY, LabSession(5), sorting="ks2")
    lab = source(home, STANDARD.replace("rec/*", "rec/*, sorting: '*/kilosort4'"))
    manifest = lab.manifest()
    assert manifest.insertions["probe"].tolist() == ["imec0", "imec1"]
    assert len(lab.read_spikes(manifest.session(DAY)).spikes.times) == sum(
        len(t) for p in ONE.probes for t in ONE.times[p]
    )


def test_a_folder_that_is_itself_the_sorting_has_one_probe(tmp_path: Path) -> None:
    write_phy(tmp_path / "x", LabSession(1, ("imec0",)), csv=False)
    (tmp_path / "rec").mkdir()
    (tmp_path / "x" / "imec0" / "kilosort4").rename(tmp_path / "rec" / "day1")
    lab = source(tmp_path)
    session = lab.manifest().session("day1")
    assert session.insertions["probe"].tolist() == ["probe00"]
    assert lab.read_spikes(session).spikes.n_units == 4
    assert lab.read_events(session).tables == {}
