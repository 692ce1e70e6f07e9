"""The card of a unit in a person's browser: where its page is, and whether a browser could be asked to show it.

Add here how another stored page is opened. What the page says is `nh_platform.reports.session_page`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nh_platform.home.settings import PlatformSettings


def card_address(settings: PlatformSettings, source: str, session_id: str, unit: str) -> str:
    """Return the address of the card of a unit: within the page of `nh ui` where that runs, else of the stored file.

    Parameters
    ----------
    settings
        Of the home folder.
    source, session_id, unit
        The unit, by whole ids.

    Raises
    ------
    UnknownSession
        If the report of the session was never made; the text says how to make it.
    DamagedFile
        If it is damaged.
    """
    from urllib.parse import urlsplit

    from nh_platform.home.page_addresses import report_address
    from nh_platform.home.running_ui import read_running_ui
    from nh_platform.reports.session_page.stored import stored_page
    from nh_platform.store import Store

    page, address = stored_page(Store(settings.store), source, session_id), report_address(source, session_id, unit)
    running = read_running_ui(settings.home)
    if running is not None:
        return running.address.rstrip("/") + address
    return f"{page.absolute().as_uri()}#{urlsplit(address).fragment}"


def open_in_browser(address: str) -> bool:
    """Ask the person's browser to show an address, and return whether there is one.

    A terminal without a screen has none: a browser of text in it could not show the page.
    """
    import webbrowser

    has_screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    try:
        return has_screen and webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
