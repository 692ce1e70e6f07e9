"""Staleness of the assets across sessions: whether one is made of what the store holds now.

This is the one place that decides it, for the sensor, the daily inventory and `nh demo`. Nothing here makes one.
"""

from __future__ import annotations

import hashlib

from nh_platform.assets.record import SourceAsset
from nh_platform.assets.registry import source_assets
from nh_platform.home.platform import Platform
from nh_platform.planning.versions import expected_source_asset
from nh_platform.store.names import SOURCE_WIDE

_DIGITS = 12


def is_current(platform: Platform, source: str, asset: SourceAsset) -> bool:
    """Whether an asset across sessions is made of what the store holds now."""
    stored = platform.store.data_version(source, SOURCE_WIDE, asset.name)
    return stored == expected_source_asset(platform, source, asset).data_version


def stale_catalogs(platform: Platform, source: str) -> tuple[tuple[str, ...], str]:
    """Return the assets that follow the sessions and are not current, and a digest of the state that they should have.

    The digest stands in the run key: what was asked for in one state is asked for once.
    """
    wanted = {
        name: expected_source_asset(platform, source, asset).data_version
        for name, asset in source_assets(source).items()
        if asset.follows_sessions
    }
    stale = {
        name: version
        for name, version in wanted.items()
        if platform.store.data_version(source, SOURCE_WIDE, name) != version
    }
    return tuple(stale), hashlib.sha256(repr(sorted(stale.items())).encode()).hexdigest()[:_DIGITS]
