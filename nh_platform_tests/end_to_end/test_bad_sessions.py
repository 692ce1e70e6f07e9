"""Bad upstream files of one session: it fails with the file's name, the next goes on, what was stored of it stays.

Every fault is put into the session of two that runs first, so that the other shows that a failure stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import h5py
import numpy as np
import pytest

from nh_platform.cli.making.materialize import print_failed_sessions
from nh_platform.home.platform import Platform
from nh_platform_tests.end_to_end.test_sessions import fingerprint
from nh_platform_tests.homes import make_home, materialize
from nh_platform_tests.sources.ibl.conftest import Tree

SORTING = "alf/probe00/pykilosort/#2024-05-06#"
ASSETS = ("raw_spikes", "units")
WITH_EVENTS = ("raw_spikes", "events", "units")


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:1000])


def with_nan(file: Path) -> None:
    times = np.load(file)
    times[17] = np.nan
    np.save(file, times)


def unsorted(file: Path) -> None:
    times = np.load(file)
    times[[20, 40]] = times[[40, 20]]
    np.save(file, times)


def shortened(file: Path) -> None:
    np.save(file, np.load(file)[:-3])


def with_a_stray_cluster(file: Path) -> None:
    clusters = np.load(file)
    clusters[5] = 999
    np.save(file, clusters)


def without_units(file: Path) -> None:
    with h5py.File(file, "a") as nwb:
        del nwb["units"]


IBL_FAULTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a required dataset is missing": ("spikes.times.npy", Path.unlink, "required, and"),
    "a file is truncated": ("spikes.times.npy", truncated, "not a whole npy file"),
    "lengths are unequal": ("spikes.clusters.npy", shortened, "clusters for"),
    "a spike's cluster is none": ("spikes.clusters.npy", with_a_stray_cluster, "cluster 999 has no row"),
    "a time is NaN": ("spikes.times.npy", with_nan, "NaN or infinite, the first is spike 17"),
    "times are not sorted": ("spikes.times.npy", unsorted, "times are not sorted"),
}
"""Fault → the file, what is done to it, and what the error says of it."""


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def made_home(folder: Path, instance: dg.DagsterInstance, source: str, assets: Sequence[str]) -> Platform:
    home = make_home(folder, (source,), n_sessions=2)
    assert [outcome.errors for outcome in materialize(home, instance, source, assets=assets)] == [(), ()]
    return home


@pytest.fixture(scope="module")
def ibl(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> Platform:
    return made_home(tmp_path_factory.mktemp("ibl"), instance, "ibl", WITH_EVENTS)


@contextmanager
def damaged(tree: Tree, name: str, damage: Callable[[Path], object]) -> Iterator[None]:
    """Damage a sorting file of both probes as if upstream had released it so; undone at the end."""
    names = [f"{SORTING.replace('probe00', probe)}/{name}" for probe in ("probe00", "probe01")]
    intact = {path: path.read_bytes() for path in (*map(tree.path, names), tree.root / "datasets.pqt")}
    try:
        for file in names:
            damage(tree.path(file))
            if tree.path(file).exists():
                tree.write(file, tree.path(file).read_bytes())
        yield
    finally:
        for path, content in intact.items():
            path.write_bytes(content)


def run_both(
    home: Platform, instance: dg.DagsterInstance, source: str, bad: str, assets: Sequence[str]
) -> tuple[tuple[str, ...], str]:
    """Materialize both sessions, first the bad one; return which of its assets were made, and its errors."""
    good = next(session_id for session_id in home.manifest(source).session_ids if session_id != bad)
    folders = [home.store.root / source / bad / asset for asset in ("raw_spikes", "units")]
    before = [fingerprint(folder) for folder in folders]
    outcomes = materialize(home, instance, source, [bad, good], assets=assets, only_stale=False)
    assert [(outcome.plan.session_id, outcome.success) for outcome in outcomes] == [(bad, False), (good, True)]
    assert set(outcomes[1].made) >= set(assets)
    assert [fingerprint(folder) for folder in folders] == before
    return outcomes[0].made, " ".join(outcomes[0].errors)


@pytest.mark.parametrize("fault", IBL_FAULTS)
def test_a_bad_ibl_session_is_named_and_the_next_goes_on(
    ibl: Platform, instance: dg.DagsterInstance, fault: str
) -> None:
    name, damage, found = IBL_FAULTS[fault]
    tree = Tree(ibl.settings.home / "upstream" / "ibl")
    with damaged(tree, name, damage):
        made, text = run_both(ibl, instance, "ibl", tree.eid, ASSETS)
    assert f"session {tree.eid}" in text
    assert f"{SORTING}/{name}" in text
    assert found in text
    assert made == ()


def test_an_nwb_file_without_units_is_named_and_the_next_goes_on(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    home = made_home(tmp_path, instance, "allen_vc", WITH_EVENTS)
    bad = home.manifest("allen_vc").session_ids[0]
    (file,) = (tmp_path / "upstream" / "allen_vc").rglob(f"*{bad}.nwb")
    without_units(file)
    made, text = run_both(home, instance, "allen_vc", bad, WITH_EVENTS)
    assert f"{file.name}: it has no units table" in text
    # Each asset of a session stands for itself: what the file still has of the events is read.
    assert made == ("events",)


def test_a_failure_says_what_was_made_and_what_keeps_its_version(
    ibl: Platform, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree(ibl.settings.home / "upstream" / "ibl")
    with damaged(tree, "spikes.times.npy", truncated):
        outcomes = materialize(ibl, instance, "ibl", [tree.eid], assets=WITH_EVENTS, only_stale=False)
    assert print_failed_sessions(outcomes) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "made: events" in said
    assert "not made; any version stored before stays: raw_spikes, units" in said
    assert "what was stored before is unchanged" not in said
