"""Reviews that a page posted, appended to the file of the session or refused in words.

Contains what happens where the file changed since the reader was shown it. Writing itself is
`nh_platform.qc.reviews.review_saving`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import About, Review, reader_of
from nh_platform.qc.reviews.review_saving import ReviewsChanged, SavedReviews, append_reviews, preview_reviews
from nh_platform.reports.desk.posted import Post, entries_of
from nh_platform.reports.desk.readers import Reader, decided_by, session_state
from nh_platform.reports.desk.settings import Desk
from nh_platform.reports.desk.unit_rows import session_units
from nh_platform.store.objects.address import shown

_TRIES = 50
"""How often the file may change between looking and writing before the person is asked to save again."""


def save_post(desk: Desk, source: str, session_id: str, post: Post) -> dict[str, Any]:
    """Write what a page posted, or say what would be written.

    A file that changed since it was shown is no obstacle where what came concerns other things: the reviews are added
    behind it. Where another reader decided on the same thing meanwhile, the person looks again first; read blindly,
    nothing of that was to be seen.

    Returns
    -------
    dict
        ``diff`` and ``file``; of what was written also the ``ids`` of its reviews, and what `session_state` tells.

    Raises
    ------
    ReviewsChanged
        If others decided on the same thing meanwhile, or the file was changed by hand; nothing is written.
    NhError
        If something of the post is refused, the file has a mistake, or the disk refuses it; nothing is written.
    """
    units = session_units(desk.platform, source, session_id)
    path, today = desk.reviews_file(source, session_id), desk.platform.today
    entries = entries_of(post, units.ids, units.probes, today)
    reader = Reader(post.reviewer, desk.blind)
    seen = desk.reviews(source, session_id)
    if post.preview:
        return {"diff": _diff(preview_reviews(path, signed(entries, seen, reader)), reader), "file": shown(path)}
    saved = _appended(path, post.digest or seen.digest, entries, seen, reader)
    desk.saved(source, session_id)
    state = session_state(desk, saved.reviews, reader)
    return {"ids": [one.id for one in saved.added], "diff": _diff(saved, reader), **state}


def signed(entries: Sequence[Mapping[str, Any]], seen: SessionReviews, reader: Reader) -> list[dict[str, Any]]:
    """Return entries that state whether the reader decided blindly.

    A decision is blind where the desk keeps the others' back and the reader decides on the thing for the first time.
    Where everything is shown, it is not blind if another had decided; where nobody had, nothing is stated.
    """
    own = decided_by(reader.name, seen.reviews)
    by_others: set[About] = set()
    for name in {review.reader for review in seen.reviews} - {reader_of(reader.name)}:
        by_others |= decided_by(name, seen.reviews)
    found = []
    for entry in entries:
        about = set(Review.model_validate(entry).about)
        blind: bool | None = not about & own if reader.blind else (False if about & by_others else None)
        is_decision = entry.get("decision") in ("pass", "fail")
        found.append({**entry, "blind": blind} if is_decision and blind is not None else dict(entry))
    return found


def _appended(
    path: Path, digest: str, entries: Sequence[Mapping[str, Any]], seen: SessionReviews, reader: Reader
) -> SavedReviews:
    about = {one for entry in entries for one in Review.model_validate(entry).about}
    for left in reversed(range(_TRIES)):
        try:
            return append_reviews(path, signed(entries, seen, reader), digest=digest)
        except ReviewsChanged as changed:
            if changed.added is None or not left or _concern(changed.added, about, reader):
                raise
            seen, digest = changed.now, changed.digest
    raise AssertionError("the last try returns or raises")


def _concern(added: Sequence[Review], about: set[About], reader: Reader) -> bool:
    """Return whether reviews that came meanwhile decide on the same things, and may be seen by the reader."""
    visible = [one for one in added if one.decision and (one.reader == reader_of(reader.name) or not reader.blind)]
    return any(about & set(one.about) for one in visible)


def _diff(saved: SavedReviews, reader: Reader) -> str:
    """Return the diff, read blindly without the lines around, which are others' reviews."""
    if not reader.blind:
        return saved.diff
    return "".join(line for line in saved.diff.splitlines(keepends=True) if line.startswith(("+", "---")))
