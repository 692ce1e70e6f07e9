"""The door to a store: which sources and sessions it has, and one session of it.

Contains `open_store` and what it returns. Add here what concerns the store as a whole. What a session offers is
`nh_platform.reading.session_view`; searching is `nh_platform.reading.searching.session_search`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.history.registered_ids import insertion_sessions
from nh_platform.history.snapshots import ASSET as MANIFEST_ASSET
from nh_platform.history.snapshots import read_manifest
from nh_platform.home.folder import home_folder
from nh_platform.home.set_aside import set_aside_words
from nh_platform.home.settings import load_settings
from nh_platform.home.stores import store_of
from nh_platform.reading.all_units import read_stored_units
from nh_platform.reading.images.store_images import StoreImages
from nh_platform.reading.searching.probe_search import ProbeQuery, find_probes
from nh_platform.reading.searching.released import Released, region_names
from nh_platform.reading.searching.session_search import COLUMNS, SessionQuery, find_sessions
from nh_platform.reading.session_view import SessionView
from nh_platform.session import UnknownSession
from nh_platform.session.display import html_rows
from nh_platform.session.session_names import session_named, suggestion
from nh_platform.sources.anatomy.region_names import find_region
from nh_platform.store import Store
from nh_platform.store.locking.locked_store import LockedStore
from nh_platform.store.names import SOURCE_WIDE
from nh_platform.store.objects.address import is_address, local_root, parse_address


def open_store(path: str | os.PathLike[str] | None = None, *, lock: str | None = None) -> OpenedStore:
    """Open the store of a home folder, for example ``data`` or ``data/demo``.

    Parameters
    ----------
    path
        The home folder; where not stated, the home that `nh` uses: that of ``NH_HOME``, else ``data`` in the working
        directory. A store that was copied without its home is opened by its own folder, one in a bucket by its address,
        ``s3://bucket/prefix`` (docs/store.md). Where ``NH_STORE`` is set, it is the store of every home.
    lock
        Name of a lock (`nh lock`): the versions that it names are read, whatever has been published since.

    Returns
    -------
    OpenedStore
        Nothing is read before it is asked for.

    Raises
    ------
    StoreError
        If the folder does not exist, or is neither a home folder nor a store.
    ConfigError
        If an address cannot be one.
    UnknownSession
        If there is no such lock.

    Examples
    --------
    >>> store = open_store("data/demo")  # doctest: +SKIP
    >>> session = store.session("ibl", store.sessions("ibl")["session_id"][0])  # doctest: +SKIP
    >>> session.psth("stimOn_times", units=session.good_units()).rate.shape  # doctest: +SKIP
    (71, 50)
    """
    if isinstance(path, str) and is_address(path):
        root, home = local_root(parse_address(path)), None
    else:
        root, home = store_of(home_folder() if path is None else Path(path))
    return OpenedStore(Store(root) if lock is None else LockedStore(root, lock), home)


class OpenedStore(StoreImages):
    """Sources and sessions of a store.

    Parameters
    ----------
    store
        The files.
    home
        The home folder that it is the store of, whose reviews say which sessions are set aside; None for a store alone.
    """

    def __init__(self, store: Store, home: Path | None = None) -> None:
        self.store = store
        self._home = home

    def __repr__(self) -> str:
        return f"OpenedStore({self.store.address!r}, sources={self.sources()})"

    def _repr_html_(self) -> str:
        rows = [(source, len(self.store.sessions(source))) for source in self.sources()]
        return html_rows(f"Store {self.store.address}", ("source", "stored sessions"), rows)

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
            Columns of `nh_platform.reading.searching.session_search.COLUMNS`; ``assets`` says how many assets of the
            session are stored, ``set_aside`` whether reviewers set it aside today, or who proposes to.

        Raises
        ------
        UnknownSession
            If the store knows no such source.
        """
        self._check_source(source)
        if self._has_manifest(source) or query is not None:
            set_aside = {source: self._set_aside(source)}
            manifest = read_manifest(self.store, source)
            return find_sessions(manifest, self.store, query or SessionQuery(), set_aside=set_aside)
        ids = self.store.sessions(source)
        return pd.DataFrame({"source": [source] * len(ids), "session_id": ids}, columns=COLUMNS)

    def _set_aside(self, source: str) -> dict[str, str]:
        """Return what reviewers say of whole sessions; nothing of a source that the home no longer has."""
        settings = None if self._home is None else load_settings(self._home)
        return {} if settings is None or source not in settings.entries else set_aside_words(settings, source)

    def session(self, source: str, session_id: str | int) -> SessionView:
        """Return one session; nothing of it is read yet.

        Parameters
        ----------
        source
            Name of the source.
        session_id
            The session's id, that of one of its probe insertions (pid), or 4 or more characters with which no other id
            begins. Allen's ids are numbers, and are taken as such or as text.

        Raises
        ------
        UnknownSession
            If neither the manifest nor the store has it, or several begin so; the text names them, or the closest.
        """
        self._check_source(source)
        session_id = _as_text(session_id, source)
        known = set(self.store.sessions(source))
        if session_id not in known:
            # Before a beginning counts as unique, those that are listed and not made are looked at too.
            if self._has_manifest(source):
                known |= set(read_manifest(self.store, source).session_ids)
            action = f"Run `nh sync {source}` and `nh sessions --source {source}`."
            insertions = insertion_sessions(self.store, source)
            session_id = session_named(session_id, known, source, f"the store {self.store.address}", action, insertions)
        return SessionView(self.store, source, session_id)

    def units(self, source: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the units of every ingested session of ``source`` as one table.

        Parameters
        ----------
        source
            Name of the source.
        columns
            Columns to read beside ``session_id``; all where not stated.

        Returns
        -------
        pandas.DataFrame
            One row per unit, schema `UNIT_CATALOG`; sessions by id.

        Raises
        ------
        UnknownSession
            If the store knows no such source.
        ConfigError
            If no session's units have a column.

        Examples
        --------
        >>> units = open_store("data/demo").units("ibl", ["beryl", "pass.ibl-2022-10"])  # doctest: +SKIP
        >>> share_good = units.groupby("beryl")["pass.ibl-2022-10"].mean()  # doctest: +SKIP
        """
        self._check_source(source)
        return read_stored_units(self.store, source, self.store.sessions(source), columns)

    def released(self, source: str) -> Released:
        """Return the tables of the whole release that was synced last: units, channels, probes, sessions, regions.

        Nothing of a session need be downloaded for them.

        Raises
        ------
        UnknownSession
            If the store knows no such source, or has no tables of it; the text says how to get them.

        Examples
        --------
        >>> released = open_store("data/demo").released("allen_vc")  # doctest: +SKIP
        >>> units = released.units(["snr", "quality"], region="V1")  # doctest: +SKIP
        >>> bool((units["snr"] > 0).all())  # doctest: +SKIP
        True
        """
        self._check_source(source)
        return Released(self.store, source)

    def probes(self, source: str, region: str | None = None, query: ProbeQuery | None = None) -> pd.DataFrame:
        """Return one row per probe insertion of ``source`` that upstream lists, before anything is downloaded.

        Parameters
        ----------
        source
            Name of the source.
        region
            Region in which it has a channel or unit: an acronym of the Allen CCF, Beryl or Cosmos, or V1, LM, LGN, ….
        query
            Further conditions.

        Returns
        -------
        pandas.DataFrame
            Columns of `nh_platform.reading.searching.probe_search.COLUMNS`.

        Raises
        ------
        UnknownSession
            If the store knows no such source, or it was never synced.
        ConfigError
            If there is no such region; the text names the nearest.
        """
        self._check_source(source)
        query = query or ProbeQuery()
        if region is not None:
            query = replace(query, region=find_region(region, region_names(source)))
        return find_probes(self.store, source, read_manifest(self.store, source), query)

    def behavior_sessions(self, source: str) -> pd.DataFrame:
        """Return every behaviour session that the release lists, most of them training without a recording.

        They have no spikes and are no sessions here; ``session_id`` is that of the recording where there is one.

        Parameters
        ----------
        source
            Name of the source; of others than Visual Behavior the table is empty.

        Returns
        -------
        pandas.DataFrame
            One row per behaviour session, schema `BEHAVIOR_SESSIONS`.

        Raises
        ------
        UnknownSession
            If the store knows no such source, or it was never synced.
        """
        self._check_source(source)
        return read_manifest(self.store, source).behavior_sessions

    def _check_source(self, source: str) -> None:
        known = self.sources()
        if source not in known:
            raise UnknownSession(
                f"source {source}",
                f"the store {self.store.address} has nothing of it",
                suggestion(source, known, f"Run `nh sync {source}`."),
            )

    def _has_manifest(self, source: str) -> bool:
        return self.store.current(source, SOURCE_WIDE, MANIFEST_ASSET) is not None


def _as_text(session_id: object, source: str) -> str:
    """Return a session id as it is stored.

    Raises
    ------
    UnknownSession
        If it is neither text nor a whole number.
    """
    if isinstance(session_id, str):
        return session_id
    if isinstance(session_id, int | np.integer) and not isinstance(session_id, bool):
        return str(int(session_id))
    raise UnknownSession(
        f"{source} session {session_id!r}",
        f"it is {type(session_id).__name__}, and ids are text or whole numbers",
        "Take it from the column `session_id` of `sessions(source)`.",
    )
