"""Inputs of an asset of a session: the session's files, and one published version of each asset that it reads.

A version's folder never changes while it counts, but whoever publishes its successor removes it. Who reads meanwhile
would find files missing, or half of another version; so a result is published only if its inputs still count. Add here
what several assets read in the same way. What is made of it stands in the asset's own file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from nh_platform.assets.record import SessionAsset
from nh_platform.history.manifest import SessionFiles
from nh_platform.home.platform import Platform, SourceConfig
from nh_platform.session import ConfigError, Events, RawRecording, Signals, StoreError
from nh_platform.sources.source import Source
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import read_table
from nh_platform.store.codecs.recording_files import read_events, read_recording, read_signals
from nh_platform.store.file_hashes import require_intact
from nh_platform.store.objects.address import is_in_bucket
from nh_platform.windows.valid_time import with_invalid

TRIES = 3
"""How often an asset is begun anew where an input was replaced under it; two publishers of one session are rare enough
that a third replacement is a process that goes on publishing."""


class InputReplaced(StoreError):
    """Something that an asset reads was replaced before its result was published; it can be made again."""


@dataclass(frozen=True)
class StoredInput:
    """One input.

    Parameters
    ----------
    folder
        Folder of its version.
    record
        The record in that folder.
    stamp
        Inode and time of the folder's last change [ns]: a version that goes and is published again has the same name.
    """

    folder: Path
    record: Provenance
    stamp: tuple[int, int] | None


@dataclass(frozen=True)
class StoredInputs:
    """One published version of every input of an asset.

    Parameters
    ----------
    store
        The store.
    by_asset
        Input by name of asset.
    reader
        Name of the asset that reads them.
    """

    store: Store
    by_asset: Mapping[str, StoredInput]
    reader: str

    def folder(self, asset: str) -> Path:
        """Return the folder of the version that the reader reads.

        Raises
        ------
        ConfigError
            If the reader does not name that asset among its inputs: its version would not count it.
        """
        return self._input(asset).folder

    def record(self, asset: str) -> Provenance:
        """Return the record of that version; raises as `folder` does."""
        return self._input(asset).record

    def _input(self, asset: str) -> StoredInput:
        if asset not in self.by_asset:
            raise ConfigError(
                f"asset {self.reader}",
                f"it reads {asset!r}, which is not among its inputs: {', '.join(self.by_asset) or 'none'}",
                "Add it to `inputs` of its record.",
            )
        return self.by_asset[asset]

    @property
    def versions(self) -> dict[str, str]:
        """Data version of every input."""
        return {asset: one.record.data_version for asset, one in self.by_asset.items()}

    def replaced(self) -> list[str]:
        """Return the inputs whose version no longer counts, or went and came back; sorted."""
        found = []
        for asset, one in sorted(self.by_asset.items()):
            current = self.store.current(one.record.source, one.record.session_id, asset)
            if current != one.folder or _stamp(one.folder) != one.stamp:
                found.append(asset)
        return found

    def require_current(self) -> None:
        """Stop where an input was replaced since it was resolved.

        Raises
        ------
        InputReplaced
            Naming the session and the inputs.
        """
        replaced = self.replaced()
        if replaced:
            record = self.record(replaced[0])
            raise _replaced(record.source, record.session_id, ", ".join(replaced))


@dataclass(frozen=True)
class SessionInputs:
    """Everything that an asset of one session is made from.

    Parameters
    ----------
    platform
        The store, sources and rules of the home folder.
    files
        The session's part of the manifest.
    stored
        The version of each input that is read.
    """

    platform: Platform
    files: SessionFiles
    stored: StoredInputs

    @property
    def source(self) -> str:
        """Name of the source."""
        return self.files.source

    @property
    def session_id(self) -> str:
        """Id of the session."""
        return self.files.session_id

    @property
    def upstream(self) -> Source:
        """The opened source."""
        return self.platform.source(self.source)

    @property
    def config(self) -> SourceConfig:
        """What is configured for the source."""
        return self.platform.config(self.source)

    @property
    def reviews_file(self) -> Path:
        """File of the reviews of the session, whether or not there is one."""
        return self.platform.reviews_file(self.source, self.session_id)

    def recording(self) -> RawRecording:
        """Read `raw_spikes`."""
        return read_recording(self.stored.folder("raw_spikes"))

    def trains(self) -> RawRecording:
        """Read `raw_spikes` without amplitudes and depths of spikes, which are NaN: half of its bytes."""
        return read_recording(self.stored.folder("raw_spikes"), times_alone=True)

    def raw_units(self) -> pd.DataFrame:
        """Read the table of units of `raw_spikes`, and no spike."""
        return read_table(self.stored.folder("raw_spikes") / "units.parquet")

    def raw_channels(self) -> pd.DataFrame:
        """Read the table of channels of `raw_spikes`, and no spike."""
        return read_table(self.stored.folder("raw_spikes") / "channels.parquet")

    def units(self) -> pd.DataFrame:
        """Read the table of `units`."""
        return read_table(self.stored.folder("units") / "units.parquet")

    def events(self) -> Events:
        """Read `events`, with the intervals that counted reviews mark among the invalid ones.

        An asset that calls this states it (`SessionAsset.reads_reviewed_intervals`).
        """
        events = read_events(self.stored.folder("events"))
        marked = self.platform.reviewed_intervals(self.source, self.session_id)
        return replace(events, tables=with_invalid(events.tables, marked))

    def signals(self) -> Signals:
        """Read `signals`."""
        return read_signals(self.stored.folder("signals"))


def resolve_inputs(store: Store, source: str, session_id: str, asset: SessionAsset) -> StoredInputs:
    """Return the version that counts of each input of an asset, each by one look at its pointer.

    Raises
    ------
    UnknownSession
        If one was never published for that session.
    DamagedFile
        If a file of one is not the bytes that were published: one data version never stands for two contents.
    InputReplaced
        If one is replaced at this moment.
    """
    found = {name: _resolve(store, source, session_id, name) for name in asset.inputs}
    return StoredInputs(store, found, asset.name)


def _resolve(store: Store, source: str, session_id: str, asset: str) -> StoredInput:
    folder = store.folder(source, session_id, asset)
    stamp = _stamp(folder)
    try:
        require_intact(folder)
        return StoredInput(folder, Provenance.read(folder), stamp)
    except FileNotFoundError as error:
        raise _replaced(source, session_id, asset) from error


def _stamp(folder: Path) -> tuple[int, int] | None:
    if is_in_bucket(folder):  # a version's name has one content there; its folder is a cache, which comes and goes
        return None
    try:
        facts = folder.stat()
    except FileNotFoundError:
        return None
    return facts.st_ino, facts.st_mtime_ns


def _replaced(source: str, session_id: str, what: str) -> InputReplaced:
    return InputReplaced(
        f"{source} session {session_id}",
        f"{what} was replaced while it was read; nothing was published",
        "Another run publishes the same session. Wait for it, then materialize the session again.",
    )
