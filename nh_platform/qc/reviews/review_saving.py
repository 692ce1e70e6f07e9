"""Reviews saved by the platform's own tools: appended under a lock, read back before they replace the file, or refused.

Add here another way in which a tool changes a review file; history is appended to and never overwritten. How an entry
is written is `review_text.py`, what a review may say `review_model.py`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nh_platform.qc.reviews.review_files import SessionReviews, parse_reviews, read_reviews
from nh_platform.qc.reviews.review_model import Review, free_id, reviewer_names
from nh_platform.qc.reviews.review_places import read_stated, require_place
from nh_platform.qc.reviews.review_text import diff_of, file_with, stated_keys
from nh_platform.session import ConfigError, NhError, StoreError, UnknownSession
from nh_platform.session.display import counted
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_optional
from nh_platform.store.durable import changing_file, is_half_written, write_durably
from nh_platform.store.objects.address import is_in_bucket
from nh_platform.store.records import change_record


@dataclass(frozen=True)
class SavedReviews:
    """What a review file holds once entries are added.

    Parameters
    ----------
    reviews
        The whole file as it is read back; its ``digest`` is the one to show and to give with the next entries.
    added
        The reviews that were added, with their ids.
    diff
        What changes, as a unified diff.
    """

    reviews: SessionReviews
    added: tuple[Review, ...]
    diff: str


class ReviewsChanged(NhError):
    """A review file is no longer the one that a person was shown; nothing was written.

    Parameters
    ----------
    now
        The file as it is; its ``digest`` is the new hash.
    added
        What was added meanwhile; None where the file was changed in another way, by hand for example.
    """

    def __init__(self, now: SessionReviews, name: str, added: tuple[Review, ...] | None) -> None:
        self.now, self.added = now, added
        what = "it was changed"
        if added:
            what = f"{counted(len(added), 'review')} of {', '.join(reviewer_names(added))} came to it"
        super().__init__(name, f"{what} since it was shown", "Look at it again, and save again; nothing was written.")

    @property
    def digest(self) -> str:
        """Sha256 of the file as it is now."""
        return self.now.digest


def append_reviews(path: Path, entries: Sequence[Mapping[str, Any]], *, digest: str | None = None) -> SavedReviews:
    """Add reviews at the end of the file of a session, all or none; the file is made where there is none.

    What stands in the file stays byte for byte. The new text is read by the reader of reviews, and read back from the
    disk, before it replaces the old file; it is on the disk when this returns. What a killed process left half-written
    is removed. In a bucket it takes the place of the file that was read, and of no other: where another machine wrote
    meanwhile, the reviews are added behind its.

    Parameters
    ----------
    path
        ``<folder>/<source>/<session>.yaml``.
    entries
        Keys and values of `nh_platform.qc.reviews.review_model.Review`; those that are None are left out, and an
        ``id`` is stated where they have none. What one ``answers`` may be named by the start of its id.
    digest
        `SessionReviews.digest` of what the person was shown; None where it does not matter what came meanwhile.

    Raises
    ------
    ReviewsChanged
        If the file is another one than ``digest`` says.
    ConfigError
        If the file has a mistake or would have one with these reviews, with file and line, or if one answers a review
        that there is not; nothing is written.
    StoreError
        If the disk or the bucket refuses it, or another process holds the file for 30 s.
    """
    if is_in_bucket(path):
        return _append_in_bucket(path, entries, digest)
    try:
        place = path.resolve()
    except RuntimeError as error:  # so says Python before 3.13
        name = f"{path.parent.name}/{path.name}"
        raise ConfigError(name, "it is a link that leads to itself", "Remove the link.") from error
    with changing_file(place):
        for left in place.parent.glob("*"):
            if is_half_written(left.name, of=place.name):
                left.unlink(missing_ok=True)
        text, saved, after = _appended(path, entries, digest)

        def read_back(written: Path) -> None:
            name = f"{path.parent.name}/{path.name}"
            if read_optional(written, name) != after:  # which the reader of reviews has read as meant
                raise StoreError(name, "the disk gives back other reviews than were written", "Check the disk.")
            if text is not None:  # readers of a folder that several accounts share stay readers
                shutil.copymode(place, written)

        if after != text:
            write_durably(place, after.encode(), check=read_back)
    return saved


def preview_reviews(path: Path, entries: Sequence[Mapping[str, Any]], *, digest: str | None = None) -> SavedReviews:
    """Return what `append_reviews` would write, and write nothing; parameters and errors are the same."""
    return _appended(path, entries, digest)[1]


def _append_in_bucket(path: Path, entries: Sequence[Mapping[str, Any]], digest: str | None) -> SavedReviews:
    require_place(path)
    saved: list[SavedReviews] = []

    def after() -> bytes | None:
        # A try whose answer was lost may have saved them, and another machine added to the file since.
        if saved and all(one in (now := read_reviews(path)).reviews for one in saved[-1].added):
            saved.append(replace(saved[-1], reviews=now))
            return None
        text, found, fresh = _appended(path, entries, digest)
        saved.append(found)
        return None if fresh == text else fresh.encode()

    change_record(path, after)
    return saved[-1]


def _appended(
    path: Path, entries: Sequence[Mapping[str, Any]], digest: str | None
) -> tuple[str | None, SavedReviews, str]:
    """Return the text of a file, what it holds with entries added, and its text then."""
    source, session_id, name = path.parent.name, path.stem, f"{path.parent.name}/{path.name}"
    text = read_stated(path, name)
    before = read_reviews(path) if text is None else parse_reviews(text, name, source, session_id)
    if digest is not None and digest != before.digest:
        raise ReviewsChanged(before, name, _added_since(before, text or "", digest))
    if not entries:
        return text, SavedReviews(before, (), ""), text or ""
    taken = {review.id for review in before.reviews}
    stated = [_with_id(_answering(stated_keys(entry), before, taken), taken) for entry in entries]
    after = file_with(text, source, session_id, stated)
    no_room = ConfigError(
        name,
        "no review can be added at the end of its list",
        "Write its list as one entry below the other, each after `- `; or add the review by hand.",
    )
    try:
        reviews = parse_reviews(after, name, source, session_id)
    except ConfigError as error:
        if not _is_yaml(after) and _is_yaml(file_with(None, source, session_id, stated)):
            raise no_room from error
        raise
    n_before = len(before.reviews)
    added = reviews.reviews[n_before:]
    is_as_meant = list(added) == [Review.model_validate(entry) for entry in stated]
    if reviews.reviews[:n_before] != before.reviews or not is_as_meant:
        raise no_room
    return text, SavedReviews(reviews, added, diff_of(text, after, name)), after


def _answering(entry: Mapping[str, Any], before: SessionReviews, taken: set[str]) -> Mapping[str, Any]:
    """Return an entry with the whole id of what it answers: a review of the file, or one that is added above it."""
    answered = entry.get("answers")
    if not isinstance(answered, str) or answered in taken:
        return entry
    try:
        return {**entry, "answers": before.named(answered).id}
    except UnknownSession as error:  # here it is no address that leads nowhere, but a mistake in what is written
        raise ConfigError(error.thing, error.found, error.action) from None


def _with_id(entry: Mapping[str, Any], taken: set[str]) -> dict[str, Any]:
    """Return an entry that states its id, where it is one that can be read: what cannot is refused with its line."""
    try:
        review = Review.model_validate(dict(entry))
    except ValidationError:
        return dict(entry)
    chosen = review.id or free_id(review.content_id(), taken)
    taken.add(chosen)
    return {"id": chosen, **entry, "reviewer": review.reviewer}


def _is_yaml(text: str) -> bool:
    try:
        parse_yaml(text, "")
    except ConfigError:
        return False
    return True


def _added_since(now: SessionReviews, text: str, digest: str) -> tuple[Review, ...] | None:
    """Return the reviews behind the part of a file that has a digest; None where the file does not begin with it."""
    hashed, read = hashlib.sha256(), ""
    if hashed.hexdigest() == digest:
        return now.reviews
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n")  # the file may have ended without a line break, which came with the first review
        for part in (bare, line.removeprefix(bare)):
            hashed.update(part.encode())
            read += part
            if hashed.hexdigest() == digest:
                name = f"{now.source}/{now.session_id}.yaml"
                return now.reviews[len(parse_reviews(read, name, now.source, now.session_id).reviews) :]
    return None
