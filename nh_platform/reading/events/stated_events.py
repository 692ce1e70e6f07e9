"""Where the events of a stored session lie: as the entry of its source states them.

A store says of a session which tables it has, not what its source calls events: that is stated by the source's entry,
for those of the platform and of installed packages in code, for a source of your own in ``sources.yaml`` of the home
that the store lies in. It is read there, so that a name that is added counts at once, and nothing is made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nh_platform.sources.events import EventTimes
from nh_platform.sources.registry import sources


def stated_events(store: Path, source: str) -> Mapping[str, EventTimes]:
    """Return where a source states its events, by their names; nothing where neither package nor home serves it.

    Parameters
    ----------
    store
        Folder of the store.
    source
        Name of the source.

    Raises
    ------
    ConfigError
        If the source is none of an installed package, and ``sources.yaml`` of the home cannot be read.
    """
    entry = sources().get(source)
    if entry is None:
        from nh_platform.home.settings import settings_of_store

        settings = settings_of_store(store)
        entry = None if settings is None else settings.entries.get(source)
    return {} if entry is None else entry.events
