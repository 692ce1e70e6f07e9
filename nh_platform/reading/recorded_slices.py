"""What is read of a session's recorded files themselves, through its source: the local field potential in slices.

Contains the part of `SessionView` that opens the source of a home. Add here how another recorded file is read. The
files are large and never part of the store; `nh files` lists and fetches them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nh_platform.reading.on_request import AssetsOnRequest
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.lfp import LfpSlice
from nh_platform.windows.valid_time import RECORDING_SCOPES

if TYPE_CHECKING:
    from nh_platform.sources.source import Source


class RecordedSlices(AssetsOnRequest):
    """Slices of the recorded files of one session. Parameters are those of `StoredSession`."""

    def lfp(self, probe: str, start: float, stop: float, *, mask_invalid: bool = True) -> LfpSlice:
        """Return the local field potential of a probe over some seconds, in volts; only what is needed is read.

        Parameters
        ----------
        probe
            Name of the probe, for example ``probe00`` or ``probeA``.
        start, stop
            Seconds on the session clock; ``stop`` is not part of it.
        mask_invalid
            Put NaN where upstream, or a counted review, calls the time of the probe or of all probes invalid, both
            ends included: as AllenSDK's `EcephysSession.get_lfp` does, while that of Visual Behavior masks nothing.

        Returns
        -------
        LfpSlice
            ``values`` (n_channels, n_samples), ``times``, ``sampling_rate``, and ``channels`` with the position and
            region of each.

        Raises
        ------
        ConfigError
            If the source has no LFP, the window is none, it lies outside of the recording, or it would take more than
            4 GB; the text says how long a window may be.
        UnknownSession
            If there is no such probe, upstream has no LFP of it, its file was not fetched, or `events` was not made;
            the text says what to do.
        BadUpstreamData
            If the file is damaged or short, or lacks its header.
        """
        from nh_platform.sources.recorded_files import LfpSource

        listed = self._listed
        if listed is None:
            raise UnknownSession(
                f"{self.source} session {self.session_id}", "no catalogue lists it", f"Run `nh sync {self.source}`."
            )
        upstream = self._upstream
        if not isinstance(upstream, LfpSource):
            raise ConfigError(f"source {self.source}", "it offers no LFP", "Use the recordings' own files.")
        read = upstream.read_lfp(listed, probe, start, stop)
        if not mask_invalid:
            return read
        table = self._reviewed_events.tables.get("invalid_times")
        return read if table is None else read.masked(table[table["scope"].isin([probe, *RECORDING_SCOPES])])

    @cached_property
    def _upstream(self) -> Source:
        """The source of the session, as the home of the store configures it."""
        from nh_platform.home.platform import Platform
        from nh_platform.home.settings import settings_of_store

        settings = settings_of_store(self._store.root)
        if settings is None:
            raise ConfigError(
                f"store {self._store.address}",
                "it lies in no home folder, whose sources.yaml says where recorded files are",
                "Open the home folder: `open_store(home)`.",
            )
        return Platform(settings).source(self.source)
