"""A plain ALF tree becomes a source without ONE's tables, under ids that two syncs agree on."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.session import BadUpstreamData, ConfigError, UnknownSession
from nh_platform.simulation import TINY, write_ibl
from nh_platform.sources.ibl.settings import IblSettings
from nh_platform.sources.ibl.source import IblSource
from nh_platform.sources.source import Source

STANDARD = "tree:\n  kind: alf\n  read: {root: alf}\n"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a home with a plain tree, and the same tree with ONE's tables."""
    folder = tmp_path_factory.mktemp("alf")
    write_ibl(folder / "one", 2, 7, size=TINY)
    shutil.copytree(
        folder / "one",
        folder / "home" / "alf",
        ignore=shutil.ignore_patterns("sessions.pqt", "datasets.pqt", "insertions.pqt"),
    )
    return folder / "home", folder / "one"


def source(home: Path, text: str = STANDARD) -> Source:
    (home / "sources.yaml").write_text(text)
    return Platform(load_settings(home)).source("tree")


def test_ids_follow_from_the_paths_and_two_syncs_agree(recorded: tuple[Path, Path]) -> None:
    first, again = source(recorded[0]).manifest(), source(recorded[0]).manifest()
    assert first.version() == again.version()
    for session_id, row in first.sessions.set_index("session_id").iterrows():
        assert session_id == f"{row['lab']}_{row['subject']}_{row['date']}_{row['number']:03d}"
    for session_id in first.session_ids:
        assert first.session(session_id).version("spikes") == again.session(session_id).version("spikes")


def test_what_a_file_browser_leaves_and_folders_of_no_date_are_no_data(
    recorded: tuple[Path, Path], tmp_path: Path
) -> None:
    shutil.copytree(recorded[0], tmp_path / "home")
    before = source(tmp_path / "home").manifest()
    (alf,) = list((tmp_path / "home" / "alf").glob("*/Subjects/*/*/*/alf"))[:1]
    (alf / "probe00" / "._spikes.times.npy").write_bytes(b"a copy's resource fork")
    (alf / ".DS_Store.x").write_bytes(b"a folder's view")
    (alf.parents[2] / "2026-13-45" / "001" / "alf").mkdir(parents=True)
    after = source(tmp_path / "home").manifest()
    assert after.version() == before.version()
    assert after.session_ids == before.session_ids


def test_a_session_reads_as_with_the_tables_of_one(recorded: tuple[Path, Path]) -> None:
    plain, tabled = source(recorded[0]), IblSource(IblSettings(root=recorded[1]))
    own, theirs = plain.manifest(), tabled.manifest()
    by_place = {tuple(row[["subject", "date", "number"]]): row["session_id"] for _, row in theirs.sessions.iterrows()}
    for _, row in own.sessions.iterrows():
        one = own.session(row["session_id"])
        other = theirs.session(by_place[tuple(row[["subject", "date", "number"]])])
        ours, released = plain.read_spikes(one), tabled.read_spikes(other)
        assert np.array_equal(ours.spikes.times, released.spikes.times)
        pd.testing.assert_frame_equal(ours.units, released.units)
        for name, table in tabled.read_events(other).tables.items():
            pd.testing.assert_frame_equal(plain.read_events(one).tables[name], table)
        assert set(plain.read_signals(one).signals) == set(tabled.read_signals(other).signals)
        mine = plain.read_annotation(one, ours.units, ours.channels)
        his = tabled.read_annotation(other, released.units, released.channels)
        pd.testing.assert_frame_equal(mine.released, his.released)
        pd.testing.assert_frame_equal(mine.positions, his.positions)
        break


def test_lfp_in_the_tree_is_read_in_place_and_a_tree_without_says_so(
    recorded: tuple[Path, Path], tmp_path: Path
) -> None:
    write_ibl(tmp_path / "alf", 1, 7, size=TINY, lfp_s=1.0)
    own = source(tmp_path)
    session = own.manifest().session(own.manifest().session_ids[0])
    tabled = IblSource(IblSettings(root=tmp_path / "alf"))
    same = tabled.manifest().session(tabled.manifest().session_ids[0])
    ours, theirs = (one.read_lfp(of, "probe00", 1.0, 1.2) for one, of in ((own, session), (tabled, same)))
    assert np.array_equal(ours.values, theirs.values)
    pd.testing.assert_frame_equal(ours.channels, theirs.channels)
    listed = own.recorded_files(session)
    assert {file.kind for file in listed} == {"lfp", "sync"}
    with pytest.raises(ConfigError, match="nothing to fetch"):
        own.fetch_recorded(session, listed)
    bare = source(recorded[0])
    with pytest.raises(UnknownSession, match=r"its folder has no \.lf\.cbin"):
        bare.read_lfp(bare.manifest().session(bare.manifest().session_ids[0]), "probe00", 1.0, 1.2)


def test_a_changed_wheel_changes_the_signals_of_its_session_alone(recorded: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(recorded[0] / "alf", tmp_path / "alf")
    lab = source(tmp_path)
    before, signal = lab.manifest(), lab.signal()
    changed, other = sorted(before.session_ids)
    rows = before.files[(before.files["session_id"] == changed) & (before.files["name"] == "_ibl_wheel.position.npy")]
    (path,) = [
        path
        for path in tmp_path.rglob("_ibl_wheel.position.npy")
        if str(before.session(changed).session.subject) in path.parts
        and before.session(changed).session.date in path.parts
    ]
    assert len(rows) == 1
    np.save(path, np.zeros(5))
    after = lab.manifest()
    assert lab.signal() != signal
    groups = ("spikes", "events", "signals", "alignment", "qc")
    moved = {
        (session, group)
        for session in before.session_ids
        for group in groups
        if before.session(session).version(group) != after.session(session).version(group)
    }
    assert moved == {(changed, "signals")}
    assert other in after.session_ids
    notes = lab.read_signals(before.session(changed)).notes
    assert any("the manifest states" in note.text for note in notes)


def test_a_tree_that_is_not_there_and_a_session_that_went_are_named(
    recorded: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigError, match=r"sources\.yaml:3, tree\.read\.root: no session folder .*elsewhere \(is not there\)"
    ):
        source(tmp_path, STANDARD.replace("root: alf", "root: elsewhere")).manifest()
    shutil.copytree(recorded[0] / "alf", tmp_path / "alf")
    lab = source(tmp_path)
    manifest = lab.manifest()
    shutil.rmtree(tmp_path / "alf")
    with pytest.raises(BadUpstreamData, match=r"its folder is not in .*Run `nh sync tree`"):
        lab.read_spikes(manifest.session(manifest.session_ids[0]))


def test_events_have_the_names_of_the_task(recorded: tuple[Path, Path]) -> None:
    source(recorded[0])
    events = load_settings(recorded[0]).entry("tree").events
    assert events["stimulus onset"].label == "trials.stimOn_times"
    assert events["lick"].label == "licks.times"
