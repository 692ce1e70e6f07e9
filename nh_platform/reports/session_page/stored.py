"""Where the page of a session lies in the store, for everybody who opens one.

Contains the name of the file and the look-up. What the page says is made in the modules beside.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.store import Store
from nh_platform.store.file_hashes import verified

ASSET, PAGE_FILE = "session_report", "report.html"


def stored_page(store: Store, source: str, session_id: str) -> Path:
    """Return the path of the page of a session, once its bytes are known to be those that were published.

    Raises
    ------
    UnknownSession
        If none was made; the text says how to make it.
    DamagedFile
        If it is damaged.
    """
    return verified(store.folder(source, session_id, ASSET) / PAGE_FILE)
