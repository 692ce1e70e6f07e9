"""The files of a session that could be had, and those that upstream has no more.

Add here what else a reader must be told of a file that it does not get.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


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
