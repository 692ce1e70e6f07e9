"""The `Source` protocol: everything that a dataset offers to the platform.

Add a method here when every source must offer one more thing. What a source offers that downloads its files is in
`fetching`; what the platform must know of a dataset to serve it is its entry.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import pandas as pd

from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.history.released_tables import ReleasedTables
from nh_platform.session import Events, RawRecording, Signals, UnitAnnotation
from nh_platform.session.mean_waveforms import MeanWaveforms
from nh_platform.session.probe_noise import ChannelNoise

if TYPE_CHECKING:
    from nh_platform.downloads.transfers import OnBytes


class Source(Protocol):
    """A dataset as the platform reads it. One folder in `nh_platform.sources` implements it.

    All four readers raise `BadUpstreamData` naming the file when upstream's bytes cannot be used; an optional
    dataset that is missing becomes NaN and a note.
    """

    @property
    def name(self) -> str:
        """Name of the source, for example ``ibl``."""

    def signal(self) -> str:
        """Return a short text that differs when upstream announces something; cheap enough for every few minutes.

        A trigger, never an identity: it may differ although nothing changed, and the manifest decides.
        """

    def manifest(self) -> Manifest:
        """Read what upstream holds now. Downloads no session data."""

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read the verified sorting of one session."""

    def read_events(self, session: SessionFiles) -> Events:
        """Read what happened in one session: trials, presentations, licks, invalid times."""

    def read_signals(self, session: SessionFiles) -> Signals:
        """Read what was sampled in one session, and what upstream detected in it."""

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read released metrics, labels and positions for ``units`` (schema `RAW_UNITS`), row by row."""


@runtime_checkable
class ContinuingSource(Protocol):
    """A source that need not ask again for what it knew at the snapshot before."""

    def manifest_after(self, before: Manifest) -> Manifest:
        """Read what upstream holds now, as `Source.manifest`; what cannot have changed is taken from ``before``."""


@runtime_checkable
class TabulatesRelease(Protocol):
    """A source whose upstream publishes units, channels or sessions of a whole release as tables."""

    def released_version(self, manifest: Manifest) -> str:
        """Return the identity of the tables at hand, by their content; empty where there is none. Asks nobody."""

    def released_tables(self, manifest: Manifest) -> ReleasedTables:
        """Read the tables at hand; ``manifest`` tells what they do not state of their insertions.

        Raises
        ------
        BadUpstreamData
            If one cannot be read or lacks a column; the text names both.
        """


@runtime_checkable
class FetchesTables(Protocol):
    """A source whose tables of a whole release are so large that they are fetched on request."""

    def fetch_tables(self, on_bytes: OnBytes | None = None) -> tuple[Path, ...]:
        """Download the tables of the release, those that are there left alone, and return where they lie."""


@runtime_checkable
class KnowsRegions(Protocol):
    """A source whose server says which insertions lie in a region, before anything of them is downloaded."""

    def insertions_in(self, acronym: str) -> list[str] | None:
        """Return the ids of the insertions with a channel in a structure or below it; None where nobody can be asked.

        Raises
        ------
        ConfigError, BadUpstreamData
            If the server cannot be used or does not answer.
        """


@runtime_checkable
class LogsSorting(Protocol):
    """A source whose files state, in a log, which version of a sorter made the spikes."""

    def sorter_versions(self, session: SessionFiles) -> dict[str, str]:
        """Return the version by probe, of those whose log is at hand; nothing is fetched."""


@runtime_checkable
class PoseSource(Protocol):
    """A source with body parts found in its videos."""

    def read_pose(self, session: SessionFiles) -> Signals:
        """Read them: signals ``pose_<tracker>_<camera>``, px, columns ``<part>_x``, ``_y`` and ``_likelihood``."""


@runtime_checkable
class WaveformSource(Protocol):
    """A source with a mean waveform of each unit."""

    def read_waveforms(self, session: SessionFiles, units: pd.DataFrame) -> MeanWaveforms:
        """Read those of ``units`` (schema `RAW_UNITS`), in volts on the channels around each peak."""


@runtime_checkable
class NoiseSource(Protocol):
    """A source that states the noise of its channels."""

    def read_noise(self, session: SessionFiles, channels: pd.DataFrame) -> ChannelNoise:
        """Read that of ``channels`` (schema `RAW_CHANNELS`), in volts and decibels."""
