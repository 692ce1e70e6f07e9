"""A user without rights, who shows nothing to others, makes what root makes; a read-only store loses nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from nh_platform.store.names import PROVENANCE
from nh_platform_tests.homes import make_home, materialize

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root becomes another user"),
]

USER = 65534
READS = "+dac_read_search"
"""Reads everything, since this Python may lie in a folder of root's; writes what is its own."""


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """Give a folder that the other user reaches: those of pytest are its user's alone."""
    with tempfile.TemporaryDirectory(prefix="nh-user-") as folder:
        yield Path(folder)


def nh(home: Path, *arguments: str) -> tuple[int, str]:
    """Run a command of `nh` as a user without rights, who shows nothing to others."""
    rights = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups", f"--inh-caps={READS}", f"--ambient-caps={READS}"]
    command = [sys.executable, "-m", "nh_platform.cli", "--home", str(home), *arguments]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("NH_", "DAGSTER_HOME"))},
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "COLUMNS": "400",
    }
    done = subprocess.run(
        ["setpriv", *rights, *command], env=environment, capture_output=True, text=True, cwd=home, umask=0o077
    )
    return done.returncode, done.stdout + done.stderr


def files_of(store: Path) -> dict[str, bytes]:
    """Return the bytes of what is stored of sessions, by path."""
    files = (path for path in (store / "ibl").rglob("*") if path.is_file() and not path.name.endswith(".lock"))
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in files if "_source" not in path.parts}


def test_what_a_user_without_rights_makes_is_what_root_makes_and_a_read_only_store_loses_nothing(
    tmp_path: Path, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    alone = make_home(tmp_path / "alone", ("ibl",))
    home = own_folder / "home"
    make_home(home, ("ibl",))
    for path in (own_folder, *own_folder.rglob("*")):
        os.chown(path, USER, USER)
    for command in (["sync", "ibl"], ["materialize", "ibl", "--all"]):
        status, said = nh(home, *command)
        assert status == 0, said
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(alone, instance, "ibl")
    made = files_of(home / "store")
    assert made
    # Records state the commit, which git tells nobody but the owner of the checkout.
    of_root = files_of(alone.store.root)
    assert made.keys() == of_root.keys()
    assert [name for name in made if made[name] != of_root[name] and not name.endswith(PROVENANCE)] == []
    shown_to_others = [str(path) for path in (home / "store").rglob("*") if path.stat().st_mode & 0o077]
    assert shown_to_others == []

    folders = [home / "store", *(home / "store").rglob("*")]
    for path in folders:
        path.chmod(path.stat().st_mode & ~0o222)
    for command in (["status"], ["verify", "ibl"]):
        status, said = nh(home, *command)
        assert status == 0, said
    status, said = nh(home, "materialize", "ibl", "--all")
    assert status == 1, said
    assert "Traceback" not in said
    assert "ermission" in said or "read-only" in said or "cannot be written" in said, said
    assert files_of(home / "store") == made
    for path in folders:
        path.chmod(path.stat().st_mode | 0o200)
    status, said = nh(home, "verify", "ibl")
    assert status == 0, said
    assert "all as they were published" in said
