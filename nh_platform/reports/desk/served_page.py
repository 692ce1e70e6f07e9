"""The stored page of a session as the desk serves it: the same bytes, which may ask the desk and know whose form it is.

Contains what is changed of it (the policy lets its scripts ask their own server, a meta element holds the desk's
settings, the snapshot of the release's distributions is put in), what is left out for a blind reader, and what is said
of a page that is missing, old or damaged. How a page is made is `nh_platform.reports.session_page`.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from nh_platform.reports.desk.settings import Desk
from nh_platform.reports.page.packing import json_for_script
from nh_platform.reports.session_page.stored import stored_page
from nh_platform.reports.site.release_snapshot import with_release_snapshot
from nh_platform.session import StoreError

_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
_DATA = re.compile(r'(<script type="application/json" id="nh-data">)(.*?)(</script>)', re.DOTALL)
_NOWHERE, _SELF = "connect-src 'none'", "connect-src 'self'"
_OF_REVIEWS = ("review",)
"""Columns that begin so tell what others decided."""
DECIDES = 'meta[name="nh-desk"]'
"""What the script of the decision form looks for: a page without it is of a version that had no form."""


@dataclass(frozen=True)
class ServedPage:
    """A page as it is sent, and the policy that its answer states."""

    html: str
    policy: str


def served_page(desk: Desk, source: str, session_id: str) -> ServedPage:
    """Return the stored page of a session, as the desk serves it.

    Raises
    ------
    UnknownSession
        If none was made.
    StoreError
        If it is damaged, or of a version that the desk cannot serve; the text says how to make it again.
    """
    text = stored_page(desk.platform.store, source, session_id).read_text(encoding="utf-8")
    release = desk.release(source)
    if release is not None and _DATA.search(text):
        text = with_release_snapshot(text, release)
    stated = _POLICY.search(text)
    policy = html.unescape(stated[1]) if stated else ""
    data = _DATA.search(text)
    if stated is None or data is None or _NOWHERE not in policy or DECIDES not in text:
        found = "it was made by a version whose pages have no form for decisions"
        action = f"Make it again: nh materialize {source} {session_id} --asset session_report"
        raise StoreError(f"page of {source} session {session_id}", found, action)
    policy = policy.replace(_NOWHERE, _SELF)
    settings = {"token": desk.form_token, "reviewer": desk.reviewer, "blind": desk.blind}
    metas = (
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">\n'
        f'<meta name="nh-desk" content="{html.escape(json.dumps(settings))}">'
    )
    if desk.blind:
        text = text[: data.start(2)] + json_for_script(without_reviews(json.loads(data[2]))) + text[data.end(2) :]
    served = text[: stated.start()] + metas + text[stated.end() :]
    return ServedPage(served, f"{policy}; frame-ancestors 'none'")


def without_reviews(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a page without what single reviewers decided.

    What counts already, since enough of them agree, is part of the stored units and intervals, and stays; that the
    session is set aside is told by the desk (`nh_platform.reports.desk.readers`).
    """
    columns = [one for one in data["columns"] if not str(one["name"]).startswith(_OF_REVIEWS)]
    return {**data, "reviews": [], "columns": columns, "set_aside": ""}
