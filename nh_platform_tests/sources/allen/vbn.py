"""Opening and changing simulated Visual Behavior folders in tests.

Add here what several test modules do with such a folder. What one test alone needs stands in that test.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py

from nh_platform.simulation.allen.behavior.cloud_release import PROJECT, write_release_manifest
from nh_platform.sources.allen import AllenVbnSettings, AllenVisualBehaviorSource

NORMAL, ACTIVITY, HISTOLOGY = 0, 1, 2


def source_of(root: Path, manifest: str = "latest") -> AllenVisualBehaviorSource:
    """Return the source on a local folder."""
    return AllenVisualBehaviorSource(AllenVbnSettings(root=root, manifest=manifest))


def session_ids(root: Path) -> list[str]:
    """Return the session ids in the order in which the simulation wrote them."""
    import pandas as pd

    table = pd.read_csv(root / f"{PROJECT}-0.5.0" / "project_metadata" / "ecephys_sessions.csv")
    return table.sort_values("file_id")["ecephys_session_id"].astype(str).tolist()


def nwb_path(root: Path, number: int, release: str = "0.5.0") -> Path:
    """Return the NWB file of session number ``number``."""
    session_id = session_ids(root)[number]
    return (
        root / f"{PROJECT}-{release}" / "behavior_ecephys_sessions" / session_id / f"ecephys_session_{session_id}.nwb"
    )


def edit_upstream(root: Path, number: int, edit: Callable[[h5py.File], None]) -> None:
    """Change a session's file as upstream would: the release's manifest states the new content."""
    with h5py.File(nwb_path(root, number), "r+") as handle:
        edit(handle)
    write_release_manifest(root, "0.5.0")
