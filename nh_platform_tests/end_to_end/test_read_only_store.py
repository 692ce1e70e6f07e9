"""A store that cannot be written: who reads works, who writes is refused by name, and nothing is lost.

A disk that is mounted read-only where this process may mount one; else folders without the right to write.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from typer.testing import CliRunner

import nh_platform
from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.defs.automation.release_sensor import evaluate_release
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.load import Batches, Vocabulary, WindowSet
from nh_platform.operations.instance import open_instance
from nh_platform.session import NhError
from nh_platform.sources.registry import source_entry
from nh_platform.store import Store
from nh_platform_tests.homes import make_home, materialize

SOURCE = "ibl"


@contextmanager
def cannot_be_written(folder: Path) -> Iterator[None]:
    """Make a folder with all below it read-only."""
    if os.geteuid() != 0:
        modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*")) if not path.is_symlink()}
        for path, mode in modes.items():
            path.chmod(mode & ~0o222)
        try:
            yield
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
        return
    if sys.platform != "linux" or subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode:
        pytest.skip("root writes everywhere but on a disk that is mounted read-only, and may not mount one here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder, folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a home with a session that is made for the most part, and one that is not."""
    home = tmp_path_factory.mktemp("read_only")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        platform = make_home(home, (SOURCE,), n_sessions=2)
        text = (home / "sources.yaml").read_text()
        (home / "sources.yaml").write_text(f"{text}  also_assets: [spike_events]\n")
        platform = Platform(load_settings(home))
        operations.sync(home, SOURCE)
        session = platform.manifest(SOURCE).session_ids[0]
        with open_instance(platform.settings) as instance:
            assets = ("raw_spikes", "events", "units", "spike_events", "session_report")
            (outcome,) = materialize(platform, instance, SOURCE, [session], assets=assets)
            assert outcome.success, outcome
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("NH_HOME", str(tmp_path / "home"))
    return Path(shutil.copytree(made, tmp_path / "home", symlinks=True))


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def nh(home: Path, *arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["--home", str(home), *arguments], env={"COLUMNS": "400"})
    said = f"{done.output}{done.stderr}"
    assert done.exit_code == status, (arguments, said, done.exception)
    assert "Traceback" not in said
    return said


def test_readers_work_on_a_store_that_cannot_be_written(home: Path, tmp_path: Path) -> None:
    session = Store(home / "store").sessions(SOURCE)[0]
    before = hashes(home / "store")
    with cannot_be_written(home / "store"):
        store = nh_platform.open_store(home)
        view = store.session(SOURCE, session)
        assert len(view.units) == len(store.units(SOURCE)) > 0
        windows = WindowSet([view], "continuous-1s", ranges={session: [[0.0, 60.0]]}, vocabulary=Vocabulary())
        batches = Batches(windows, batch_size=4, seed=0)
        assert sum(int(np.sum(batch.counts)) for batch in batches) > 0
        assert "ingested" in nh(home, "status")
        assert "units" in nh(home, "show", SOURCE, session)
        assert "all as they were published" in nh(home, "verify", SOURCE)
        assert session[:8] in nh(home, "sessions")
        nh(home, "qc", "report", "--source", SOURCE, "--out", str(tmp_path / "report"))
        assert any((tmp_path / "report").rglob("*.html"))
        with open_instance(load_settings(home)) as instance:
            tick = evaluate_release(instance, source_entry(SOURCE), Platform(load_settings(home)), None)
        assert isinstance(tick, dg.SensorResult), tick
    assert hashes(home / "store") == before


def test_makers_are_refused_by_name_and_nothing_is_lost(home: Path) -> None:
    platform = Platform(load_settings(home))
    session = platform.store.sessions(SOURCE)[0]
    before = hashes(home / "store")
    refused = r"(Read-only file system|Permission denied)"
    with cannot_be_written(home / "store"):
        (outcome,) = operations.materialize(home, SOURCE, [session], assets=["units"], only_stale=False).failed
        assert not outcome.made
        assert any(session in text and "Traceback" not in text for text in outcome.errors), outcome.errors
        for call in (lambda: operations.sync(home, SOURCE), lambda: operations.backfill(home, SOURCE)):
            with pytest.raises(NhError, match=refused) as refusal:
                call()
            assert str(home / "store") in str(refusal.value)
        pruned = operations.prune(home, SOURCE)
        assert pruned.removed == ()
        assert pruned.kept
    assert hashes(home / "store") == before
    assert operations.materialize(home, SOURCE, [session], assets=["units"], only_stale=False).outcomes[0].success
