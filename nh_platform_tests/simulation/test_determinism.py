"""The same seed gives the same bytes, in another process, at another time, with another number of threads.

Add a test here when a writer gets a new way to differ. What the files hold is tested beside.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from nh_platform.simulation import TINY, SimulatedSession, write_allen_vc, write_ibl
from nh_platform.simulation.seeding import generator, uuid4

from .conftest import SEED

HERE = Path(__file__).resolve().parents[2]


def _tree(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_another_process_writes_the_same_bytes(
    tmp_path: Path, ibl: tuple[Path, list[SimulatedSession]], allen: tuple[Path, SimulatedSession]
) -> None:
    # Starting python takes longer than a second, the resolution of time stamps in HDF5.
    script = (
        "import sys; from pathlib import Path; from nh_platform.simulation import *\n"
        f"write_ibl(Path(sys.argv[1]) / 'ibl', 2, {SEED}, size=TINY)\n"
        f"write_allen_vc(Path(sys.argv[1]) / 'allen', 1, {SEED}, size=TINY)\n"
    )
    threads = {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "PYTHONHASHSEED": "99", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=HERE, env={**os.environ, **threads})
    assert _tree(tmp_path / "ibl") == _tree(ibl[0])
    assert _tree(tmp_path / "allen") == _tree(allen[0])


def test_another_seed_writes_other_sessions(tmp_path: Path, ibl: tuple[Path, list[SimulatedSession]]) -> None:
    other = write_ibl(tmp_path, 1, SEED + 1, size=TINY)[0]
    first = ibl[1][0]
    assert other.session_id != first.session_id
    name = "alf/probe00/pykilosort/spikes.times.npy"
    assert (other.folder / name).read_bytes() != (first.folder / name).read_bytes()


def test_a_session_does_not_depend_on_those_before_it(tmp_path: Path, ibl: tuple[Path, list[SimulatedSession]]) -> None:
    alone = write_ibl(tmp_path, 1, SEED, size=TINY, first=1)[0]
    assert alone.session_id == ibl[1][1].session_id
    assert _tree(alone.folder) == _tree(ibl[1][1].folder)


def test_writing_one_by_one_gives_the_same_tables(tmp_path: Path, allen: tuple[Path, SimulatedSession]) -> None:
    write_allen_vc(tmp_path / "b", 2, SEED, size=TINY)
    write_allen_vc(tmp_path / "a", 1, SEED, size=TINY, first=1)
    write_allen_vc(tmp_path / "a", 1, SEED, size=TINY)
    for name in ("sessions", "probes", "channels", "units"):
        assert (tmp_path / "a" / f"{name}.csv").read_text() == (tmp_path / "b" / f"{name}.csv").read_text()
        assert len((tmp_path / "b" / f"{name}.csv").read_text()) > len((allen[0] / f"{name}.csv").read_text())


def test_names_decide_numbers_and_ids() -> None:
    assert generator(1, "a").random() == generator(1, "a").random()
    assert generator(1, "a").random() != generator(1, "b").random()
    assert generator(1, "a", 12).random() != generator(1, "a1", 2).random()
    identity = uuid4(1, "session")
    assert identity == uuid4(1, "session") != uuid4(2, "session")
    assert identity[14] == "4"
    assert identity[19] in "89ab"
