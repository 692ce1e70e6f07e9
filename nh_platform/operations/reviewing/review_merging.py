"""A file of reviews that a page downloaded, merged into the reviews of its session.

Add here another origin of whole review files. What a review may say is `nh_platform.qc.reviews.review_model`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    from nh_platform.qc.reviews.review_files import SessionReviews
    from nh_platform.qc.reviews.review_saving import SavedReviews

_MOST_BYTES = 50_000_000
"""A page's decisions on 2,000 units are 1 MB; a larger file is something else."""


@dataclass(frozen=True)
class MergedReviews:
    """What merging a file did, or would do.

    Parameters
    ----------
    source, session_id
        The session that the file is about.
    saved
        The review file as it is then, what was added, and the difference.
    n_known
        Reviews of the file that were there already.
    """

    source: str
    session_id: str
    saved: SavedReviews
    n_known: int


def merge_reviews(home: Home, file: Path, *, dry_run: bool = False) -> MergedReviews:
    """Add the reviews of a file to those of the session that it names; what is there already is not added twice.

    Parameters
    ----------
    home
        The home folder.
    file
        Review file, as the page of a session downloads it.
    dry_run
        Say what would be written, and write nothing.

    Raises
    ------
    ConfigError
        If the file is no review file, with its line, or names a source or units that there are not.
    UnknownSession
        If the session is not registered.
    """
    from nh_platform.operations.reviewing.review_carrying import remember_reviewed
    from nh_platform.qc.reviews.review_files import read_reviews
    from nh_platform.qc.reviews.review_saving import append_reviews, preview_reviews

    downloaded = _read(file)
    with open_home(home) as at:
        at.platform.entry(downloaded.source)
        session_id = at.platform.manifest(downloaded.source).session(downloaded.session_id).session.session_id
        _require_units(at.platform, downloaded, file)
        path = at.platform.reviews_file(downloaded.source, session_id)
        there = read_reviews(path)
        known = {review.content_id() for review in there.reviews}
        new = [review for review in downloaded.reviews if review.content_id() not in known]
        entries: list[dict[str, Any]] = [review.model_dump(mode="json", exclude_defaults=True) for review in new]
        saved = (preview_reviews if dry_run else append_reviews)(path, entries)
        if entries and not dry_run:
            remember_reviewed(at.platform, downloaded.source, session_id)
    return MergedReviews(downloaded.source, session_id, saved, len(downloaded.reviews) - len(new))


def _read(file: Path) -> SessionReviews:
    from nh_platform.qc.reviews.review_files import parse_reviews
    from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_optional

    if file.is_file() and file.stat().st_size > _MOST_BYTES:
        raise ConfigError(str(file), f"it has {file.stat().st_size:,} bytes", "Name a file that a page downloaded.")
    text = read_optional(file, str(file))
    if text is None:
        raise ConfigError(str(file), "there is no such file", "Name a file that a page downloaded.")
    stated = parse_yaml(text, str(file)).data
    place = [stated.get(key) for key in ("source", "session")] if isinstance(stated, dict) else [None, None]
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in place):
        action = "Name a file that a page downloaded, or a review file."
        raise ConfigError(str(file), "it does not state source and session", action)
    return parse_reviews(text, str(file), str(place[0]), str(place[1]))


def _require_units(platform: Any, downloaded: SessionReviews, file: Path) -> None:
    """Refuse units that the stored session does not have: the page is of an earlier sorting, or of another session."""
    from nh_platform.store.codecs.parquet import read_table

    folder = platform.store.usable(downloaded.source, downloaded.session_id, "units")
    if folder is None:
        return
    known = set(read_table(folder / "units.parquet")["unit_id"].astype(str))
    unknown = sorted({unit for review in downloaded.reviews for unit in review.unit_ids} - known)
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        where = f"{downloaded.source} session {downloaded.session_id}"
        found = f"units {', '.join(unknown[:3])}{more} are not in {where}"
        raise ConfigError(str(file), found, "Decide again on the page as it is made now.")
