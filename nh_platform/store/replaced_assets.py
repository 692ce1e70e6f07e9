"""Assets of earlier versions that a store still holds: found, and removed once what took their place is there.

Which they are stands in `nh_platform.store.names.REPLACED`. Nothing here reads their files.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from nh_platform.session import StoreError
from nh_platform.store.layout import Store
from nh_platform.store.names import REPLACED, STAGING
from nh_platform.store.objects.address import is_in_bucket
from nh_platform.store.records import remove_record
from nh_platform.store.version_folders import is_abandoned, staging_name


def replaced_assets(store: Store, source: str, session_id: str) -> list[str]:
    """Return the assets of earlier versions that are stored of a session, sorted."""
    return [name for name in store.readable_names(source, session_id) if name in REPLACED]


def require_replacement(store: Store, source: str, session_id: str, asset: str) -> None:
    """Check that what took the place of an asset of an earlier version is stored.

    Raises
    ------
    StoreError
        If it is not, or the asset is none of `REPLACED`.
    """
    lacking = [name for name in REPLACED.get(asset, (asset,)) if name not in store.assets(source, session_id)]
    if asset not in REPLACED or lacking:
        raise StoreError(
            f"{source} session {session_id}",
            f"{asset} is kept: {', '.join(lacking) or 'it'} is not stored in its place",
            f"Run `nh materialize {source} --missing` first.",
        )


def remove_replaced(store: Store, source: str, session_id: str, asset: str) -> None:
    """Remove an asset of an earlier version with everything in its folder.

    Raises
    ------
    StoreError
        As of `require_replacement`.
    """
    require_replacement(store, source, session_id, asset)
    home = store.asset_folder(source, session_id, asset)
    if is_in_bucket(home):
        remove_record(home)
        return
    leaving = home.with_name(staging_name())
    with contextlib.suppress(FileNotFoundError):  # another process removes it too
        os.rename(home, leaving)  # at once, so that nobody finds half of it
        shutil.rmtree(leaving)


def remove_abandoned(store: Store, source: str, session_id: str) -> None:
    """Remove what a process that was killed in `remove_replaced` left of an asset; that of a running one stays."""
    home = store.asset_folder(source, session_id, next(iter(REPLACED))).parent
    # Versions up to 0.1 put the asset's name before the name of the process.
    former = [child for name in REPLACED for child in home.glob(f".{name}-{STAGING}*")]
    for child in (*home.glob(f"{STAGING}*"), *former):
        if is_abandoned(child.with_name(child.name[child.name.index(STAGING) :])):
            shutil.rmtree(child, ignore_errors=True)  # another clean may be at it too
