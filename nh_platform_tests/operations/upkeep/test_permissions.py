"""A session whose folder belongs to another user is named in our words, and everything else goes on.

Root may read everything, so that the commands run without the capabilities that let it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.planning.verification import verify
from nh_platform.store import Store
from nh_platform_tests.homes import make_home

pytestmark = pytest.mark.slow

CAPABILITIES = "-dac_override,-dac_read_search"
CHANGES = {
    "session": lambda asset: asset.parent,
    "asset": lambda asset: asset,
    "pointer": lambda asset: asset / "current",
    "version": lambda asset: next(path for path in asset.iterdir() if path.is_dir()),
    "record": lambda asset: next(asset.glob("*/provenance.json")),
    "table": lambda asset: next(asset.glob("*/*.parquet")),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made") / "home"
    make_home(home, ("ibl",), n_sessions=2)
    operations.sync(home, "ibl")
    assert not operations.materialize(home, "ibl").failed
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def run(home: Path, *commands: tuple[str, ...]) -> list[tuple[int, str]]:
    """Run commands in one process that may not read everything, which loads the platform once."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything without setpriv")
        prefix = ["setpriv", f"--bounding-set={CAPABILITIES}", f"--inh-caps={CAPABILITIES}"]
    environment = {**os.environ, "COLUMNS": "400", "NH_HOME": str(home)}
    done = subprocess.run(
        [*prefix, sys.executable, "-c", RUN, json.dumps(commands)],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    for command, (_, text, error) in zip(commands, results):
        assert not error, (command, text, error)
    return [(code, text) for code, text, _ in results]


RUN = """
import json, sys, traceback
from typer.testing import CliRunner
from nh_platform.cli import app
results = []
for command in json.loads(sys.argv[1]):
    found = CliRunner().invoke(app, command)
    is_bug = found.exc_info is not None and not isinstance(found.exception, (SystemExit, type(None)))
    error = "".join(traceback.format_exception(*found.exc_info)) if is_bug else ""
    results.append((found.exit_code, found.output, error))
print(json.dumps(results))
"""


@pytest.mark.parametrize("of", CHANGES)
def test_one_unreadable_session_stops_no_other(home: Path, of: str, tmp_path: Path) -> None:
    store = Store(home / "store")
    closed, other = store.sessions("ibl")
    path = CHANGES[of](store.asset_folder("ibl", closed, "units"))
    before = path.stat()
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
    path.chmod(0o700 if os.geteuid() == 0 else 0)
    commands = (
        ("status",),
        ("show", "ibl", closed),
        ("show", "ibl", other),
        ("materialize", "ibl", "--missing", "--dry-run"),
        ("verify",),
        ("backup", str(tmp_path / "backups")),
        ("prune",),
        ("lock", "add", "paper-1", "ibl", other),
        ("lock", "add", "paper-2", "ibl"),
        ("sessions", "--format", "csv"),
    )
    try:
        found = run(home, *commands)
    finally:
        os.chown(path, before.st_uid, before.st_gid)
        path.chmod(before.st_mode & 0o777)
    status, shown, other_shown, planned, verified, backed_up, pruned, locked, all_locked, sessions = found
    is_table = of == "table"  # nobody opens it but who reads its rows
    assert status[0] == other_shown[0] == pruned[0] == locked[0] == sessions[0] == 0
    assert is_table or f"ibl {closed}: nothing is made until it can be read" in status[1]
    assert is_table or (shown[0] == 1 and "cannot be read now: Permission denied" in shown[1])
    assert other not in planned[1]
    assert is_table or "Permission denied" in planned[1]
    for code, text in (verified, backed_up):
        assert (code, "Permission denied" in text, closed in text, "DAMAGED" in text) == (1, True, True, False)
    (folder,) = (tmp_path / "backups").iterdir()
    assert Store(folder / "store").assets("ibl", other) == store.assets("ibl", other)
    assert all_locked[0] == 0 or closed in all_locked[1]
    assert other in sessions[1]
    assert verify(store).damages == ()
