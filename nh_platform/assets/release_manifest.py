"""The asset `release_manifest`: the snapshot of what upstream holds, and what changed since the one before.

Change here what it is called and which tables it holds. Comparing and keeping snapshots is `nh_platform.history`; it is
no per-session asset and no session depends on it.
"""

from contextlib import suppress

from nh_platform.history import released_tables as released
from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import StoredRelease, store_manifest
from nh_platform.history.release_lookup import VersionedSource
from nh_platform.history.releases.held import accept, accepted_snapshot, forget_accepted
from nh_platform.history.releases.newer import record_published
from nh_platform.history.snapshots import ASSET as NAME
from nh_platform.history.snapshots import list_snapshots
from nh_platform.history.upstream_names import without_unsafe_names
from nh_platform.home.platform import Platform
from nh_platform.session import NhError
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, LEFT_OUT, SESSIONS
from nh_platform.session.tables.catalogue.released import PROBE_CATALOG
from nh_platform.session.tables.catalogue.releases import NOTICES, RELEASE_CHANGES, RELEASE_TABLES, TOMBSTONES
from nh_platform.session.tables.change_detection import BEHAVIOR_SESSIONS
from nh_platform.sources.source import ContinuingSource, TabulatesRelease

__all__ = ["CODE_VERSION", "DESCRIPTION", "NAME", "TABLES", "store_released_tables", "take_snapshot"]

CODE_VERSION = "2"
DESCRIPTION = (
    "This is the snapshot of what upstream holds: every session, insertion and file with its hash, and what changed "
    "since the snapshot before. Reading it downloads no session data."
)
TABLES = (
    (SESSIONS, "sessions.parquet"),
    (INSERTIONS, "insertions.parquet"),
    (FILES, "files.parquet"),
    (NOTICES, "notices.parquet"),
    (TOMBSTONES, "tombstones.parquet"),
    (BEHAVIOR_SESSIONS, "behavior_sessions.parquet, where there are any"),
    (LEFT_OUT, "left_out.parquet, where anything is left out"),
    (RELEASE_TABLES, "release_tables.parquet, where upstream publishes tables"),
    (PROBE_CATALOG, "not stored; what `nh probes --format csv` prints"),
    (RELEASE_CHANGES, "not stored; what `nh releases diff --format csv` prints"),
)

RELEASED = tuple((schema, f"{name}.parquet, where the release has one") for name, schema in released.SCHEMAS.items())
"""The tables of a whole release, stored beside the snapshot as `released_tables`."""


def take_snapshot(platform: Platform, source: str) -> StoredRelease:
    """Read the manifest of a source from upstream and store it, if it differs, as the next snapshot."""
    is_held = platform.settings.source(source).on_release == "hold"
    before = list_snapshots(platform.store, source)
    manifest = _manifest_now(platform, source)
    # Recorded before the release is stored: killed in between, nothing of it is made that nobody accepted.
    if is_held and before and accepted_snapshot(platform.store, source) is None:
        accept(platform.store, source, before[-1].number)
    stored = store_manifest(platform.store, manifest, CODE_VERSION)
    _record_published(platform, source)
    with suppress(NhError):  # no session is made of them; `nh sync` says what is wrong with them
        store_released_tables(platform, source)
    if not is_held:
        forget_accepted(platform.store, source)
    elif not before:
        accept(platform.store, source, stored.snapshot.number)
    return stored


def store_released_tables(platform: Platform, source: str) -> bool:
    """Store the tables of the whole release that are at hand, if they are others than those stored; return whether.

    Raises
    ------
    BadUpstreamData
        If a table cannot be read or lacks a column; what was stored of it before is unchanged.
    """
    opened = platform.source(source)
    if not isinstance(opened, TabulatesRelease):
        return False
    manifest = platform.manifest(source)
    version = opened.released_version(manifest)
    if not version or released.is_current(platform.store, source, version):
        return False
    released.store_released(platform.store, source, opened.released_tables(manifest), version)
    return True


def _manifest_now(platform: Platform, source: str) -> Manifest:
    opened = platform.source(source)
    before = None
    with suppress(NhError):  # nothing is stored yet, or it is damaged: everything is asked for
        before = platform.manifest(source) if isinstance(opened, ContinuingSource) else None
    found = opened.manifest_after(before) if before and isinstance(opened, ContinuingSource) else opened.manifest()
    return without_unsafe_names(found)


def _record_published(platform: Platform, source: str) -> None:
    """Record which releases upstream publishes, where it names them: a pinned one hides newer ones."""
    opened = platform.source(source)
    if isinstance(opened, VersionedSource):
        with suppress(NhError):  # the catalogue was read; that others could not be listed is no reason to lose it
            record_published(platform.store, source, opened.published_releases())
