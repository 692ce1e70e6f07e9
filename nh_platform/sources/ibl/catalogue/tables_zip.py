"""The zip of the ONE tables: downloaded as any other file, and taken apart only when it is whole.

ONE's own download of it (3.6.1) has neither a pace nor an end: it takes whatever comes, also beyond the stated size.
Add here what makes a broken catalogue known before it is read. What the tables mean is `one_tables` and
`manifest_tables`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from nh_platform.downloads.archives import ZIP_ERRORS, archive_problem, unpack
from nh_platform.downloads.download_folder import DownloadFolder, Place
from nh_platform.downloads.private_folder import PrivateFolder
from nh_platform.downloads.remote_bytes import Opener
from nh_platform.downloads.transfers import RetryPolicy
from nh_platform.sources.ibl.catalogue.one_tables import read_tables
from nh_platform.sources.ibl.settings import IblSettings

ZIP_FILE = "cache.zip"
MOST_BYTES = 2 << 30
"""Longest file of a catalogue, of which no size is stated beforehand."""


def zip_problem(path: Path) -> str | None:
    """Return what is wrong with a zip, in words; None where every member has its stated length and checksum."""
    if problem := archive_problem(path):  # before it is looked through: a bomb of 2 GB would take an hour
        return problem
    try:
        with zipfile.ZipFile(path) as zipped:
            broken = zipped.testzip()
    except ZIP_ERRORS as error:
        return f"not a whole zip file: {error}"
    return None if broken is None else f"not a whole zip file: checksum of {broken}"


@contextmanager
def downloaded(what: str, name: str, server: Opener, settings: IblSettings) -> Iterator[Path]:
    """Give a file of the catalogue, whole, in a folder of its own that is removed on leaving.

    Parameters
    ----------
    what
        What a person calls it.
    name
        Name of the file; `ZIP_FILE` is looked through.
    server
        Where it can be had.
    settings
        Attempts, waits, and where it goes.

    Raises
    ------
    BadUpstreamData
        As of `DownloadFolder.download`.
    StoreError
        If the disk is full.
    """
    own = PrivateFolder(settings.cache_dir)
    folder = DownloadFolder(own.path, "cache_dir", RetryPolicy(settings.attempts, settings.retry_wait_s))
    part = own.path / f"{name}.part"
    is_zip = name == ZIP_FILE
    problem = (lambda _: zip_problem(part)) if is_zip else (lambda _: None)
    place = Place(what, own.path / name, part, problem, resumes=False, most=MOST_BYTES, rests=is_zip)
    try:
        with folder.alone(what, own.path / "lock"):
            folder.download(place, [server])
            yield own.path / name
    finally:
        own.remove()


def tables_of_zip(path: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of a whole zip file, as of `read_tables`.

    Raises
    ------
    BadUpstreamData
        As of `unpack` and `read_tables`.
    """
    with zipfile.ZipFile(path) as zipped:
        tables = [name for name in zipped.namelist() if name.endswith(".pqt") and "/" not in name]
    unpack(path, tables, path.parent, f"the zip of the ONE tables, {path.name}")
    return read_tables(path.parent)
