"""The Visual Behavior source: its manifest, its tables, what is flagged, mended, and refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.session.tables.change_detection import BEHAVIOR_SESSIONS
from nh_platform.session.tables.events import EVENTS
from nh_platform.simulation.allen.behavior.cloud_release import PROJECT, manifest_name, write_release_manifest
from nh_platform.sources.allen import AllenVbnSettings
from nh_platform.sources.allen.behavior.abnormal import ACTIVITY_MARGIN_S
from nh_platform.sources.allen.behavior.cloud_cache import load_release
from nh_platform.sources.allen.behavior.release_tables import (
    read_amplitudes,
    read_behavior_sessions,
    read_channels,
    read_probes,
    read_sessions,
)
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.sources.allen.conftest import replace
from nh_platform_tests.sources.allen.vbn import (
    ACTIVITY,
    HISTOLOGY,
    NORMAL,
    edit_upstream,
    nwb_path,
    session_ids,
    source_of,
)


def _read(root: Path, number: int, manifest: str = "latest") -> tuple[Any, Any]:
    """Return the source and a session's part of its manifest."""
    source = source_of(root, manifest)
    return source, source.manifest().session(session_ids(root)[number])


def _subjects(notes: Any) -> set[str]:
    return {note.subject for note in notes}


def _edit_table(root: Path, name: str, edit: Any, release: str = "0.5.0") -> None:
    path = root / f"{PROJECT}-{release}" / "project_metadata" / f"{name}.csv"
    edit(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)
    write_release_manifest(root, release)


def test_the_manifest_lists_sessions_with_reasons_and_behaviour_alone_is_no_session(vbn_root: Path) -> None:
    source = source_of(vbn_root)
    manifest = source.manifest()
    ids = session_ids(vbn_root)
    assert manifest.release == "0.5.0"
    assert set(manifest.session_ids) == set(ids)
    sessions = manifest.sessions.set_index("session_id")
    assert sessions.loc[ids[NORMAL], "qc"] is None
    assert sessions.loc[ids[ACTIVITY], "qc"].startswith("abnormal_activity: ")
    assert sessions.loc[ids[HISTOLOGY], "qc"] == "abnormal_histology: VISp, CA1"
    assert sessions.loc[ids[NORMAL], "subject"] == sessions.loc[ids[ACTIVITY], "subject"]
    assert "VISp" in sessions.loc[ids[NORMAL], "regions"].split(",")
    assert sessions["n_units_released"].tolist() == [24.0] * 3
    assert len(manifest.insertions) == 6
    behavior = manifest.behavior_sessions
    BEHAVIOR_SESSIONS.validate(behavior)
    assert behavior["session_id"].notna().sum() == 3
    assert behavior["session_id"].isna().sum() == 6
    assert not set(behavior["behavior_session_id"]) & set(manifest.session_ids)


def test_every_table_of_a_session_has_its_schema(vbn_root: Path) -> None:
    source, session = _read(vbn_root, NORMAL)
    behavior = read_behavior(source, session)
    assert set(behavior.events) == {
        "presentations", "invalid_times", "optogenetic_epochs", "change_trials", "trial_licks", "licks", "rewards",
        "image_templates", "task_parameters", "session_metadata",
    }  # fmt: skip
    for name, table in behavior.events.items():
        EVENTS[name].validate(table)
    assert set(behavior.signals) == {"running_speed", "pupil"}
    assert behavior.notes == ()
    rewards, trials = behavior.events["rewards"], behavior.events["change_trials"]
    assert set(rewards["volume"].round(6)) == {5.0, 7.0}
    assert (trials.loc[trials["hit"], "reward_volume"].round(6) == 7.0).all()
    assert len(rewards) == (trials["hit"] | trials["auto_rewarded"]).sum()


def test_omissions_and_changes_are_told_apart_and_null_numbers_are_nan(vbn_root: Path) -> None:
    source, session = _read(vbn_root, NORMAL)
    table = read_behavior(source, session).events["presentations"]
    images = table[table["image_name"].notna()]
    omitted = images[images["omitted"] == 1]
    assert set(omitted["image_name"]) == {"omitted"}
    assert omitted["end_frame"].isna().all()
    assert (omitted["is_change"] == 0).all()
    changes = images[images["is_change"] == 1]
    previous = images["image_name"].shift(1)[changes.index]
    assert (changes["image_name"] != previous).all()
    assert (changes["flashes_since_change"] == 0).all()
    assert table.loc[table["stimulus_name"] == "gabors", "stimulus_index"].eq(0).all()
    assert images["stimulus_index"].isna().all()  # -99 in the file
    assert {"gabors", "flashes", "spontaneous"} < set(table["stimulus_name"])


def test_an_omission_without_an_end_gets_a_quarter_of_a_second(vbn_copy: Path) -> None:
    def open_ended(handle: h5py.File) -> None:
        (name,) = [name for name in handle["intervals"] if name.startswith("Natural_Images")]
        omitted = handle[f"intervals/{name}/omitted"][...]
        stop = handle[f"intervals/{name}/stop_time"][...]
        handle[f"intervals/{name}/stop_time"][...] = np.where(omitted, np.nan, stop)

    edit_upstream(vbn_copy, NORMAL, open_ended)
    source, session = _read(vbn_copy, NORMAL)
    table = read_behavior(source, session).events["presentations"]
    omitted = table[table["omitted"] == 1]
    assert len(omitted) > 5
    np.testing.assert_allclose(omitted["stop_time"] - omitted["start_time"], 0.25)


def test_abnormal_activity_becomes_invalid_times_of_all_probes(vbn_root: Path) -> None:
    source, session = _read(vbn_root, ACTIVITY)
    behavior = read_behavior(source, session)
    invalid = behavior.events["invalid_times"]
    assert set(invalid["scope"]) == {"all_probes"}
    assert set(invalid["label"]) == {"abnormal_activity"}
    assert len(invalid) == 2
    np.testing.assert_allclose(invalid["stop_time"] - invalid["start_time"], 2 * ACTIVITY_MARGIN_S)
    assert _subjects(behavior.notes) == {"abnormal_activity"}
    assert len(source.read_spikes(session).spikes.times) > 1000  # kept, not cut


def test_abnormal_histology_and_unregistered_channels_are_noted_and_positions_are_nan(vbn_root: Path) -> None:
    source, session = _read(vbn_root, HISTOLOGY)
    recording = source.read_spikes(session)
    annotation = source.read_annotation(session, recording.units, recording.channels)
    assert {"abnormal_histology", "channel positions"} <= _subjects(annotation.notes)
    last = annotation.channels["probe"] == "probeB"
    assert annotation.channels.loc[last, ["ccf_ap_um", "ccf_dv_um", "ccf_ml_um", "x_m"]].isna().all(axis=None)
    assert (annotation.channels.loc[last, "histology"] == "unlocated").all()
    assert annotation.channels.loc[~last, "ccf_ml_um"].notna().all()
    # The electrodes table repeats DV in the place of ML; channels.csv does not.
    assert (annotation.channels.loc[~last, "ccf_ml_um"] != annotation.channels.loc[~last, "ccf_dv_um"]).any()


def test_amplitudes_are_the_same_whatever_the_release(vbn_root: Path) -> None:
    for number in (NORMAL, ACTIVITY):
        new = source_of(vbn_root).read_spikes(_read(vbn_root, number)[1])
        source, session = _read(vbn_root, number, "0.4.0")
        old = source.read_spikes(session)
        np.testing.assert_allclose(old.units["amplitude"], new.units["amplitude"], rtol=1e-15)
        released = source.read_annotation(session, old.units, old.channels).released["released.amplitude"]
        ratio = 2.0 if number == NORMAL else 1.0  # the second session was right in 0.4.0 already
        np.testing.assert_allclose(released, ratio * new.units["amplitude"], rtol=1e-15)
        assert ("amplitude" in _subjects(old.notes)) == (number == NORMAL)
        assert "amplitude" not in _subjects(new.notes)
        assert new.units["amplitude"].median() == pytest.approx(1e-4, rel=1)
        assert np.nanmedian(new.spikes.amplitudes) == pytest.approx(1e-4, rel=1)


def test_units_csv_of_both_releases_tells_the_scale_where_the_file_changed_otherwise(vbn_copy: Path) -> None:
    def touch(handle: h5py.File) -> None:
        handle.attrs["mended"] = "something else"

    nwb_path(vbn_copy, ACTIVITY).unlink()
    shutil.copy(nwb_path(vbn_copy, ACTIVITY, "0.4.0"), nwb_path(vbn_copy, ACTIVITY))
    edit_upstream(vbn_copy, ACTIVITY, touch)
    _, session = _read(vbn_copy, ACTIVITY, "0.4.0")
    assert "amplitude_scale" not in set(session.files["name"])


def test_with_the_older_release_alone_every_session_is_halved_and_its_identity_says_so(vbn_copy: Path) -> None:
    (vbn_copy / manifest_name("0.5.0")).unlink()
    alone = source_of(vbn_copy).manifest().session(session_ids(vbn_copy)[ACTIVITY])
    assert alone.files.loc[alone.files["name"] == "amplitude_scale", "md5"].tolist() == ["0.5"]


def test_a_file_that_a_release_left_alone_keeps_its_identity(vbn_root: Path) -> None:
    ids = session_ids(vbn_root)
    old, new = source_of(vbn_root, "0.4.0").manifest(), source_of(vbn_root).manifest()
    for group in ("spikes", "events", "signals", "alignment", "qc"):
        assert old.session(ids[ACTIVITY]).version(group) == new.session(ids[ACTIVITY]).version(group)
        assert (old.session(ids[NORMAL]).version(group) == new.session(ids[NORMAL]).version(group)) is False


def test_a_new_flag_moves_behavior_and_positions_but_not_the_spikes(vbn_copy: Path) -> None:
    session_id = session_ids(vbn_copy)[NORMAL]
    _, before = _read(vbn_copy, NORMAL)

    def flag(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[table["ecephys_session_id"] == session_id, "abnormal_activity"] = "[100.5]"
        return table

    _edit_table(vbn_copy, "ecephys_sessions", flag)
    _edit_table(vbn_copy, "ecephys_sessions", lambda table: table, "0.4.0")
    source, after = _read(vbn_copy, NORMAL)
    moved = {
        group
        for group in ("spikes", "events", "signals", "alignment", "qc")
        if before.version(group) != after.version(group)
    }
    assert moved == {"events", "alignment", "qc"}
    assert read_behavior(source, after).events["invalid_times"]["start_time"].tolist() == [90.5]


def test_a_manifest_read_before_a_newer_release_came_is_still_read_from_its_own_tables(vbn_copy: Path) -> None:
    source, session = _read(vbn_copy, NORMAL, "0.4.0")
    stale = source_of(vbn_copy)  # latest: 0.5.0
    assert (
        read_behavior(stale, session)
        .events["change_trials"]
        .equals(read_behavior(source, session).events["change_trials"])
    )
    shutil.rmtree(vbn_copy / f"{PROJECT}-0.4.0" / "project_metadata")
    _edit_table(vbn_copy, "ecephys_sessions", lambda table: table.assign(abnormal_activity="[1.0]"))
    with pytest.raises(BadUpstreamData, match=r"ecephys_sessions\.csv: no release .* Run `nh sync allen_vbn`"):
        read_behavior(stale, session)


def test_a_missing_eye_camera_running_and_task_are_notes(vbn_copy: Path) -> None:
    def drop(handle: h5py.File) -> None:
        del handle["acquisition/EyeTracking"], handle["processing/running"], handle["processing/optotagging"]
        del handle["processing/licking"], handle["processing/rewards"], handle["intervals/trials"]
        del handle["stimulus/templates"], handle["general/task_parameters"], handle["general/metadata"]

    edit_upstream(vbn_copy, NORMAL, drop)
    source, session = _read(vbn_copy, NORMAL)
    behavior = read_behavior(source, session)
    assert behavior.signals == {}
    assert set(behavior.events) == {"presentations", "invalid_times"}
    assert _subjects(behavior.notes) == {
        "pupil", "running_speed", "optogenetic_epochs", "licks", "rewards", "change_trials", "image_templates",
        "task_parameters", "session_metadata",
    }  # fmt: skip


def test_a_parameter_that_cannot_be_read_is_left_out_alone(vbn_copy: Path) -> None:
    def damage(handle: h5py.File) -> None:
        handle["general/task_parameters"].attrs["reward_volume"] = handle["units"].ref
        handle["general/subject/age"][()] = "unknown"

    events, said = _damaged(vbn_copy, damage)
    stated = dict(events.tables["task_parameters"].itertuples(index=False))
    assert "reward_volume" not in stated
    assert (stated["response_window_sec"], stated["image_set"]) == ("[0.15, 0.75]", '"images_G"')
    assert "attribute reward_volume of general/task_parameters cannot be read" in said["task_parameters"]
    assert dict(events.tables["session_metadata"].itertuples(index=False))["age_in_days"] == "null"


def test_lick_times_without_index_go_to_the_trials_of_their_times(vbn_copy: Path) -> None:
    source, session = _read(vbn_copy, NORMAL)
    expected = read_behavior(source, session).events["trial_licks"]

    def flat(handle: h5py.File) -> None:
        del handle["intervals/trials/lick_times_index"]

    edit_upstream(vbn_copy, NORMAL, flat)
    source, session = _read(vbn_copy, NORMAL)
    behavior = read_behavior(source, session)
    pd.testing.assert_frame_equal(behavior.events["trial_licks"], expected)
    assert _subjects(behavior.notes) == {"trial_licks"}


def test_lick_times_without_index_that_lie_in_no_trial_are_counted(vbn_copy: Path) -> None:
    source, session = _read(vbn_copy, NORMAL)
    n_licks = len(read_behavior(source, session).events["trial_licks"])

    def moved(handle: h5py.File) -> None:
        del handle["intervals/trials/lick_times_index"]
        handle["intervals/trials/lick_times"][-3:] = [1e6, np.nan, -1.0]

    edit_upstream(vbn_copy, NORMAL, moved)
    behavior = read_behavior(*_read(vbn_copy, NORMAL))
    assert len(behavior.events["trial_licks"]) == behavior.events["change_trials"]["n_licks"].sum() == n_licks - 3
    assert [note.text for note in behavior.notes] == [
        "intervals/trials/lick_times has no index in the NWB file; each lick was given to the trial of its time, and 3 "
        f"of {n_licks} lie in no trial and are left out"
    ]


def test_a_session_without_licks_has_empty_tables(vbn_copy: Path) -> None:
    def silent(handle: h5py.File) -> None:
        trials = handle["intervals/trials"]
        replace(handle, "intervals/trials/lick_times", np.array([""], dtype=object))
        trials["lick_times_index"][...] = 1

    edit_upstream(vbn_copy, NORMAL, silent)
    source, session = _read(vbn_copy, NORMAL)
    events = read_behavior(source, session).events
    assert len(events["trial_licks"]) == 0
    assert events["change_trials"]["n_licks"].sum() == 0


def test_a_truncated_file_is_listed_and_called_truncated(vbn_copy: Path) -> None:
    path = nwb_path(vbn_copy, NORMAL)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source, session = _read(vbn_copy, NORMAL)
    with pytest.raises(BadUpstreamData, match=rf"{path.name}: it cannot be read, as a file does whose download broke"):
        source.read_spikes(session)
    other = source.manifest().session(session_ids(vbn_copy)[ACTIVITY])
    assert source.read_spikes(other).spikes.n_units == 24


def test_a_file_with_other_content_than_the_release_states_is_refused(vbn_copy: Path) -> None:
    with h5py.File(nwb_path(vbn_copy, NORMAL), "r+") as handle:
        handle["units/spike_times"][0] += 1e-3
    source, session = _read(vbn_copy, NORMAL)
    with pytest.raises(BadUpstreamData, match=r"its blake2b is \w{12}… and release 0\.5\.0 says \w{12}…"):
        source.read_spikes(session)


def test_the_file_of_another_session_and_a_missing_file_are_refused(vbn_copy: Path) -> None:
    source, session = _read(vbn_copy, NORMAL)
    nwb_path(vbn_copy, NORMAL).unlink()
    with pytest.raises(BadUpstreamData, match="it is not there"):
        source.read_spikes(session)
    assert session_ids(vbn_copy)[NORMAL] not in source.manifest().session_ids  # a local folder is what it holds
    shutil.copy(nwb_path(vbn_copy, HISTOLOGY), nwb_path(vbn_copy, NORMAL))
    write_release_manifest(vbn_copy, "0.5.0")
    source, session = _read(vbn_copy, NORMAL)
    with pytest.raises(BadUpstreamData, match="it is the file of session"):
        source.read_spikes(session)


@pytest.mark.parametrize(
    ("cell", "found"),
    [("[12.0, nan]", "abnormal_activity cannot be read"), ("yes", "abnormal_activity cannot be read")],
)
def test_a_flag_that_is_no_list_is_refused_by_session(vbn_copy: Path, cell: str, found: str) -> None:
    _edit_table(vbn_copy, "ecephys_sessions", lambda table: table.assign(abnormal_activity=cell))
    with pytest.raises(BadUpstreamData, match=rf"session \d+ in ecephys_sessions\.csv: .*{found}"):
        source_of(vbn_copy).manifest()


def test_tables_that_are_missing_or_lack_a_column_are_named(vbn_copy: Path) -> None:
    _edit_table(vbn_copy, "probes", lambda table: table.drop(columns="name"))
    with pytest.raises(BadUpstreamData, match=r"probes\.csv of release 0\.5\.0: columns missing: name"):
        source_of(vbn_copy).manifest()
    (vbn_copy / f"{PROJECT}-0.5.0" / "project_metadata" / "ecephys_sessions.csv").unlink()
    with pytest.raises(BadUpstreamData, match=r"ecephys_sessions\.csv of release 0\.5\.0: it is not there"):
        source_of(vbn_copy).manifest()


@pytest.mark.parametrize(
    ("name", "read"),
    [("channels", read_channels), ("units", read_amplitudes), ("behavior_sessions", read_behavior_sessions)],
)
def test_a_table_whose_rows_have_more_fields_than_its_header_is_refused(vbn_copy: Path, name: str, read: Any) -> None:
    path = vbn_copy / f"{PROJECT}-0.5.0" / "project_metadata" / f"{name}.csv"
    header, *lines = path.read_text().splitlines()
    path.unlink()
    path.write_text("\n".join([header, *(f"{line}," for line in lines)]) + "\n")
    write_release_manifest(vbn_copy, "0.5.0")
    release = load_release(vbn_copy, "0.5.0")
    with pytest.raises(BadUpstreamData, match=rf"{name}\.csv of release 0\.5\.0: .*its rows have 1 field more"):
        read(release)


READERS = {
    "ecephys_sessions": (read_sessions, "ecephys_session_id"),
    "probes": (read_probes, "ecephys_probe_id"),
    "channels": (read_channels, "ecephys_channel_id"),
    "units": (read_amplitudes, "unit_id"),
    "behavior_sessions": (read_behavior_sessions, "behavior_session_id"),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("{}.5", r"has 1 value that is no id: \d+\.5 in row 3"),
        ("x", "has 1 value that is no id: x in row 3"),
        ("", "has 1 row without an id: row 3"),
        (None, r"has 1 id in several rows: (\d+) in row 2, \1 in row 3"),
    ],
    ids=["fraction", "text", "missing", "twice"],
)
def test_an_id_that_cannot_be_is_named_with_its_row(vbn_copy: Path, name: str, cell: str | None, found: str) -> None:
    read, column = READERS[name]
    release = load_release(vbn_copy, "0.5.0")
    path = release.table_path(name)
    table = pd.read_csv(path)
    ids = table[column].astype(str).tolist()
    ids[1] = f"{ids[0]}.0" if cell is None else cell.format(ids[1])
    path.unlink()
    table.assign(**{column: ids}).to_csv(path, index=False)
    label = rf"{name}\.csv of release 0\.5\.0: column {column} {found}\. Download the release's tables again"
    with pytest.raises(BadUpstreamData, match=label):
        read(release)


def test_a_row_may_be_of_no_session_but_not_of_a_fraction_of_one(vbn_copy: Path) -> None:
    def changed(owner: str) -> None:
        _edit_table(vbn_copy, "channels", lambda table: table.assign(ecephys_session_id=owner))

    changed("")
    assert len(read_channels(load_release(vbn_copy, "0.5.0"))) > 0
    changed("1.5")
    with pytest.raises(
        BadUpstreamData, match=r"channels\.csv .*column ecephys_session_id has \d+ values that are no ids"
    ):
        read_channels(load_release(vbn_copy, "0.5.0"))


def test_settings_name_the_folder_and_accept_the_name_of_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a folder"):
        source_of(tmp_path / "nowhere").manifest()
    assert AllenVbnSettings(root=tmp_path, manifest=manifest_name("0.4.0")).manifest == "0.4.0"


def test_a_release_without_flag_columns_has_no_flags(vbn_copy: Path) -> None:
    _edit_table(
        vbn_copy, "ecephys_sessions", lambda table: table.drop(columns=["abnormal_histology", "abnormal_activity"])
    )
    assert source_of(vbn_copy).manifest().sessions["qc"].isna().all()


def _damaged(vbn_copy: Path, edit: Any) -> tuple[Any, dict[str, str]]:
    """Return events of a damaged session, and what the notes say by subject."""
    edit_upstream(vbn_copy, NORMAL, edit)
    source, session = _read(vbn_copy, NORMAL)
    events = source.read_events(session)
    said: dict[str, str] = {}
    for note in events.notes:
        said[note.subject] = f"{said.get(note.subject, '')} {note.text}".strip()
    for name, table in events.tables.items():
        EVENTS[name].validate(table)
    return events, said


def test_a_trial_without_start_is_left_out_and_the_others_keep_their_numbers_and_licks(vbn_copy: Path) -> None:
    source, session = _read(vbn_copy, NORMAL)
    before = source.read_events(session).tables

    def blank(handle: h5py.File) -> None:
        handle["intervals/trials/start_time"][2] = np.nan
        handle["intervals/trials/stop_time"][4] = np.nan

    events, said = _damaged(vbn_copy, blank)
    trials, licks = events.tables["change_trials"], events.tables["trial_licks"]
    whole = before["change_trials"].drop(index=2).reset_index(drop=True)
    columns = [name for name in trials if name != "stop_time"]
    pd.testing.assert_frame_equal(trials[columns], whole[columns])
    assert trials["stop_time"].isna().sum() == 1
    lost = before["trial_licks"]["trials_id"] == 2
    pd.testing.assert_frame_equal(licks, before["trial_licks"][~lost].reset_index(drop=True))
    assert "intervals/trials/start_time: no time in 1 of 14 rows; left out" in said["change_trials"]
    assert "intervals/trials/stop_time: no time in 1 of 13 rows" in said["change_trials"]


def test_an_outcome_that_cannot_be_used_is_no_column_and_a_time_is_nan(vbn_copy: Path) -> None:
    def damage(handle: h5py.File) -> None:
        del handle["intervals/trials/hit"]
        replace(handle, "intervals/trials/go", np.full(14, "yes", dtype=object))
        replace(handle, "intervals/trials/reward_time", handle["intervals/trials/reward_time"][:-1])

    events, said = _damaged(vbn_copy, damage)
    trials = events.tables["change_trials"]
    assert not {"hit", "go"} & set(trials)
    assert trials["miss"].dtype == bool
    assert trials["reward_time"].isna().all()
    for text in ("trials/hit: missing", "trials/go: texts, expected numbers", "reward_time: 13 rows, expected 14"):
        assert text in said["change_trials"]


def test_licks_that_cannot_be_divided_among_the_trials_leave_the_trials(vbn_copy: Path) -> None:
    def damage(handle: h5py.File) -> None:
        handle["intervals/trials/lick_times_index"][-1] = 3

    events, said = _damaged(vbn_copy, damage)
    assert "trial_licks" not in events.tables
    assert "n_licks" not in events.tables["change_trials"]
    assert "intervals/trials/lick_times_index falls" in said["trial_licks"]


def test_licks_and_rewards_without_a_time_are_left_out_and_others_sorted(vbn_copy: Path) -> None:
    source, session = _read(vbn_copy, NORMAL)
    before = source.read_events(session).tables

    def damage(handle: h5py.File) -> None:
        licks = handle["processing/licking/licks/timestamps"]
        licks[0] = np.nan
        licks[[2, 3]] = licks[[2, 3]][::-1]
        handle["processing/rewards/volume/timestamps"][1] = np.nan
        del handle["processing/rewards/autorewarded"]

    events, said = _damaged(vbn_copy, damage)
    assert events.tables["licks"]["times"].tolist() == before["licks"]["times"].tolist()[1:]
    rewards = before["rewards"].drop(index=1).drop(columns="auto_rewarded").reset_index(drop=True)
    pd.testing.assert_frame_equal(events.tables["rewards"], rewards)
    assert "timestamps: 1 of 14 are NaN or infinite; left out" in said["licks"]
    assert "not in order of time; sorted" in said["licks"]
    assert "dataset processing/rewards/autorewarded/data is missing" in said["rewards"]


def test_images_without_their_names_leave_all_else(vbn_copy: Path) -> None:
    def damage(handle: h5py.File) -> None:
        (name,) = handle["stimulus/templates"]
        path = f"stimulus/templates/{name}/control_description"
        replace(handle, path, handle[path][:-1])

    events, said = _damaged(vbn_copy, damage)
    assert "image_templates" not in events.tables
    assert "presentations" in events.tables
    assert "control_description holds texts of shape (7,), expected 8 names" in said["image_templates"]


def test_a_damaged_eye_column_and_times_of_running_cost_no_more_than_themselves(vbn_copy: Path) -> None:
    def damage(handle: h5py.File) -> None:
        path = "acquisition/EyeTracking/pupil_tracking/area_raw"
        replace(handle, path, handle[path][:-1])
        handle["processing/running/speed/timestamps"][5] = 0.0

    edit_upstream(vbn_copy, NORMAL, damage)
    source, session = _read(vbn_copy, NORMAL)
    signals = source.read_signals(session)
    pupil = signals.signals["pupil"]
    assert [name for name, values in zip(pupil.columns, pupil.values.T) if np.isnan(values).all()] == ["pupil_area"]
    assert set(signals.signals) == {"pupil"}
    text = " | ".join(note.text for note in signals.notes)
    assert "pupil_tracking/area_raw has" in text
    assert "processing/running/speed/timestamps is not in order of time after sample 4" in text
