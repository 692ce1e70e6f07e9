"""The files of a session that could be had, and those that upstream has no more.

Add here what else a reader must be told of a file that it does not get.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from nh_platform.downloads.hashes import file_hash, why_no_file
from nh_platform.sources.ibl.catalogue.datasets import relative_path

_FILE_COLUMNS = ["collection", "revision", "name", "md5"]


class GivenFiles(dict[str, Path]):
    """Local path by path relative to the session, of files whose content is that of the manifest.

    Parameters
    ----------
    paths
        The files.
    gone
        What was found of files that the catalogue lists and upstream has no more, or of which it has other content, by
        path relative to the session: the same words from every server, since they are stored as notes. Whether a reader
        can do without is the reader's matter.
    told
        The same for whoever asked for the file now: with addresses, tries, and where a wrong file is kept; as ``gone``
        where not stated.
    """

    def __init__(
        self, paths: Mapping[str, Path], gone: Mapping[str, str], told: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(paths)
        self.gone = dict(gone)
        self.told = {**gone, **(told or {})}


def files_of_folder(folder: Path, rows: pd.DataFrame, cache_dir: Path | None = None) -> GivenFiles:
    """Return the files of manifest rows in the folder of a session, each equal to the md5 that the manifest states.

    Not through ONE: it takes ``intervals.npy`` for ``intervals_bpod.npy`` too, and loads neither (ONE-api 3.6.1).

    Parameters
    ----------
    folder
        Folder of the session.
    rows
        Rows of the files table (schema `FILES`); a file without an md5 there is given as it is.
    cache_dir
        Where md5 sums are remembered between runs.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    given, gone = {}, {}
    for *parts, md5 in rows[_FILE_COLUMNS].itertuples(index=False):
        name = relative_path(*parts)
        trouble = why_no_file(folder / name)
        if trouble is None and md5 and (actual := file_hash(folder / name, cache_dir=cache_dir)) != md5:
            trouble = f"md5 of the content is {actual}, the manifest states {md5}"
        if trouble is None:
            given[name] = folder / name
        else:
            gone[name] = trouble
    return GivenFiles(given, gone)
