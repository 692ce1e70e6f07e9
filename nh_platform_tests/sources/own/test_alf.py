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


def linked(recorded: tuple[Path, Path], home: Path) -> tuple[Source, str, Path, Path]:
    """Return a source of a tree of two sessions, the id of the first, and the folders of both."""
    shutil.copytree(recorded[0] / "alf", home / "alf")
    lab = source(home)
    first = lab.manifest().session_ids[0]
    facts = lab.manifest().session(first).session
    folders = sorted(path.parent for path in (home / "alf").glob("*/Subjects/*/*/*/alf"))
    own = next(path for path in folders if facts.subject in path.parts and facts.date in path.parts)
    return lab, first, own, next(path for path in folders if path != own)


@pytest.mark.parametrize(
    ("to", "found"),
    [
        ("nowhere.npy", "it is a link to nowhere.npy, which is not there"),
        (None, "it is a link that leads back to itself"),
    ],
)
def test_a_file_that_is_a_link_to_nothing_or_itself_is_named_and_the_other_session_goes_on(
    recorded: tuple[Path, Path], tmp_path: Path, to: str | None, found: str
) -> None:
    lab, first, own, _ = linked(recorded, tmp_path)
    signal = lab.signal()
    paths = [path for name in ("spikes.times.npy", "_ibl_wheel.position.npy") for path in own.rglob(name)]
    for path in paths:
        path.unlink()
        path.symlink_to(to or path.name)
    (own / "alf" / "loop").symlink_to(own / "alf")
    assert lab.signal() != signal
    manifest = lab.manifest()
    assert len(manifest.session_ids) == 2
    rows = manifest.files[(manifest.files["session_id"] == first) & manifest.files["md5"].isna()]
    assert sorted(rows["name"]) == sorted(path.name for path in paths)
    with pytest.raises(
        BadUpstreamData, match=rf"session {first}, file .*spikes\.times\.npy: required, and {found}"
    ) as caught:
        lab.read_spikes(manifest.session(first))
    assert "Run `nh sync tree`" in str(caught.value)
    (note,) = [note for note in lab.read_signals(manifest.session(first)).notes if "wheel.position" in note.subject]
    assert f"{found}; not read, `nh materialize tree {first}` reads it" in note.text
    other = next(one for one in manifest.session_ids if one != first)
    assert len(lab.read_spikes(manifest.session(other)).units) > 0


@pytest.mark.parametrize("of", ["session", "alf"])
def test_a_session_folder_that_is_a_link_to_nothing_is_left_out_by_name(
    recorded: tuple[Path, Path], tmp_path: Path, of: str
) -> None:
    lab, first, own, other = linked(recorded, tmp_path)
    folder = own if of == "session" else own / "alf"
    shutil.rmtree(folder)
    folder.symlink_to("/mnt/gone", target_is_directory=True)
    manifest = lab.manifest()
    assert first not in manifest.session_ids
    assert len(manifest.session_ids) == 1
    (row,) = manifest.left_out.to_dict("records")
    assert (row["session_id"], row["reason"]) == (first, "folder is a link that leads nowhere")
    assert row["found"].endswith(f"{folder.name}: it is a link to /mnt/gone, which is not there")
    assert isinstance(lab.signal(), str)
    shutil.rmtree(other)
    with pytest.raises(ConfigError, match=r"no session folder .*its links lead nowhere: .*a link to /mnt/gone"):
        lab.manifest()


def test_events_have_the_names_of_the_task(recorded: tuple[Path, Path]) -> None:
    source(recorded[0])
    events = load_settings(recorded[0]).entry("tree").events
    assert events["stimulus onset"].label == "trials.stimOn_times"
    assert events["lick"].label == "licks.times"
