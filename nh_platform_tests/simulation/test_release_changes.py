"""Each change of a release touches what upstream would touch, and nothing else.

Add a test here with each function of `nh_platform.simulation.ibl.release_changes`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.simulation import (
    TINY,
    SimulatedSession,
    add_revision,
    add_session,
    patch_wheel,
    remove_session,
    set_dataset_qc,
    write_ibl,
)

SEED = 7


@pytest.fixture
def released(tmp_path: Path) -> tuple[Path, SimulatedSession]:
    """One session that a test may change."""
    return tmp_path, write_ibl(tmp_path, 1, SEED, size=TINY)[0]


def _datasets(root: Path) -> pd.DataFrame:
    return pd.read_parquet(root / "datasets.pqt").reset_index().set_index("rel_path")


def _changed(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    both = before.index.intersection(after.index)
    columns = ["id", "hash", "qc", "default_revision"]
    differs = (before.loc[both, columns].astype(str) != after.loc[both, columns].astype(str)).any(axis=1)
    return sorted(both[differs])


def test_a_wheel_patch_changes_one_md5_in_place(released: tuple[Path, SimulatedSession]) -> None:
    root, session = released
    before, position = _datasets(root), np.load(session.folder / "alf/_ibl_wheel.position.npy")
    patch_wheel(root, 0, SEED, size=TINY)
    after = _datasets(root)
    assert _changed(before, after) == ["alf/_ibl_wheel.position.npy"]
    assert (before["id"] == after["id"]).all()
    np.testing.assert_array_equal(np.load(session.folder / "alf/_ibl_wheel.position.npy"), -position)


def test_a_resort_of_one_probe_is_a_new_default_revision(released: tuple[Path, SimulatedSession]) -> None:
    root, session = released
    before = _datasets(root)
    add_revision(root, 0, SEED, size=TINY, probe="probe01", revision="2026-01-01")
    after = _datasets(root)
    new = after.index.difference(before.index)
    assert all(name.startswith("alf/probe01/pykilosort/#2026-01-01#/") for name in new)
    assert len(new) == 19
    assert after.loc[new, "default_revision"].all()
    assert all(name.startswith("alf/probe01/pykilosort/#2024-05-06#/") for name in _changed(before, after))
    truth = session.truth
    folder = session.folder / "alf/probe01/pykilosort/#2026-01-01#"
    uuids = pd.read_csv(folder / "clusters.uuids.csv")["uuids"].tolist()
    assert truth.loc[truth["probe"] == "probe01", "unit_id"].tolist() == uuids
    counts = np.bincount(np.load(folder / "spikes.clusters.npy"), minlength=12)
    assert truth.loc[truth["probe"] == "probe01", "n_spikes"].tolist() == counts.tolist()


@pytest.mark.parametrize(("probe", "revision"), [("probe07", "2026-01-01"), ("probe00", "2020-01-01")])
def test_an_impossible_resort_is_refused(released: tuple[Path, SimulatedSession], probe: str, revision: str) -> None:
    with pytest.raises(ValueError, match=probe):
        add_revision(released[0], 0, SEED, size=TINY, probe=probe, revision=revision)


def test_another_session_leaves_the_first_as_it_is(released: tuple[Path, SimulatedSession]) -> None:
    root, session = released
    before = pd.read_parquet(root / "datasets.pqt")
    added = add_session(root, 5, SEED, size=TINY)
    after = pd.read_parquet(root / "datasets.pqt")
    pd.testing.assert_frame_equal(after.loc[[session.session_id]], before)
    assert set(pd.read_parquet(root / "sessions.pqt").index) == {session.session_id, added.session_id}
    # Number 5 is a third session of its row: its last probe has no resolved histology.
    assert not list((added.folder / "alf/probe01").rglob("*mlapdv*"))
    assert list((added.folder / "alf/probe00").rglob("*mlapdv*"))


def test_dataset_qc_changes_alone_and_survives_a_patch(released: tuple[Path, SimulatedSession]) -> None:
    root, session = released
    before = _datasets(root)
    assert set_dataset_qc(root, session.session_id, "_ibl_wheel.position.npy", "CRITICAL") == 1
    assert _changed(before, _datasets(root)) == ["alf/_ibl_wheel.position.npy"]
    patch_wheel(root, 0, SEED, size=TINY)
    table = pd.read_parquet(root / "datasets.pqt")
    assert table["qc"].cat.ordered
    assert _datasets(root).loc["alf/_ibl_wheel.position.npy", "qc"] == "CRITICAL"


def test_a_withdrawn_session_is_gone_from_all_tables(released: tuple[Path, SimulatedSession]) -> None:
    root, session = released
    remove_session(root, session.session_id)
    for name in ("sessions", "datasets", "insertions"):
        assert len(pd.read_parquet(root / f"{name}.pqt")) == 0
    assert session.folder.is_dir()
