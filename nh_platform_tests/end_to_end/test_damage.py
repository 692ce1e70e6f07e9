"""A flipped bit or a cut in a stored file is never read as data, is named, and is mended to the same bytes."""

from __future__ import annotations

import errno
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import h5py
import pytest

from nh_platform import operations
from nh_platform.assets.inputs import resolve_inputs
from nh_platform.assets.registry import session_assets
from nh_platform.defs import stored_files
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.staleness import standing_of
from nh_platform.planning.verification import ROTATION_DAYS, share_of_day, verify
from nh_platform.planning.versions import SourcePlan
from nh_platform.qc.gate import GATE_FILE, read_gate
from nh_platform.reading import open_store
from nh_platform.reading.searching.session_search import SessionQuery, find_sessions
from nh_platform.session import NhError
from nh_platform.store import Store
from nh_platform.store.codecs.hdf5 import open_file
from nh_platform.store.codecs.json_files import read_json
from nh_platform.store.codecs.parquet import column_names, read_table
from nh_platform.store.names import POINTER, PROVENANCE
from nh_platform_tests.homes import make_home, materialize

SOURCES = ("ibl", "allen_vc")
SEED = 324
N_SAMPLED, N_ALL = 30, 500
"""Damages for each source."""
LOOKED_AT = (".html", ".svg")
"""Pages and figures, which no code reads as data: they are compared with what was written, and named where damaged."""


@dataclass(frozen=True)
class Stored:
    """One stored session, which tests damage in place and put right again."""

    platform: Platform
    source: str
    session_id: str

    @property
    def folder(self) -> Path:
        return self.platform.store.root / self.source / self.session_id

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name != ".lock")

    def asset_of(self, path: Path) -> str:
        return path.relative_to(self.folder).parts[0]


@pytest.fixture(scope="module", params=SOURCES)
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    platform = make_home(tmp_path_factory.mktemp("damage") / "home", (request.param,))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, request.param)
    assert outcome.success, outcome.errors
    return Stored(platform, request.param, outcome.plan.session_id)


def damages(files: list[Path], number: int, seed: int) -> Iterator[tuple[Path, bytes, str]]:
    """Give files with the bytes that damage leaves of them: of three, two have a flipped bit and one is cut."""
    chance = random.Random(seed)
    for _ in range(number):
        path = chance.choice(files)
        content = path.read_bytes()
        if chance.random() < 1 / 3:
            size = chance.randrange(len(content))
            yield path, content[:size], f"cut to {size} of {len(content)} bytes"
        else:
            bit = chance.randrange(len(content) * 8)
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            yield path, bytes(flipped), f"bit {bit} flipped"


def read_file(stored: Stored, path: Path) -> Any:
    """Read a file with the reader of its format."""
    if path.name in (POINTER, PROVENANCE):
        return stored.platform.store.provenance(stored.source, stored.session_id, stored.asset_of(path))
    if path.suffix == ".parquet":
        return column_names(path), read_table(path)
    if path.suffix == ".json":
        return read_json(path)
    assert path.suffix == ".h5", path
    with open_file(path) as handle:
        found: dict[str, Any] = {}
        handle.visititems(lambda name, one: found.update({name: one[()]}) if isinstance(one, h5py.Dataset) else None)
        return found


def check_not_read(stored: Stored, path: Path, what: str) -> None:
    """Hold that nobody reads a damaged file as data, and that everybody names the asset and goes on."""
    store, asset = stored.platform.store, stored.asset_of(path)
    if path.suffix in LOOKED_AT:
        verify(store, [stored.source], [stored.session_id])
    else:
        with pytest.raises(NhError) as caught:
            read_file(stored, path)
        assert asset in str(caught.value), what
    for name, reader in session_assets(stored.source).items():
        if asset in reader.inputs:
            with pytest.raises(NhError, match="is damaged"):
                resolve_inputs(store, stored.source, stored.session_id, reader)
            assert name != asset
    found = verify(store, [stored.source], [stored.session_id]).damages
    assert {one.asset for one in found} == {asset}, what
    assert path in {one.path for one in found}, what
    if path.name == GATE_FILE:
        with pytest.raises(NhError):
            read_gate(store.folder(stored.source, stored.session_id, asset))
    plan = SourcePlan(stored.platform, stored.source)
    standing = standing_of(plan, stored.platform.manifest(stored.source).session(stored.session_id))
    assert standing.damaged.keys() == {asset}, what
    assert standing.stale == (asset,), what
    table = find_sessions(stored.platform.manifest(stored.source), store, SessionQuery())
    assert table["assets"].tolist() == [len(plan.assets) - 1], what


def run_damages(stored: Stored, number: int, seed: int) -> None:
    for path, content, how in damages(stored.files(), number, seed):
        intact = path.read_bytes()
        path.write_bytes(content)
        check_not_read(stored, path, f"{path.relative_to(stored.folder)}: {how}")
        path.write_bytes(intact)
        (stored.folder / stored.asset_of(path) / "damaged").unlink(missing_ok=True)
    assert verify(stored.platform.store, [stored.source]).damages == ()


def without_commit(path: Path) -> Any:
    """Return what must be the same after a repair."""
    if path.name != PROVENANCE:
        return path.read_bytes()
    record = json.loads(path.read_bytes())
    return {name: value for name, value in record.items() if name not in ("git_commit", "blake3")}


def run_repairs(stored: Stored, files: list[Path], seed: int) -> None:
    before = {path: without_commit(path) for path in stored.files()}
    with dg.DagsterInstance.ephemeral() as instance:
        home = OpenHome(stored.platform, instance)
        operations.sync(home, stored.source)
        for number, chosen in enumerate(files):
            (path, content, how), *_ = damages([chosen], 1, seed + number)
            path.write_bytes(content)
            found = operations.verify(home, stored.source, stored.session_id, repair=True)
            assert [one.path for one in found.damages] == [path], how
            assert (found.remaining, found.errors) == ((), ()), how
            assert {one: without_commit(one) for one in stored.files()} == before, f"{path}: {how}"


@pytest.mark.slow
def test_a_sample_of_damage_is_never_read_as_data(stored: Stored) -> None:
    run_damages(stored, N_SAMPLED, SEED)


@pytest.mark.slow
def test_a_sample_of_damaged_files_is_mended_to_the_same_bytes(stored: Stored) -> None:
    chance = random.Random(SEED)
    by_kind: dict[str, list[Path]] = {}
    for path in stored.files():
        by_kind.setdefault(path.suffix or path.name, []).append(path)
    run_repairs(stored, [chance.choice(paths) for paths in by_kind.values()], SEED)


@pytest.mark.soak
def test_no_damage_is_read_as_data(stored: Stored) -> None:
    """Some minutes for both sources."""
    run_damages(stored, N_ALL, SEED + 1)


@pytest.mark.soak
def test_every_damaged_file_is_mended_to_the_same_bytes(stored: Stored) -> None:
    """About a second for each file."""
    run_repairs(stored, stored.files(), SEED + 1)


def test_a_damaged_session_does_not_hide_the_others(tmp_path: Path) -> None:
    platform = make_home(tmp_path / "home", ("ibl",), n_sessions=2)
    with dg.DagsterInstance.ephemeral() as instance:
        outcomes = materialize(platform, instance, "ibl")
        first, second = sorted(one.plan.session_id for one in outcomes)
        record = platform.store.folder("ibl", first, "units") / PROVENANCE
        record.write_bytes(b"")
        home = OpenHome(Platform(load_settings(platform.settings.home)), instance)
        status = operations.status(home).sources["ibl"]
        assert not isinstance(status, NhError)
        assert (status.n_stale, status.n_damaged) == (1, 1)
        assert operations.inventory(home, "ibl").errors == ()
        assert open_store(platform.settings.home).session("ibl", second).units is not None
        with pytest.raises(NhError, match=r"units of ibl session .* is damaged: it is empty"):
            open_store(platform.settings.home).session("ibl", first).provenance("units")
        made = operations.materialize(home, "ibl").plans
        assert [(plan.session_id, plan.assets) for plan in made] == [(first, ("units",))]
    assert platform.store.damaged("ibl", first) == {}


def test_the_inventory_compares_a_share_each_day_and_names_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = make_home(tmp_path / "home", ("ibl",))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(platform, instance, "ibl")
        home, session = OpenHome(platform, instance), outcome.plan.session_id
        days = [day for day in range(ROTATION_DAYS) if session in share_of_day(platform.store, "ibl", day)]
        assert len(days) == 1
        path = platform.store.folder("ibl", session, "windows") / "counts.h5"
        path = path if path.exists() else next(path.parent.glob("*.h5"))
        path.write_bytes(path.read_bytes()[:-1])
        for day, is_told in ((days[0] + 1, False), (days[0], True), (days[0] + 1, True)):
            monkeypatch.setattr(stored_files, "share_of_day", partial(_share, day))
            found = {check.name: check for check in operations.inventory(home, "ibl").checks}[stored_files.STORED_FILES]
            assert found.passed is not is_told
            assert ("windows of 1" in found.description) is is_told


def test_what_cannot_be_read_is_told_apart_from_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = make_home(tmp_path / "home", ("ibl",), n_sessions=2)
    with dg.DagsterInstance.ephemeral() as instance:
        outcomes = materialize(platform, instance, "ibl", assets=["raw_spikes"])
        home, out_of_reach = OpenHome(platform, instance), outcomes[0].plan.session_id
        folder, as_it_is = platform.store.root / "ibl" / out_of_reach, os.scandir

        def refused(path: str | Path | int = ".") -> Any:
            if str(path) == str(folder):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return as_it_is(path)

        monkeypatch.setattr(os, "scandir", refused)
        found = {check.name: check for check in operations.inventory(home, "ibl").checks}[stored_files.STORED_FILES]
    assert not found.passed
    assert "1 session or catalog cannot be read now" in found.description
    assert str(folder) in found.description
    assert "damaged" not in found.description


def _share(day: int, store: Store, source: str, _: int) -> list[str]:
    return share_of_day(store, source, day)
