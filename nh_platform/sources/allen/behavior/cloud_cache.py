"""A folder in the layout of AllenSDK's cloud cache: its releases, what each one holds, and where a file of it lies.

Contains the reader of the release manifests of Visual Behavior Neuropixels and the comparison of two of them. Add here
what such a manifest states. What fills such a folder is `nh_platform.sources.allen.behavior.downloads`, or AllenSDK's
`VisualBehaviorNeuropixelsProjectCache`; the tables of a release are
`nh_platform.sources.allen.behavior.release_tables`.

Two layouts are read: the cache's own (``<project>_project_manifest_v<version>.json`` beside ``<project>-<version>/``)
and a plain copy of the bucket (``<project>/manifests/`` and the files of the newest version beside).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pandas as pd

from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.store.path_parts import relative_path_problem

PROJECT = "visual-behavior-neuropixels"
LATEST = "latest"
_MANIFEST_NAME = re.compile(rf"{PROJECT}_project_manifest_v(.+)\.json")


@dataclass(frozen=True)
class ReleaseFile:
    """One file of a release.

    Parameters
    ----------
    path
        Path below the project, for example ``behavior_ecephys_sessions/<id>/ecephys_session_<id>.nwb``.
    file_hash
        blake2b of its content in hexadecimal digits.
    url
        Where the bucket serves it.
    file_id
        Id by which the tables name it; empty for a table.
    version_id
        Version of the object in the bucket.
    """

    path: str
    file_hash: str
    url: str
    file_id: str
    version_id: str


@dataclass(frozen=True)
class Release:
    """One release as its manifest states it.

    Parameters
    ----------
    version
        For example ``0.5.0``.
    folder
        Where its files lie, each under its path.
    files
        Every file by its path, tables included.
    """

    version: str
    folder: Path
    files: dict[str, ReleaseFile]

    def by_file_id(self, file_id: str) -> ReleaseFile | None:
        """Return the data file that the tables name by ``file_id``, or None."""
        return next((file for file in self.files.values() if file_id and file.file_id == file_id), None)

    def table_path(self, name: str) -> Path:
        """Return where the table ``name`` lies, for example ``units``."""
        return self.folder / "project_metadata" / f"{name}.csv"


def manifest_name(version: str) -> str:
    """Return the file name of a release's manifest."""
    return f"{PROJECT}_project_manifest_v{version}.json"


def version_of(name: str) -> str | None:
    """Return the version in the file name of a manifest, or None where it is no manifest."""
    found = _MANIFEST_NAME.fullmatch(name)
    return found[1] if found else None


def version_order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Return a key that sorts versions; a pre-release such as ``0.4.0-fix`` comes before its release."""
    numbers, _, suffix = version.partition("-")
    parts = tuple(int(part) if part.isdigit() else 0 for part in numbers.split("."))
    return parts, not suffix, suffix


def list_releases(root: Path) -> list[str]:
    """Return the versions whose manifest is in the folder, oldest first."""
    return sorted(_manifest_paths(root), key=version_order)


def load_release(root: Path, version: str = LATEST) -> Release:
    """Read the manifest of a release.

    Parameters
    ----------
    root
        The folder.
    version
        For example ``0.5.0``, or ``latest`` for the newest in the folder.

    Raises
    ------
    ConfigError
        If the folder does not hold it; the text lists those it holds.
    BadUpstreamData
        If the manifest cannot be read.
    """
    paths = _manifest_paths(root)
    wanted = max(paths, key=version_order, default=version) if version == LATEST else version
    if wanted not in paths:
        held = ", ".join(sorted(paths, key=version_order)) or "none"
        raise ConfigError(
            "setting manifest of allen_vbn",
            f"{root} holds no manifest of release {wanted!r} (found: {held})",
            f"Use one of those, or `{LATEST}`; a folder holds {manifest_name('<version>')} for each.",
        )
    path, folder = paths[wanted]
    return read_release(path, wanted, folder)


def read_release(path: Path, version: str, folder: Path) -> Release:
    """Read one manifest, which must be that of a version.

    Parameters
    ----------
    path
        The manifest.
    version
        Version that it must state.
    folder
        Where the files of the release lie.

    Raises
    ------
    BadUpstreamData
        If it cannot be read, or states another version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = [
            *(_file(entry, "") for entry in content["metadata_files"].values()),
            *(_file(entry, file_id) for file_id, entry in content["data_files"].items()),
        ]
        stated = str(content["manifest_version"])
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise BadUpstreamData(
            f"file {path.name}", f"it is not a manifest of AllenSDK's cloud cache: {error!r}", "Delete it; download it."
        ) from error
    if stated != version:
        raise BadUpstreamData(f"file {path.name}", f"it states version {stated}", "Delete it and download it again.")
    return Release(version=version, folder=folder, files={file.path: file for file in files})


def compare_releases(old: Release, new: Release) -> pd.DataFrame:
    """Return what ``new`` brought against ``old``: columns ``path`` and ``change`` (added, removed, changed).

    Only content counts: a file with another object version and the same hash has not changed.
    """
    rows = []
    for path in sorted(old.files.keys() | new.files.keys()):
        before, after = old.files.get(path), new.files.get(path)
        if before is None or after is None:
            rows.append((path, "added" if before is None else "removed"))
        elif before.file_hash != after.file_hash:
            rows.append((path, "changed"))
    return pd.DataFrame(rows, columns=["path", "change"], dtype=object)


def find_file(root: Path, path: str, file_hash: str) -> tuple[Release, Path] | None:
    """Return a release that states this content for a path, and where the file lies; None where no release does.

    The newest release whose file is there, else the newest one, with the place where the file would lie. A file that a
    release did not change may lie in the folder of the older one only.
    """
    found: tuple[Release, Path] | None = None
    for version in reversed(list_releases(root)):
        release = load_release(root, version)
        file = release.files.get(path)
        if file is None or file.file_hash != file_hash:
            continue
        place = release.folder / path
        if place.is_file():
            return release, place
        found = found or (release, place)
    return found


def _manifest_paths(root: Path) -> dict[str, tuple[Path, Path]]:
    """Return ``{version: (manifest, folder of its files)}``."""
    found = {}
    mirror = root / PROJECT / "manifests"
    if mirror.is_dir():
        versions = {version_of(path.name): path for path in mirror.iterdir() if version_of(path.name)}
        newest = max((version for version in versions if version), key=version_order, default=None)
        if newest is not None:
            # A copy of the bucket has the newest content of every object, so older manifests do not describe it.
            found[newest] = (versions[newest], root / PROJECT)
    for path in root.iterdir() if root.is_dir() else ():
        version = version_of(path.name)
        if version:
            found[version] = (path, root / f"{PROJECT}-{version}")
    return found


def _file(entry: dict[str, Any], file_id: str) -> ReleaseFile:
    url = str(entry["url"])
    below = urlparse(url).path.lstrip("/").partition("/")[2]
    if relative_path_problem(below):
        raise ValueError(f"url {url} names no file of the project")
    return ReleaseFile(
        path=below,
        file_hash=str(entry["file_hash"]),
        url=url,
        file_id=file_id,
        version_id=str(entry["version_id"]),
    )
