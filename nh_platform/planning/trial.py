"""A trial of what a session would hold: its units made in a folder of their own, beside what is stored.

Nothing here publishes into the store of the home folder or launches a run.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.assets.raw_spikes import ASSET as RAW_SPIKES
from nh_platform.assets.units import ASSET as UNITS
from nh_platform.history.manifest import Manifest
from nh_platform.home.platform import Platform
from nh_platform.planning.making import make_session_asset
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import read_table

_TRIED = (RAW_SPIKES.name, UNITS.name)


class TrialPlatform(Platform):
    """The platform of a home folder with a store of its own, and the manifest of the real one.

    Parameters
    ----------
    platform
        The platform of the home folder.
    folder
        Folder of the trial's store.
    """

    def __init__(self, platform: Platform, folder: Path) -> None:
        super().__init__(platform.settings)
        self._real, self.store = platform, Store(folder)

    def manifest(self, source: str) -> Manifest:
        """Return the manifest that is stored in the home folder."""
        return self._real.manifest(source)

    def session_part(self, source: str, session_id: str) -> Manifest:
        """Return the rows of one session of it."""
        return self._real.session_part(source, session_id)


def tried_units(platform: Platform, source: str, session_id: str, folder: Path) -> tuple[str, ...]:
    """Make the units of a session in ``folder`` as the manifest and rules are now, and return the ids of the good ones.

    Raises
    ------
    NhError
        If they cannot be made.
    """
    trial = TrialPlatform(platform, folder)
    for asset in _TRIED:
        make_session_asset(trial, source, session_id, asset)
    return good_units(trial, source, session_id)


def good_units(platform: Platform, source: str, session_id: str) -> tuple[str, ...]:
    """Return the ids of a session's units that are stored and good by the active rulebook; none where none are."""
    folder, column = (
        platform.store.current(source, session_id, UNITS.name),
        f"pass.{platform.config(source).rulebook_ids[0]}",
    )
    table = None if folder is None else read_table(folder / "units.parquet")
    if table is None or column not in table:
        return ()
    return tuple(str(one) for one in table["unit_id"][table[column]])
