"""Removing what earlier versions of the platform stored and nothing reads any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.session import StoreError


@dataclass(frozen=True)
class Cleaning:
    """Folders that were removed, or would be.

    Parameters
    ----------
    removed
        Assets by session.
    kept
        Why assets of a session stay, by session.
    """

    removed: Mapping[str, tuple[str, ...]]
    kept: Mapping[str, StoreError]


def clean(home: Home, source: str, *, dry_run: bool = False) -> Cleaning:
    """Remove the assets of earlier versions from the sessions of a source that hold what took their place.

    What a clean that was killed left half removed goes too.

    Parameters
    ----------
    home
        The home folder.
    source
        Name of the source.
    dry_run
        Remove nothing, and say what would be removed.

    Raises
    ------
    ConfigError
        If there is no such source.
    """
    from nh_platform.store.replaced_assets import (
        remove_abandoned,
        remove_replaced,
        replaced_assets,
        require_replacement,
    )

    removed: dict[str, tuple[str, ...]] = {}
    kept: dict[str, StoreError] = {}
    with open_home(home) as at:
        store = at.platform.store
        at.platform.config(source)  # names a source that does not exist
        for session_id in store.sessions(source):
            if not dry_run:
                remove_abandoned(store, source, session_id)
            for asset in replaced_assets(store, source, session_id):
                try:
                    require_replacement(store, source, session_id, asset)
                    if not dry_run:
                        remove_replaced(store, source, session_id, asset)
                except StoreError as error:
                    kept[session_id] = error
                else:
                    removed[session_id] = (*removed.get(session_id, ()), asset)
    return Cleaning(removed, kept)
