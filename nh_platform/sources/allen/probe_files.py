"""The LFP files of the probes of an Allen session: listed, fetched on request, opened in slices.

Contains what both Allen sources offer as `RecordedFileSource` and `LfpSource`. Neither release has ap, sync or video
files that AllenSDK's caches know; they lie in buckets of their own. Where a probe's file is listed, lies and comes from
belongs to each source.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session.lfp import LfpSlice, require_window
from nh_platform.sources.allen.nwb.lfp import read_lfp
from nh_platform.sources.allen.nwb.session_downloads import AllenSettings
from nh_platform.sources.nwb.nwb_file import open_nwb
from nh_platform.sources.recorded_files import RecordedFile, not_fetched, require_probe, without_lfp

if TYPE_CHECKING:
    from nh_platform.downloads.transfers import OnBytes


class ProbeFiles(ABC):
    """The probes' own files of one source."""

    settings: AllenSettings

    @abstractmethod
    def lfp_path(self, session: SessionFiles, probe: str) -> Path | None:
        """Return where a probe's LFP file lies or would lie; None where upstream has none. Asks nobody."""

    @abstractmethod
    def recorded_files(self, session: SessionFiles) -> list[RecordedFile]:
        """Return the LFP files of a session; as of `RecordedFileSource`."""

    @abstractmethod
    def fetch_recorded(
        self, session: SessionFiles, files: Sequence[RecordedFile], on_bytes: OnBytes | None = None
    ) -> None:
        """Download LFP files; as of `RecordedFileSource`."""

    def lfp_slice(
        self,
        session: SessionFiles,
        probe: str,
        window: tuple[float, float],
        csv_channels: Callable[[], pd.DataFrame | None],
        scale: float = 1.0,
    ) -> LfpSlice:
        """Read a slice of a probe's LFP; its file is not hashed, since HDF5 names a truncated one.

        Parameters
        ----------
        session, probe, window
            What to read, as of `LfpSource.read_lfp`.
        csv_channels
            Returns the session's rows of channels.csv.
        scale
            Factor that the LFP of the release needs.
        """
        start, stop = window
        require_window(start, stop)
        require_probe(session, probe)
        path = self.lfp_path(session, probe)
        if path is None:
            raise without_lfp(session, probe, "the release lists no LFP file of it")
        if not path.is_file():
            # A folder that is read in place is filled by whoever made it.
            action = f"Put it at {path}, where AllenSDK's cache keeps it." if self.settings.mode == "local" else ""
            raise not_fetched(session, probe, f"{path.parent.name}/{path.name}", action)
        with open_nwb(path) as nwb:
            return read_lfp(nwb, probe, start, stop, csv_channels(), scale)
