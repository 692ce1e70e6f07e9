"""The source: manifest, content versions, and files that are not those of the manifest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
import pytest

from nh_platform.history.identity import GROUPS
from nh_platform.session import BadUpstreamData, ConfigError, UnknownSession
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource
from nh_platform.sources.allen.coding.cache_folder import nwb_path
from nh_platform_tests.behavior import read_behavior

Opened = Callable[..., Any]
SESSION = "715093703"


def _csv_tables(root: Path) -> None:
    """Write the cross-session tables as AllenSDK's cache keeps them, a second session's rows included."""
    pd.DataFrame(
        {
            "id": [715093703, 719161530],
            "date_of_acquisition": ["2019-01-19T08:54:18Z", "2019-01-09T08:26:20Z"],
            "specimen_id": [699733581, 703279284],
            "session_type": ["brain_observatory_1.1", "functional_connectivity"],
        }
    ).to_csv(root / "sessions.csv", index=False)
    pd.DataFrame(
        {
            "id": [810755797, 810755801, 729445648],
            "ecephys_session_id": [715093703, 715093703, 719161530],
            "name": ["probeB", "probeA", "probeA"],
        }
    ).to_csv(root / "probes.csv", index=False)
    _channels_csv(root, other_ap=5000.0)
    pd.DataFrame({"id": [1, 2, 3], "ecephys_channel_id": [10, 10, 12]}).to_csv(root / "units.csv", index=False)


def _channels_csv(root: Path, other_ap: float, own_ap: float = 7000.0) -> None:
    pd.DataFrame(
        {
            "id": [10, 11, 12],
            "ecephys_probe_id": [810755797, 810755801, 729445648],
            "anterior_posterior_ccf_coordinate": [own_ap, own_ap, other_ap],
            "dorsal_ventral_ccf_coordinate": [1.0, 2.0, 3.0],
            "left_right_ccf_coordinate": [1.0, 2.0, 3.0],
            "ecephys_structure_acronym": ["VISp", None, "CA1"],
        }
    ).to_csv(root / "channels.csv", index=False)


def test_without_tables_the_file_states_the_session(opened: Opened) -> None:
    source, session = opened()
    row = source.manifest().sessions.iloc[0]
    assert row["subject"] == "699733581"
    assert row["date"] == "2019-01-19"
    assert row["task_protocol"] == "brain_observatory_1.1"
    assert row["n_units_released"] == 10
    assert row["regions"] == "CA1,VISp"
    assert session.insertions["probe"].tolist() == ["probeA", "probeB"]
    assert session.insertions["insertion_id"].tolist() == ["810755801", "810755797"]


def test_the_tables_state_the_session_where_they_list_it(opened: Opened) -> None:
    source, _ = opened()
    _csv_tables(source.settings.root)
    manifest = source.manifest()
    # The other session of the tables has no file here and is not listed.
    assert manifest.session_ids == [SESSION]
    row = manifest.sessions.iloc[0]
    assert row["subject"] == "699733581"
    assert row["n_units_released"] == 2
    assert row["regions"] == "VISp"
    assert manifest.files["name"].tolist() == [f"session_{SESSION}.nwb", "channels.csv"]


def test_one_file_feeds_every_group_and_channels_csv_only_the_alignment(opened: Opened) -> None:
    source, _ = opened()
    _csv_tables(source.settings.root)
    session = source.manifest().session(SESSION)
    for group in GROUPS:
        names = session.of_group(group)["name"].tolist()
        assert names == (["channels.csv"] if group == "alignment" else []) + [f"session_{SESSION}.nwb"]
    assert len(session.of_group("other")) == 0


def test_rows_of_another_session_in_channels_csv_move_nothing(opened: Opened) -> None:
    source, _ = opened()
    root = source.settings.root
    _csv_tables(root)
    before = source.manifest().session(SESSION)
    _channels_csv(root, other_ap=5001.0)
    after = source.manifest().session(SESSION)
    assert [after.version(group) for group in GROUPS] == [before.version(group) for group in GROUPS]
    _channels_csv(root, other_ap=5001.0, own_ap=7001.0)
    moved = source.manifest().session(SESSION)
    changed = [group for group in GROUPS if moved.version(group) != before.version(group)]
    assert changed == ["alignment"]


def test_a_touched_file_keeps_its_version_and_a_changed_one_is_refused_until_synced(
    opened: Opened, tmp_path: Path
) -> None:
    source, session = opened()
    source = AllenVisualCodingSource(AllenVcSettings(root=source.settings.root, cache_dir=tmp_path / "cache"))
    path = nwb_path(source.settings.root, SESSION)
    path.touch()
    assert source.manifest().session(SESSION).version("spikes") == session.version("spikes")
    with h5py.File(path, "r+") as handle:
        handle["units/snr"][0] = 99.0
    for read in (source.read_spikes, source.read_events, source.read_signals):
        with pytest.raises(BadUpstreamData, match=r"its md5 is .* and the manifest says .*`nh sync allen_vc"):
            read(session)
    synced = source.manifest().session(SESSION)
    assert synced.version("spikes") != session.version("spikes")
    assert len(source.read_spikes(synced).units) == 10


def test_a_truncated_session_is_listed_and_fails_by_name_and_the_other_goes_on(opened: Opened) -> None:
    source, _ = opened()
    root = source.settings.root
    other = nwb_path(root, "719161530")
    other.parent.mkdir()
    other.write_bytes(nwb_path(root, SESSION).read_bytes()[:500_000])
    manifest = source.manifest()
    assert set(manifest.session_ids) == {SESSION, "719161530"}
    with pytest.raises(BadUpstreamData, match=r"NWB file session_719161530.nwb: it cannot be read.*truncated"):
        source.read_spikes(manifest.session("719161530"))
    assert len(source.read_spikes(manifest.session(SESSION)).units) == 10


def test_a_file_in_the_folder_of_another_session_is_refused(opened: Opened) -> None:
    source, _ = opened()
    root = source.settings.root
    other = nwb_path(root, "719161530")
    other.parent.mkdir()
    shutil.copy(nwb_path(root, SESSION), other)
    with pytest.raises(BadUpstreamData, match=f"it is the file of session {SESSION}"):
        source.read_spikes(source.manifest().session("719161530"))


def test_a_session_whose_file_is_gone_is_refused(opened: Opened) -> None:
    source, session = opened()
    nwb_path(source.settings.root, SESSION).unlink()
    with pytest.raises(BadUpstreamData, match="it is not there"):
        read_behavior(source, session)
    manifest = source.manifest()
    assert manifest.session_ids == []
    with pytest.raises(UnknownSession):
        manifest.session(SESSION)


def test_units_of_another_file_are_refused(opened: Opened) -> None:
    source, session = opened()
    raw = source.read_spikes(session)
    strangers = raw.units.assign(unit_id=[str(number) for number in range(10)])
    with pytest.raises(BadUpstreamData, match=r"it has no unit 0 \(10 of 10 units\)"):
        source.read_annotation(session, strangers, raw.channels)


def test_a_wrong_root_and_a_broken_table_are_named(opened: Opened, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="setting root of allen_vc"):
        AllenVisualCodingSource(AllenVcSettings(root=tmp_path / "nothing")).manifest()
    source, _ = opened()
    (source.settings.root / "probes.csv").write_text("id,name\n1,probeA\n")
    with pytest.raises(BadUpstreamData, match=r"file probes.csv: columns missing: ecephys_session_id"):
        source.manifest()


def test_reading_twice_gives_the_same_bytes(opened: Opened) -> None:
    source, session = opened()
    first, second = source.read_spikes(session), source.read_spikes(session)
    assert first.spikes.times.tobytes() == second.spikes.times.tobytes()
    assert first.units.equals(second.units)
    assert source.manifest().version() == source.manifest().version()
