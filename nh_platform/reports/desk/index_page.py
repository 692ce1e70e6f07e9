"""The first page of the desk, the queue and the sessions, and the page that says what is wrong.

Contains what these pages are made of; their HTML, style and script are in `static/`. Texts of people and files are
escaped by the template, and set as text by the script.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, StrictUndefined

from nh_platform.qc.reviews.review_decisions import session_review
from nh_platform.qc.reviews.review_model import reviewer_names
from nh_platform.reports.desk.queue import REASONS
from nh_platform.reports.desk.served_page import ServedPage
from nh_platform.reports.desk.settings import Desk
from nh_platform.reports.page.shell import PACKAGE as SHARED
from nh_platform.reports.page.shell import content_policy, read_static
from nh_platform.reports.session_page.stored import ASSET
from nh_platform.session import NhError, StoreError
from nh_platform.store.objects.address import shown

_PACKAGE = "nh_platform.reports.desk"


def index_page(desk: Desk) -> ServedPage:
    """Return the first page: the queue, which its script fills, and every stored session with its reviews."""
    settings = {"token": desk.form_token, "reviewer": desk.reviewer, "blind": desk.blind}
    sessions = list(_sessions(desk))
    folder = shown(desk.platform.settings.reviews)
    return _page(
        "index.html", "index.js", reasons=REASONS, sessions=sessions, settings=json.dumps(settings), folder=folder
    )


def error_page(error: NhError) -> ServedPage:
    """Return a page that says what is wrong and what to do, and leads back."""
    return _page("error.html", "", error=error)


def _page(template: str, script: str, **shown: Any) -> ServedPage:
    styles = [read_static(SHARED, "theme.css"), read_static(_PACKAGE, "desk.css")]
    scripts = [read_static(_PACKAGE, script)] if script else []
    policy = content_policy(styles, scripts, connects="'self'" if scripts else "'none'")
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    html = made.from_string(read_static(_PACKAGE, template)).render(styles=styles, scripts=scripts, **shown)
    return ServedPage(html, f"{policy}; frame-ancestors 'none'")


def _sessions(desk: Desk) -> Iterator[dict[str, Any]]:
    for source in desk.platform.entries:
        for session_id in desk.sessions(source):
            yield {"source": source, "session": session_id, **_told(desk, source, session_id)}


def _told(desk: Desk, source: str, session_id: str) -> dict[str, Any]:
    """Return whether a session has a page, and what its reviews are; a file with a mistake is named in its place."""
    try:
        has_page = desk.platform.store.current(source, session_id, ASSET) is not None
        problem = ""
    except StoreError as error:
        has_page, problem = False, f"{error.thing}: {error.found}"
    try:
        reviews = desk.reviews(source, session_id)
    except NhError as error:
        return {"has_page": has_page, "n_reviews": "", "reviewers": "", "state": f"{error.thing}: {error.found}"}
    whole = session_review(reviews, desk.rulebook(source), desk.platform.today)
    reviewers = "" if desk.blind else ", ".join(reviewer_names(reviews.reviews))
    state = problem or (
        whole.short if whole and not desk.blind else "set aside" if whole and whole.is_set_aside else ""
    )
    return {"has_page": has_page, "n_reviews": len(reviews.reviews), "reviewers": reviewers, "state": state}
