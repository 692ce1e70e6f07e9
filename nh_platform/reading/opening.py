"""The door to a store: which sources and sessions it has, and one session of it.

Contains `open_store` and what it returns. Add here what concerns the store as a whole. What a session offers is
`nh_platform.reading.session_view`; searching is `nh_platform.reading.search`.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import pandas as pd

from nh_platform.reading.search import COLUMNS, SessionQuery, find_sessions
from nh_platform.reading.session_view import SessionView
from nh_platform.session import StoreError, UnknownSession
from nh_platform.sources.snapshots import ASSET as MANIFEST_ASSET
from nh_platform.sources.snapshots import read_manifest
from nh_platform.store import Store
from nh_platform.store.layout import SOURCE_WIDE

CLOSE_MATCHES = 3


def open_store(path: str | os.PathLike[str]) -> OpenedStore:
    """Open the store of a home folder, for example ``data`` or ``data/demo``.

    Parameters
    ----------
    path
        The home folder, or its ``store`` folder.

    Returns
    -------
    OpenedStore
        Nothing is read before it is asked for.

    Raises
    ------
    StoreError
        If the folder does not exist.

    Examples
    --------
    >>> store = open_store("data/demo")  # doctest: +SKIP
    >>> session = store.session("ibl", store.sessions("ibl")["session_id"][0])  # doctest: +SKIP
    >>> session.psth("stimOn_times", units=session.good_units()).rate.shape  # doctest: +SKIP
    (41, 50)
    """
    folder = Path(path)
    if not folder.is_dir():
        raise StoreError(str(folder), "there is no such folder", "Run `nh demo`, or give the folder of NH_HOME.")
    return OpenedStore(Store(folder / "store" if (folder / "store").is_dir() else folder))


class OpenedStore:
    """What a store holds, by source and session.

    Parameters
    ----------
    store
        The files.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def __repr__(self) -> str:
        return f"OpenedStore({str(self.store.root)!r}, sources={self.sources()})"

    def sources(self) -> list[str]:
        """Return the sources that have anything in the store."""
        return self.store.sources()

    def sessions(self, source: str, query: SessionQuery | None = None) -> pd.DataFrame:
        """Return one row per session of ``source`` that the manifest lists, or the store holds where none was synced.

        Parameters
        ----------
        source
            Name of the source.
        query
            What a session must be like; all where not stated. Needs the manifest.

        Returns
        -------
        pandas.DataFrame
            Columns of `nh_platform.reading.search.COLUMNS`; ``assets`` says how many assets of the session are stored.

        Raises
        ------
        UnknownSession
            If the store knows no such source.
        """
        self._check_source(source)
        if self._has_manifest(source) or query is not None:
            return find_sessions(read_manifest(self.store, source), self.store, query or SessionQuery())
        ids = self.store.sessions(source)
        return pd.DataFrame({"source": [source] * len(ids), "session_id": ids}, columns=list(COLUMNS))

    def session(self, source: str, session_id: str) -> SessionView:
        """Return one session; nothing of it is read yet.

        Raises
        ------
        UnknownSession
            If neither the manifest nor the store has it; the text names the closest ids.
        """
        self._check_source(source)
        known = set(self.store.sessions(source))
        if session_id not in known:
            if self._has_manifest(source):
                known |= set(read_manifest(self.store, source).session_ids)
            if session_id not in known:
                raise UnknownSession(
                    f"{source} session {session_id}",
                    f"it is not among the {len(known)} sessions of the store {self.store.root}",
                    _suggestion(session_id, known, f"Run `nh sync {source}` and `nh sessions --source {source}`."),
                )
        return SessionView(self.store, source, session_id)

    def _check_source(self, source: str) -> None:
        known = self.sources()
        if source not in known:
            raise UnknownSession(
                f"source {source}",
                f"the store {self.store.root} has nothing of it",
                _suggestion(source, known, f"Run `nh sync {source}`."),
            )

    def _has_manifest(self, source: str) -> bool:
        return self.store.current(source, SOURCE_WIDE, MANIFEST_ASSET) is not None


def _suggestion(asked: str, known: set[str] | list[str], otherwise: str) -> str:
    """Return the closest names: those that begin alike first, as people paste the first letters of an id."""
    alike = sorted(name for name in known if asked and name.startswith(asked[:8]))
    close = alike or difflib.get_close_matches(asked, sorted(known), n=CLOSE_MATCHES, cutoff=0.5)
    return f"Did you mean {' or '.join(close[:CLOSE_MATCHES])}?" if close else otherwise
