"""Which files of an IBL session are recorded ones, by their names: ap, lfp, sync and video.

Contains the names and what is listed of a session, from the catalogue's rows or from its folder. What is read of a file
is in the modules beside.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from nh_platform.sources.ibl.catalogue.datasets import relative_path
from nh_platform.sources.recorded_files import AP, LFP, SYNC, VIDEO, RecordedFile

_PATTERNS = (
    (AP, re.compile(r"raw_ephys_data/(?P<probe>probe[^/]+)/(?:#[^/]+#/)?[^/]*\.ap\.(?:cbin|bin|ch|meta)")),
    (LFP, re.compile(r"raw_ephys_data/(?P<probe>probe[^/]+)/(?:#[^/]+#/)?[^/]*\.lf\.(?:cbin|bin|ch|meta)")),
    (SYNC, re.compile(r"raw_ephys_data/(?P<probe>probe[^/]+)/(?:#[^/]+#/)?_spikeglx_[^/]*\.(?:sync|timestamps)\.npy")),
    (SYNC, re.compile(r"raw_ephys_data/(?:(?P<probe>probe[^/]+)/)?(?:#[^/]+#/)?_spikeglx_sync\.[^/]+\.npy")),
    (SYNC, re.compile(r"raw_ephys_data/(?:#[^/]+#/)?[^/]*\.nidq\.(?:cbin|bin|ch|meta|sync\.npy|timestamps\.npy)")),
    (VIDEO, re.compile(r"raw_video_data/(?:#[^/]+#/)?[^/]*Camera\.raw[^/]*\.(?:mp4|avi|mj2)")),
)
"""Kind and path below the session, as IBL's extractors name them (ibllib 4.1.0)."""

FOLDERS = ("raw_ephys_data", "raw_video_data")


def kind_of(path: str) -> tuple[str, str] | None:
    """Return kind and probe (empty where it is the session's) of a path below a session; None of other files.

    Examples
    --------
    >>> kind_of("raw_ephys_data/probe00/_spikeglx_ephysData_g0_t0.imec0.lf.cbin")
    ('lfp', 'probe00')
    """
    for kind, pattern in _PATTERNS:
        if found := pattern.fullmatch(path):
            return kind, found.groupdict().get("probe") or ""
    return None


def recorded_rows(files: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the files table (schema `FILES`) that are recorded files and are served by default."""
    rows = files[files["default_revision"] & files["collection"].str.startswith(FOLDERS)]
    paths = [relative_path(*parts) for parts in zip(rows["collection"], rows["revision"], rows["name"])]
    return rows[[kind_of(path) is not None for path in paths]]


def listed_files(rows: pd.DataFrame, held: Callable[[str], Path | None]) -> list[RecordedFile]:
    """Return the recorded files of `recorded_rows`; ``held`` says where a path below the session lies."""
    found = []
    for collection, revision, name, size in rows[["collection", "revision", "name", "size"]].itertuples(index=False):
        path = relative_path(collection, revision, name)
        if of := kind_of(path):
            found.append(RecordedFile(*of, path, None if pd.isna(size) else int(size), held(path)))
    return sorted(found, key=_order)


def files_in(folder: Path) -> list[RecordedFile]:
    """Return the recorded files in the folder of a session, whether or not a table lists them."""
    found = []
    for place in FOLDERS:
        for file in (folder / place).rglob("*"):
            path = file.relative_to(folder).as_posix()
            if (of := kind_of(path)) and file.is_file():
                found.append(RecordedFile(*of, path, file.stat().st_size, file))
    return sorted(found, key=_order)


def _order(file: RecordedFile) -> tuple[str, str, str]:
    return file.kind, file.probe, file.path
