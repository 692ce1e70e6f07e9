"""Upstream files of simulated IBL sessions, made once and kept, and homes that read them.

Contains what jobs on whole sessions begin with. Add here another kind of home. What is done in one stands in
`benchmarks/jobs/`; the store of a home is never kept, since results of the platform move with it.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness.sessions import kept

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform

SOURCE, SEED = "ibl", 7


def upstream(size: str, n_sessions: int, quick: bool) -> Path:
    """Return the folder of upstream files of sessions of some size (`nh_platform.simulation.SIZES`)."""
    size = "tiny" if quick else size
    return kept(f"upstream-ibl-{size}-{n_sessions}", partial(_write, size, n_sessions))


def _write(size: str, n_sessions: int, path: Path) -> None:
    from nh_platform.simulation import SIZES, write_ibl

    write_ibl(path, n_sessions, SEED, size=SIZES[size])


def new_home(folder: Path, files: Path, also: tuple[str, ...] = ()) -> Platform:
    """Make a home in ``folder`` whose source reads ``files`` and whose catalogue is stored; nothing else is.

    Parameters
    ----------
    folder
        An empty folder.
    files
        Of `upstream`.
    also
        Assets on request that are made as well.
    """
    from nh_platform.history.publishing import store_manifest
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings

    lines = f"{SOURCE}:\n  read: {{mode: local, root: '{files}'}}\n  also_assets: [{', '.join(also)}]\n"
    (folder / "sources.yaml").write_text(lines, encoding="utf-8")
    platform = Platform(load_settings(folder))
    store_manifest(platform.store, platform.source(SOURCE).manifest(), "1")
    return Platform(load_settings(folder))


if __name__ == "__main__":
    print(*new_home(Path(sys.argv[1]), Path(sys.argv[2])).manifest(SOURCE).session_ids)
