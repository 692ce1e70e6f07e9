"""The card of an export's folder, made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nh_platform.exports.data_card.card_facts import CardFacts


def describe_export(folder: Path | str) -> CardFacts:
    """Check every file of an export against its hash, and write the card of the folder.

    Parameters
    ----------
    folder
        Folder of an export.

    Returns
    -------
    CardFacts
        What the card says: files, sessions, terms, citations; and what is in the folder that no export wrote
        (``others``), which the card does not list.

    Raises
    ------
    ConfigError
        If the folder holds no export, or a folder in the place of the card.
    DamagedFile
        If a file is missing, or is not what was exported.
    StoreError
        If the disk is full, or a file cannot be read or written.
    """
    from nh_platform.exports.data_card.card_files import write_card

    return write_card(Path(folder), check=True)
