"""A store of an earlier format changed into the one that this version reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nh_platform.operations.opened_home import OnProgress, Progress, unwatched


@dataclass(frozen=True)
class Migration:
    """Outcome of a migration.

    Parameters
    ----------
    before, after
        Format of the store before it, None for a store that holds nothing; and now.
    n_assets
        Assets that were changed.
    problems
        Files that were damaged before and stay as they are, a text for each.
    """

    before: int | None
    after: int
    n_assets: int
    problems: tuple[str, ...]


def migrate(home: Path | str, *, on_progress: OnProgress = unwatched) -> Migration:
    """Change the store of a home folder into this version's format; one that has it already is left as it is.

    Nothing is computed anew, and data versions stay: every file is read once for its hash. Stopped at any instant, it
    goes on where it was.

    Parameters
    ----------
    home
        The home folder. Nothing else may write to it meanwhile.
    on_progress
        Called for each asset.

    Raises
    ------
    ConfigError
        If the settings of the home folder cannot be used.
    StoreError
        If the store is newer than this version.
    """
    from nh_platform.home.settings import load_settings
    from nh_platform.store.store_format import FORMAT, stored_format
    from nh_platform.store.store_format import migrate as migrate_store

    root = load_settings(Path(home)).store

    def told(done: int, total: int, name: str) -> None:
        on_progress(Progress("assets", done, total, name))

    before = stored_format(root)
    done = migrate_store(root, told)
    return Migration(before, FORMAT, done.n_assets, done.problems)
