"""Where texts of reviewers lie: a folder of the disk, or a bucket that several machines write.

Contains how they are read, and the trial of a new place. Add here what differs between both; a text is changed through
`nh_platform.store.records.change_record`.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.session.yaml_files.yaml_file import read_optional, text_of
from nh_platform.store.durable import read_regular
from nh_platform.store.objects.address import address_of, is_in_bucket, located
from nh_platform.store.records import is_there


def read_stated(path: Path, name: str) -> str | None:
    """Return the text of a file that reviewers write; None where there is none.

    Parameters
    ----------
    path, name
        The file, and what it is called in errors.

    Raises
    ------
    ConfigError
        As of `nh_platform.session.yaml_files.yaml_file.read_optional`.
    StoreError
        If the bucket does not answer.
    """
    if not is_in_bucket(path):
        return read_optional(path, name)
    try:
        return text_of(read_regular(path), name)
    except FileNotFoundError:
        return None


def require_place(path: Path) -> None:
    """See that a bucket without anything in it keeps the conditions of a write, before the first review goes there.

    Raises
    ------
    StoreError
        If it does not: two machines would overwrite each other's reviews.
    """
    if not is_in_bucket(path):
        return
    root = located(path)[0]
    if not is_there(root):
        from nh_platform.store.objects.trial import try_out

        try_out(address_of(root))
