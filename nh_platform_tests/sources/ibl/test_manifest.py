"""The manifest of a local tree says what is there and what is read."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest

from nh_platform.downloads.hashes import file_hash
from nh_platform.session import BadUpstreamData, ConfigError, UnknownSession
from nh_platform.simulation import TINY, add_revision, patch_wheel
from nh_platform_tests.sources.ibl.conftest import SORTING, Tree


def test_sessions_and_insertions_are_those_of_the_tables(pristine: Tree) -> None:
    manifest = pristine.source().manifest()
    assert manifest.release == "follow_default"
    session = manifest.session(pristine.eid)
    assert session.session.subject == "SWC_sim_001"
    assert session.session.date == "2022-03-01"
    assert session.session.projects == "ibl_neuropixel_brainwide_01"
    assert session.insertions["probe"].tolist() == ["probe00", "probe01"]
    assert sorted(manifest.session_ids) == sorted([pristine.eid, pristine.other])


def test_each_dataset_is_read_from_one_row(pristine: Tree) -> None:
    session = pristine.source().manifest().session(pristine.eid)
    for group, count in {"spikes": 22, "events": 14, "signals": 11, "qc": 2}.items():
        rows = session.of_group(group)
        assert len(rows) == count
        assert not rows.duplicated(["collection", "name"]).any()
        assert rows["md5"].str.fullmatch("[0-9a-f]{32}").all()
    assert set(session.of_group("spikes")["revision"]) == {"2024-05-06"}
    assert set(session.of_group("alignment")["name"].str.split(".").str[0]) == {"electrodeSites", "channels"}


def test_a_pinned_date_before_the_resort_reads_the_first_sort(pristine: Tree) -> None:
    session = pristine.source(revision="2023-01-01").manifest().session(pristine.eid)
    assert set(session.of_group("spikes")["revision"]) == {""}
    assert pristine.source().manifest().session(pristine.eid).version("spikes") != session.version("spikes")


def test_versions_move_with_content_and_only_in_their_group(own_tree: Tree) -> None:
    tree = own_tree

    def versions() -> dict[str, str]:
        session = tree.source().manifest().session(tree.eid)
        return {group: session.version(group) for group in ("spikes", "events", "signals", "alignment", "qc")}

    first = versions()
    patch_wheel(tree.root, 0, 1, size=TINY)
    patched = versions()
    assert {key for key in first if first[key] != patched[key]} == {"signals"}
    times = lambda t: t["rel_path"].str.endswith("spikes.times.npy")  # noqa: E731
    tree.edit(lambda t: t.assign(qc=t["qc"].where(~times(t), "WARNING")))
    judged = versions()
    assert {key for key in first if judged[key] != patched[key]} == {"qc"}
    add_revision(tree.root, 0, 1, size=TINY, probe="probe01", revision="2026-01-01")
    resorted = versions()
    assert {key for key in first if resorted[key] != judged[key]} == {"spikes", "alignment", "qc"}


def test_training_sessions_are_left_out(tree: Tree) -> None:
    eid = "11111111-1111-4111-8111-111111111111"

    def with_training(sessions: pd.DataFrame) -> pd.DataFrame:
        row = sessions.iloc[[0]].set_axis(pd.Index([eid], name="id")).assign(date=datetime.date(2020, 1, 1))
        return pd.concat([sessions, row])

    tree.edit(with_training, "sessions")
    assert eid not in tree.source().manifest().session_ids
    with pytest.raises(UnknownSession, match=eid):
        tree.source().manifest().session(eid)


def test_a_missing_hash_is_computed_for_files_that_are_read(tree: Tree) -> None:
    name = f"{SORTING}/spikes.times.npy"
    tree.edit(lambda table: table.assign(hash=""))  # as make_parquet_db writes it
    files = tree.source().manifest().session(tree.eid).files
    row = files[(files["collection"] == "alf/probe00/pykilosort") & (files["name"] == "spikes.times.npy")]
    by_revision = row.set_index("revision")["md5"]
    assert by_revision["2024-05-06"] == file_hash(tree.path(name))
    assert by_revision[""] is None


def test_a_file_that_is_gone_spoils_its_own_session_only(tree: Tree) -> None:
    tree.edit(lambda table: table.assign(hash=None))
    tree.path(f"{SORTING}/spikes.times.npy").unlink()
    source = tree.source()
    manifest = source.manifest()
    with pytest.raises(BadUpstreamData, match=r"spikes\.times\.npy"):
        source.read_spikes(manifest.session(tree.eid))
    assert source.read_spikes(manifest.session(tree.other)).spikes.n_units == 24


def test_datasets_that_upstream_no_longer_has_are_not_listed(tree: Tree) -> None:
    gone = tree.rows(pd.read_parquet(tree.root / "datasets.pqt"))
    tree.edit(lambda t: t.assign(exists=~(gone & t["rel_path"].str.endswith("licks.times.npy"))))
    assert "licks.times.npy" not in set(tree.source().manifest().session(tree.eid).files["name"])


def test_without_an_insertions_table_insertions_are_the_probe_folders(tree: Tree) -> None:
    (tree.root / "insertions.pqt").unlink()
    insertions = tree.source().manifest().session(tree.eid).insertions
    assert insertions["insertion_id"].tolist() == [f"{tree.eid}_probe00", f"{tree.eid}_probe01"]


def test_missing_or_broken_tables_are_named(tmp_path: Path, tree: Tree) -> None:
    with pytest.raises(ConfigError, match=r"sessions\.pqt, datasets\.pqt not found"):
        tree.source(tables=tmp_path / "nothing").manifest()
    (tree.root / "datasets.pqt").unlink()
    (tree.root / "datasets.pqt").write_bytes(b"PAR1 not really")
    with pytest.raises(ConfigError, match="ONE tables in"):
        tree.source().manifest()
