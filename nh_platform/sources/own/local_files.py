"""Files of your own on disk: their rows of the manifest, and the same files again, verified, when they are read.

Add here what holds for files of any layout. Which files a session has is said by the layout.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from nh_platform.downloads.hashes import file_hash, why_no_file
from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.session.yaml_files.yaml_file import Location
from nh_platform.sources.setting_errors import setting_error

_WILDCARDS = re.compile(r"[*?\[]")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]+")


def split_pattern(pattern: Path) -> tuple[Path, str]:
    """Return the folder before the first wildcard of a path, and the pattern below it.

    Examples
    --------
    >>> root, below = split_pattern(Path("/data/lab/*/day.nwb"))
    >>> str(root), below
    ('/data/lab', '*/day.nwb')
    """
    parts = pattern.parts
    fixed = next((at for at, part in enumerate(parts) if _WILDCARDS.search(part)), len(parts) - 1)
    return Path(*parts[:fixed]), str(Path(*parts[fixed:]))


def matching(root: Path, pattern: str) -> list[Path]:
    """Return what matches a pattern below a folder, sorted; without what is hidden, unless the pattern names it.

    File browsers and copies leave hidden files beside the real ones, such as ``._day.nwb`` on volumes of a Mac.
    """
    wants_hidden = any(part.startswith(".") for part in Path(pattern).parts)
    return sorted(path for path in root.glob(pattern) if wants_hidden or not is_hidden(path.relative_to(root)))


def is_hidden(below: Path) -> bool:
    """Return whether a path, or a folder on the way to it, begins with a dot."""
    return any(part.startswith(".") for part in below.parts)


def session_id_of(text: str) -> str:
    """Return a session id made of a name: what a partition key cannot have becomes ``_``.

    Examples
    --------
    >>> session_id_of("sub-01_ses 3.final")
    'sub-01_ses_3_final'
    """
    return _NOT_IN_IDS.sub("_", text).strip("_")


def refuse_twice(named: list[tuple[str, Path]], home: Path, location: Location) -> None:
    """Refuse two paths that give one session id.

    Raises
    ------
    ConfigError
        Naming both.
    """
    seen: dict[str, Path] = {}
    for session_id, path in named:
        if session_id in seen:
            found = f"{seen[session_id]} and {path} are both session {session_id!r}"
            raise setting_error(home, location, found, "Rename one of them, or choose other files.")
        seen[session_id] = path


def nothing_found(home: Path, location: Location, pattern: Path, what: str) -> ConfigError:
    """Return the error that a pattern matches nothing: a folder that is not mounted withdraws no session."""
    root, _ = split_pattern(pattern)
    state = "is there" if root.is_dir() else "is not there"
    return setting_error(home, location, f"no {what} matches {pattern} ({root} {state})", "Correct the path.")


def file_row(root: Path, path: Path, session_id: str, group: str, cache_dir: Path | None, probe: str = "") -> dict:
    """Return the row of a file (schema `FILES`), with the md5 of its content."""
    collection = path.parent.relative_to(root).as_posix()
    return {
        "session_id": session_id,
        "probe": probe,
        "group": group,
        "collection": "" if collection == "." else collection,
        "revision": "",
        "name": path.name,
        "md5": file_hash(path, cache_dir=cache_dir),
        "size": float(path.stat().st_size),
        "default_revision": True,
    }


def verified(root: Path, row: pd.Series, source: str, cache_dir: Path | None) -> Path:
    """Return the file of a manifest row, after comparing its content.

    Raises
    ------
    BadUpstreamData
        If it is not there, or has other content than the manifest states.
    """
    path = root / row["collection"] / row["name"]
    if (trouble := why_no_file(path)) is not None:
        raise BadUpstreamData(f"file {path.name}", trouble, f"Put it at {path}, or run `nh sync {source}`.")
    if (found := file_hash(path, cache_dir=cache_dir)) != row["md5"]:
        text = f"its md5 is {found} and the manifest says {row['md5']}: it changed since the sync"
        raise BadUpstreamData(f"file {path.name}", text, f"Run `nh sync {source}`.")
    return path


def files_of(session: SessionFiles, group: str) -> list[pd.Series]:
    """Return the rows of the files that an asset group reads."""
    return [row for _, row in session.of_group(group).iterrows()]
