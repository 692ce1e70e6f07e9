"""Allen NWB files for the tests of this folder, made once, and how a test damages a copy of one.

Add a fixture here when two modules of this folder share it.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from nh_platform.history.manifest import SessionFiles
from nh_platform.simulation import TINY, write_allen_vbn, write_allen_vc
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource
from nh_platform_tests.sources.allen import newer_layout

Edit = Callable[[h5py.File], None]


@pytest.fixture(scope="session")
def newer_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a cache folder with one session, written by AllenSDK 2.16.2 (newer layout)."""
    root = tmp_path_factory.mktemp("newer_layout")
    path = root / f"session_{newer_layout.SESSION_ID}" / f"session_{newer_layout.SESSION_ID}.nwb"
    path.parent.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        newer_layout.write(path)
    return root


@pytest.fixture(scope="session")
def released_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a cache folder with one simulated session in the layout of the 2020 release, with its CSV tables."""
    root = tmp_path_factory.mktemp("released_layout")
    write_allen_vc(root, 1, seed=3, size=TINY)
    return root


@pytest.fixture
def opened(newer_root: Path, tmp_path: Path) -> Callable[..., tuple[AllenVisualCodingSource, SessionFiles]]:
    """Return a function: edit a copy of the session's file, and get the source and the session's manifest rows."""

    def edited(edit: Edit | None = None) -> tuple[AllenVisualCodingSource, SessionFiles]:
        root = tmp_path / "root"
        shutil.copytree(newer_root, root)
        if edit is not None:
            with h5py.File(nwb_in(root), "r+") as handle:
                edit(handle)
        source = AllenVisualCodingSource(AllenVcSettings(root=root))
        return source, source.manifest().session(newer_layout.SESSION_ID)

    return edited


def nwb_in(root: Path) -> Path:
    """Return the one NWB file in a cache folder."""
    (path,) = root.glob("session_*/session_*.nwb")
    return path


def replace(handle: h5py.File, name: str, data: object) -> None:
    """Replace a dataset and keep its attributes."""
    attrs = dict(handle[name].attrs)
    del handle[name]
    handle[name] = data
    handle[name].attrs.update(attrs)


@pytest.fixture(scope="session")
def vbn_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a cloud cache folder with releases 0.4.0 and 0.5.0 of three Visual Behavior sessions.

    The first is normal, the second has abnormal activity and the same file in both releases, the third has abnormal
    histology and a probe without CCF registration.
    """
    root = tmp_path_factory.mktemp("visual_behavior")
    write_allen_vbn(root, 3, seed=3, size=TINY)
    return root


@pytest.fixture
def vbn_copy(vbn_root: Path, tmp_path: Path) -> Path:
    """Return a copy of the cloud cache folder that a test may change."""
    root = tmp_path / "vbn"
    shutil.copytree(vbn_root, root, symlinks=True)
    return root
