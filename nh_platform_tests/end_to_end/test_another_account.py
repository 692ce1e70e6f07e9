"""A user who owns nothing but a folder makes sessions; who else may read them is what its umask says.

Run by root, the commands run as nobody, who may read everything here, since the interpreter may lie in root's own
folder, and write nothing that is not its own.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

NOBODY, OTHER = 65534, 65533
CHECKOUT = Path(__file__).resolve().parents[2]
MAKE = """
import json, os, sys, warnings
from pathlib import Path
os.umask(int(sys.argv[2], 8))
warnings.simplefilter("ignore")
from nh_platform import operations
from nh_platform_tests.homes import make_home
home = Path(sys.argv[1])
make_home(home, ("ibl",))
operations.sync(home, "ibl")
done = operations.materialize(home, "ibl")
(session,) = [one for one in os.listdir(home / "store" / "ibl") if one[8:9] == "-"]
review = {"unit": "probe00/1", "decision": "fail", "reason": "drifts", "reviewer": "ada"}
operations.add_review(home, "ibl", session, review)
print(json.dumps([os.getuid(), session, [one.success for one in done.outcomes]]))
"""


READ = """
import json, os, sys
from nh_platform import open_store
home, uid, gid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def read():
    store = open_store(home)
    (session,) = store.store.sessions("ibl")
    view = store.session("ibl", session)
    return [len(store.units("ibl")), len(view.units), len(view.trials)]
before = read()  # what is imported on the way lies in a folder of root's
os.setgroups([gid])
os.setgid(gid)
os.setuid(uid)
try:
    print(json.dumps([before, read()]))
except Exception as error:
    print(json.dumps([before, type(error).__name__, str(error)]))
"""


def read_as(uid: int, gid: int, home: Path) -> list[object]:
    """Have another user with a group read a home; return what root finds and what it finds, or its error."""
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "DAGSTER_HOME": "", "HOME": str(home.parent)}
    command = [sys.executable, "-c", READ, str(home), str(uid), str(gid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return list(json.loads(done.stdout.splitlines()[-1]))


def run_as_nobody(script: str, *arguments: str, home: Path) -> list[object]:
    """Run a script as another user, and return what it prints last."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("becoming another user needs setpriv (Debian: util-linux)")
        may = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *may]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NH_", "DAGSTER_", "XDG_"))}
    environment = {**kept, "HOME": str(home.parent), "TMPDIR": str(home.parent), "COLUMNS": "300"}
    environment |= {"PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"NUMBA_CACHE_DIR": str(home.parent / "numba"), "MPLCONFIGDIR": str(home.parent / "mpl")}
    done = subprocess.run(
        [*prefix, sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment,
        cwd=home.parent,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return list(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def home() -> Iterator[Path]:
    """Give the place of a home in a folder that the other user owns, and all may look for it there.

    It lies outside pytest's own folders, one of which is closed to all but the user who runs the tests.
    """
    with tempfile.TemporaryDirectory(prefix="nh-another-account-") as made:
        own = Path(made)
        own.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(own, NOBODY, NOBODY)
        yield own / "home"


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of everything below a folder."""
    return {path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def test_under_umask_077_nothing_of_a_home_is_readable_by_others(home: Path) -> None:
    uid, _, made = run_as_nobody(MAKE, str(home), "077", home=home)
    assert uid == (NOBODY if os.geteuid() == 0 else os.getuid())
    assert made == [True]
    found = modes(home)
    assert len(found) > 50
    others = {name for name, mode in found.items() if mode & 0o077}
    # Locks of files that a group changes have permissions of their own: they are empty, and their folders are closed.
    assert {name for name in others if (home / name).is_dir() or (home / name).stat().st_size} == set()
    assert {name for name in others if not name.endswith(".lock")} == set()


def test_under_umask_027_a_group_reads_every_output_and_others_none(home: Path) -> None:
    _, _, made = run_as_nobody(MAKE, str(home), "027", home=home)
    assert made == [True]
    of_store = modes(home / "store")
    assert {name for name, mode in of_store.items() if not mode & 0o040} == set(), "the group reads every output"
    assert {name for name, mode in of_store.items() if mode & 0o007} - {
        name for name in of_store if name.endswith(".lock")
    } == set()
    ours, theirs = read_as(OTHER, NOBODY, home)
    assert ours == theirs, "a second user of the group reads all of it"
    _, kind, text = read_as(OTHER, OTHER, home)
    assert kind == "StoreError"
    assert "Permission denied" in str(text)
