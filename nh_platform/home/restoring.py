"""A restoration into a home folder that is not done: the record of it, which every command meets first.

Its files lie beside until all of them are on the disk; then they get their names one after the other. A process that is
killed between two names leaves a home that is neither empty nor whole, and the record says so and how it goes on. Add
here what must be known of a restoration before it is done. The restoration itself is an operation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from nh_platform.session import ConfigError

RECORD = "restoring.json"
"""In the home folder from the beginning of a restoration to its end."""


@dataclass(frozen=True)
class Restoration:
    """A restoration that is not done.

    Parameters
    ----------
    backup
        Folder of the backup, or the address of one in a bucket.
    partial
        Name of the folder, in the home, that its files are written to.
    reviews
        Folder that reviews are brought back into.
    n_files, n_bytes
        What it brings.
    is_whole
        Whether all files are there and on the disk: then nothing but their names is missing.
    store
        Address of the bucket that the store is brought into; empty where it goes into the home.
    """

    backup: str
    partial: str
    reviews: str
    n_files: int
    n_bytes: int
    is_whole: bool
    store: str = ""


def write_restoration(home: Path, begun: Restoration) -> None:
    """Record how far a restoration is."""
    from nh_platform.store.durable import write_durably  # the store loads pydantic, and `nh --help` answers without
    from nh_platform.store.sealed import seal_json

    write_durably(home / RECORD, seal_json(asdict(begun)))


def read_restoration(home: Path) -> Restoration | None:
    """Return the restoration into a home folder that is not done; None where there is none.

    Raises
    ------
    ConfigError
        If its record is not the bytes that were written.
    """
    from nh_platform.store.durable import read_regular
    from nh_platform.store.sealed import BrokenSeal, unseal_json

    try:
        return Restoration(**unseal_json(read_regular(home / RECORD)))
    except FileNotFoundError:
        return None
    except (BrokenSeal, OSError) as error:
        found = f"a backup was being restored into it, and the record of how far is damaged ({error})"
        raise ConfigError(str(home / RECORD), found, "Empty the home folder, and restore the backup again.") from error


def end_restoration(home: Path) -> None:
    """Remove the record: the home is whole, or nothing of it was brought back."""
    from nh_platform.store.durable import sync_folder

    for path in (home / RECORD, *home.glob(f"{RECORD}.*")):  # and what a killed process left of it half written
        path.unlink(missing_ok=True)
    sync_folder(home)


def require_restored(home: Path) -> None:
    """Refuse a home folder into which a restoration is not done.

    Raises
    ------
    ConfigError
        If one is at work or was stopped; the text says which command finishes it.
    """
    begun = read_restoration(home)
    if begun is not None:
        found = f"the restoration of {begun.backup} into it is not done"
        action = f"Wait for it; where it was stopped, run `nh --home {home} restore {begun.backup}`, which finishes it."
        raise ConfigError(str(home), found, action)
