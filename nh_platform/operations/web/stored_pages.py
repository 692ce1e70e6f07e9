"""Reports and figures of the store within the page of `nh ui`, beside Dagster's own pages.

Contains what answers their addresses (`nh_platform.home.page_addresses`), behind the same guard. Add here another
stored page that the asset pages link to.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.home.page_addresses import FIGURES, QC_SITE, REPORTS, SITE_FOLDER, SITES

if TYPE_CHECKING:
    from nh_platform.operations.web.guard import App, Receive, Scope, Send
    from nh_platform.store import Store

_NAME = "[A-Za-z0-9_-]+"
_REPORT = re.compile(rf"{REPORTS}/({_NAME})/({_NAME})")
_FIGURE = re.compile(rf"{FIGURES}/({_NAME})/({_NAME})/({_NAME})\.svg")
_SITE = re.compile(rf"{SITES}/({_NAME})/{SITE_FOLDER}/(index\.html|rules/{_NAME}\.html)")
_SITE_REPORT = re.compile(rf"{SITES}/({_NAME})/({_NAME})/session_report/{_NAME}/report\.html")
"""Links of a site name the version that was stored when it was made; the one that counts is answered."""
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-cache"),
    (b"referrer-policy", b"no-referrer"),
]
_FIGURE_POLICY = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'")


def with_stored_pages(app: App, store: Store) -> App:
    """Return an application that answers the addresses of reports and figures, and leaves all others to ``app``.

    A report that was never made, or is damaged, is a page that says so and what to do.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        found = _file(store, scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await app(scope, receive, send)
            return
        kind, read = found
        status, body = await asyncio.to_thread(_content, read)
        kind, headers = (kind, [_FIGURE_POLICY]) if status == 200 and kind == "image/svg+xml" else (kind, [])
        kind = kind if status == 200 else "text/plain; charset=utf-8"
        headers = [(b"content-type", kind.encode()), *headers, *_HEADERS]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return answer


def _file(store: Store, path: str) -> tuple[str, Callable[[], bytes]] | None:
    """Return the media type of what an address names, and what reads it; None where it is not ours."""
    from nh_platform.assets.units import ASSET as UNITS
    from nh_platform.assets.units import RULE_FIGURES
    from nh_platform.store.file_hashes import verified
    from nh_platform.store.names import SOURCE_WIDE

    if match := _REPORT.fullmatch(path) or _SITE_REPORT.fullmatch(path):
        source, session = match.groups()
        return "text/html; charset=utf-8", lambda: _report(store, source, session)
    if match := _SITE.fullmatch(path):
        source, page = match.groups()
        return "text/html; charset=utf-8", lambda: verified(
            store.folder(source, SOURCE_WIDE, QC_SITE) / page
        ).read_bytes()
    if match := _FIGURE.fullmatch(path):
        source, session, rule = match.groups()
        folder = Path(RULE_FIGURES) / f"{rule}.svg"
        return "image/svg+xml", lambda: verified(store.folder(source, session, UNITS.name) / folder).read_bytes()
    return None


def _report(store: Store, source: str, session_id: str) -> bytes:
    """Return the page of a session, beside whose values those of the release stand where its snapshot is at hand."""
    from nh_platform.reports.session_page.stored import stored_page
    from nh_platform.reports.site.release_snapshot import stored_snapshot, with_release_snapshot

    page, snapshot = stored_page(store, source, session_id), stored_snapshot(store, source)
    if snapshot is None:
        return page.read_bytes()
    return with_release_snapshot(page.read_text(encoding="utf-8"), snapshot).encode()


def _content(read: Callable[[], bytes]) -> tuple[int, bytes]:
    from nh_platform.session import NhError

    try:
        return 200, read()
    except NhError as error:
        return 404, f"{error}\n".encode()
    except FileNotFoundError:
        return 404, b"It was replaced, or these units have no such figure. Load the page again.\n"
