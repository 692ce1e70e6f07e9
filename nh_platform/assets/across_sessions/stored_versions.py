"""Versions of what an asset across sessions is made of, as the store has it now.

Add here what several of these assets are made of. Nothing here reads a table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from nh_platform.history.snapshots import ASSET as MANIFEST
from nh_platform.home.platform import Platform


def stored_versions(platform: Platform, source: str, asset: str, session_ids: Iterable[str]) -> dict[str, str]:
    """Return the data version of an asset of every session that the store has it of, undamaged as far as is known."""
    found = ((one, platform.store.data_version(source, one, asset)) for one in session_ids)
    return {session_id: version for session_id, version in found if version is not None}


def versions_digest(versions: Mapping[str, str]) -> str:
    """Return one version for the data versions of many sessions."""
    lines = [f"{session_id}\x1f{version}\n" for session_id, version in sorted(versions.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def manifest_and_sessions(platform: Platform, source: str, assets: Iterable[str]) -> dict[str, str]:
    """Return the version of the manifest, and one version per asset over all sessions that it lists.

    Raises
    ------
    UnknownSession
        If the source was never synced.
    """
    manifest = platform.manifest(source)
    ids = manifest.session_ids
    digests = {asset: versions_digest(stored_versions(platform, source, asset, ids)) for asset in assets}
    return {MANIFEST: manifest.version(), **digests}
