"""`IblSource`: IBL releases behind the `Source` protocol.

Ties the manifest and the readers to one client. Add a method here only if the protocol gets it; what a dataset means
belongs to the module that reads it.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.session import Behavior, RawRecording, UnitAnnotation
from nh_platform.sources.catalog import Manifest, SessionFiles
from nh_platform.sources.ibl.behavior import read_behavior_files
from nh_platform.sources.ibl.client import OneClient
from nh_platform.sources.ibl.files import open_files
from nh_platform.sources.ibl.manifest import build_manifest
from nh_platform.sources.ibl.metrics import read_released
from nh_platform.sources.ibl.positions import read_positions
from nh_platform.sources.ibl.settings import IblSettings
from nh_platform.sources.ibl.sorting import read_recording


class IblSource:
    """IBL sessions through ONE-api, from a local ALF tree or an Alyx server.

    Both modes read the exact paths of the manifest and give the same objects. Making one opens nothing.

    Parameters
    ----------
    settings
        Where to read from, and which sorter and revision count.

    Examples
    --------
    >>> source = IblSource(IblSettings(root="data/alf"))
    >>> source.name
    'ibl'
    """

    name = "ibl"
    title = "IBL Neuropixels (Brain-wide Map, Reproducible Ephys)"

    def __init__(self, settings: IblSettings) -> None:
        self.settings = settings
        self._client = OneClient(settings)

    def manifest(self) -> Manifest:
        """Read what upstream holds now; as of `Source.manifest`.

        Raises
        ------
        ConfigError
            If the tables, the server, the login or the release tag cannot be used.
        """
        folder_of = None if self._client.is_remote else self._client.session_folder
        return build_manifest(self._client.tables(), self.settings, folder_of)

    def read_spikes(self, session: SessionFiles) -> RawRecording:
        """Read the verified sorting of one session; as of `Source.read_spikes`.

        Raises
        ------
        BadUpstreamData
            As of `nh_platform.sources.ibl.sorting.read_recording`, or if a file's md5 is not the manifest's.
        StoreError
            If the disk of the download folder is full.
        """
        with open_files(self._client, session, "spikes") as files:
            return read_recording(session, files)

    def read_behavior(self, session: SessionFiles) -> Behavior:
        """Read the events and signals of one session; as of `Source.read_behavior`."""
        with open_files(self._client, session, "behavior") as files:
            return read_behavior_files(session, files)

    def read_annotation(self, session: SessionFiles, units: pd.DataFrame, channels: pd.DataFrame) -> UnitAnnotation:
        """Read released metrics, labels and positions for ``units``; as of `Source.read_annotation`."""
        with open_files(self._client, session, "qc", "alignment") as files:
            released = read_released(session, units, files)
            unit_positions, channel_positions = read_positions(units, channels, files)
            return UnitAnnotation(
                released=released, positions=unit_positions, channels=channel_positions, notes=tuple(files.notes)
            )
