"""The queue of the desk: what waits for a person over all sessions, by the reason to look.

Contains the reasons, their order, and the walk over the sessions, which stops when it has enough or took long. Add here
another reason. What the units table says of a unit is `unit_rows.py`.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nh_platform.qc.reviews.review_decisions import Weighed, weighed_things
from nh_platform.qc.reviews.review_files import SessionReviews, read_reviews
from nh_platform.qc.reviews.review_model import About
from nh_platform.reports.desk.readers import Reader, decided_by
from nh_platform.reports.desk.settings import Desk
from nh_platform.reports.desk.unit_rows import UnitRow, session_units
from nh_platform.reports.session_page.told_reviews import open_questions
from nh_platform.session import ConfigError, NhError, UnknownSession
from nh_platform.store.records import record_state

REASONS = {
    "near": "near a threshold",
    "differs": "released and recomputed disagree",
    "undecided": "nobody decided yet",
    "second": "waits for another reader",
    "conflict": "reviewers disagree",
    "question": "open questions",
}
"""Why a person should look, in the order of the desk's buttons."""
_DECIDED = ("counted", "pending", "conflict")
MOST_ITEMS = 200
_LOOKED_S = 3.0
"""How long one answer looks through sessions; a cold units table takes 20 ms, so that it sees some 150."""


@dataclass(frozen=True)
class QueueItem:
    """One thing to look at; ``unit`` is empty where it is an interval of the recording or the session."""

    source: str
    session: str
    unit: str
    name: str
    region: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where the walk begins: a session, and the unit in it behind which; from the start where empty."""

    source: str = ""
    session: str = ""
    unit: str = ""


def queue(desk: Desk, reason: str, reader: Reader, *, begin: Place = Place(), limit: int = 50) -> dict[str, Any]:
    """Return what waits, in the order of the sessions.

    Parameters
    ----------
    desk
        The desk.
    reason
        One of `REASONS`.
    reader
        Who looks: what that reader has decided on is left out, and what is kept back of others.
    begin
        Where the walk begins.
    limit
        Most items.

    Returns
    -------
    dict
        ``items``; ``n_looked`` of ``n_sessions``; ``more``: the session at which the walk stopped, or None; and
        ``problems``: sessions that cannot be looked at, in words.

    Raises
    ------
    ConfigError
        If there is no such reason.
    """
    if reason not in REASONS:
        raise ConfigError(f"queue {reason!r}", "there is none for that reason", f"Use one of: {', '.join(REASONS)}.")
    places = [(source, session) for source in desk.platform.entries for session in desk.sessions(source)]
    first = places.index((begin.source, begin.session)) if (begin.source, begin.session) in places else 0
    items: list[QueueItem] = []
    problems: list[str] = []
    until, looked, more = time.monotonic() + _LOOKED_S, first, None
    for source, session in places[first:]:
        if len(items) >= limit or time.monotonic() > until:
            more = {"source": source, "session": session}
            break
        looked += 1
        after = begin.unit if (source, session) == (begin.source, begin.session) else ""
        try:
            items += _behind(list(_waiting(desk, reason, reader, source, session)), after)
        except UnknownSession:
            continue  # registered or gated: there are no units to look at
        except NhError as error:
            problems.append(f"{error.thing}: {error.found}. {error.action}")
    told = [asdict(item) for item in items[:limit]]
    return {"items": told, "n_looked": looked, "n_sessions": len(places), "more": more, "problems": problems}


def _behind(found: list[tuple[QueueItem, bool]], unit: str) -> list[QueueItem]:
    """Return what still waits behind a unit; the order holds the units that do not, so that none is met twice."""
    at = next((index for index, (item, _) in enumerate(found) if unit and item.unit == unit), -1)
    return [item for item, waits in found[at + 1 :] if waits]


def _waiting(desk: Desk, reason: str, reader: Reader, source: str, session: str) -> Iterator[tuple[QueueItem, bool]]:
    """Give the things of a session in the order of the queue, and whether each waits for this reader."""
    units = session_units(desk.platform, source, session)
    reviews = _reviews(desk, source, session)
    rows = {row.unit: row for row in units.rows}
    weighed = _weighed(desk, source, desk.standing(reviews))
    mine = decided_by(reader.name, reviews.reviews) if reader.name else frozenset()

    def item(about: About, text: str) -> QueueItem:
        row = rows.get(about.unit)
        name = f"{row.probe}/{row.cluster}" if row and about.kind == "unit" else str(about)
        return QueueItem(source, session, about.unit, name, row.region if row else "", text)

    if reason in ("near", "differs", "undecided"):
        for row in _in_order(units.rows, reason):
            about = About(row.unit)
            outcome = weighed.get(about)
            settled = _DECIDED if reason == "undecided" else ("counted",)
            is_open = about not in mine and (outcome is None or outcome.state not in settled)
            yield item(about, _why(row, reason)), is_open
    elif reason == "second":
        for about, outcome in weighed.items():
            if outcome.state == "pending":
                text = "one reader decided; another is needed" if reader.blind else outcome.text
                yield item(about, text), about not in mine
    elif reason == "conflict":
        for about, outcome in weighed.items():
            if outcome.state == "conflict":
                yield item(about, outcome.text), not reader.blind or about in mine
    else:
        for review in open_questions(reader.shown(reviews)):
            about = review.about[0] if review.about else About()
            yield item(about, f"{review.reviewer}: {review.words}"), True


def _in_order(rows: tuple[UnitRow, ...], reason: str) -> list[UnitRow]:
    if reason == "near":
        return sorted((row for row in rows if row.near), key=lambda row: row.nearness)
    return [row for row in rows if reason == "undecided" or row.differs]


def _why(row: UnitRow, reason: str) -> str:
    if reason == "undecided":
        return f"{row.n_spikes:,} spikes, {'good' if row.good else 'not good'} by the rulebook"
    return row.near if reason == "near" else row.differs


def _weighed(desk: Desk, source: str, reviews: SessionReviews) -> dict[About, Weighed]:
    if not reviews.reviews:
        return {}
    return weighed_things(reviews, desk.rulebook(source), desk.platform.today)


def _reviews(desk: Desk, source: str, session: str) -> SessionReviews:
    path = desk.reviews_file(source, session)
    state = record_state(path)
    return read_reviews(path) if state is None else _read_once(path, state)


@lru_cache(maxsize=2000)
def _read_once(path: Path, _: Hashable) -> SessionReviews:
    """Read a review file; again where it was written since. A file is replaced whole, so that its inode moves."""
    return read_reviews(path)
