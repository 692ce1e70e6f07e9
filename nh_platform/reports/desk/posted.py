"""What a page may post: reviews in the words of the review file, of one reviewer, held against limits and the session.

Contains the record of a post and its checks. Add here what the desk refuses before anything is written. What a review
may say is `nh_platform.qc.reviews.review_model`, which reads it too.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nh_platform.qc.reviews.review_model import ALL_PROBES, Review, reviewer_name
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

MOST_REVIEWS, MOST_UNITS = 500, 20_000
LONGEST_NAME, LONGEST_TEXT = 100, 4000
_SET_HERE = ("id", "reviewer", "date", "blind")
"""Keys that the desk states itself: a page must not sign for another day or another reader."""
_UNSEEN = ("Cc", "Cs", "Co", "Cn")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn what follows around: a name with one is shown as another name."""


class Post(BaseModel):
    """Reviews of one reviewer, and the digest of the file that was shown (empty where it does not matter)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reviewer: str = Field(min_length=1, max_length=LONGEST_NAME)
    digest: str = Field(default="", max_length=64)
    preview: bool = False
    reviews: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_REVIEWS)


def read_post(body: bytes) -> Post:
    """Read the body of a request.

    Raises
    ------
    ConfigError
        If it is no JSON, or not as `Post` says; the text names the key.
    """
    try:
        content = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ConfigError("what was posted", f"it is no JSON ({error})", "Post an object with reviews.") from error
    try:
        post = Post.model_validate(content)
    except ValidationError as error:
        raise _in_words(error, "what was posted") from error
    _require_text(post.reviewer, "reviewer", LONGEST_NAME, lines=False)
    return post.model_copy(update={"reviewer": reviewer_name(post.reviewer)})


def entries_of(post: Post, units: Collection[str], probes: Collection[str], today: str) -> list[dict[str, Any]]:
    """Return the entries that a post asks for, each signed with reviewer and day.

    Parameters
    ----------
    post
        From `read_post`.
    units, probes
        Unit ids and probes of the session.
    today
        ``YYYY-MM-DD``.

    Raises
    ------
    ConfigError
        If one cannot be a review, has a text that is too long or holds unseen characters, or names a unit or probe
        that the session does not have.
    """
    entries = []
    for number, stated in enumerate(post.reviews, start=1):
        name = f"review {number} of {len(post.reviews)}"
        taken = [key for key in _SET_HERE if key in stated]
        if taken:
            raise ConfigError(name, f"it states {' and '.join(taken)}", "Leave that to the desk.")
        _require_texts(stated, name)
        entry = {**stated, "reviewer": post.reviewer, "date": today}
        try:
            review = Review.model_validate(entry)
        except ValidationError as error:
            raise _in_words(error, name) from error
        _require_known(review, name, units, probes)
        entries.append(entry)
    return entries


def _require_known(review: Review, name: str, units: Collection[str], probes: Collection[str]) -> None:
    unknown = [unit for unit in review.unit_ids if unit not in units]
    if unknown:
        found = f"unit {unknown[0]!r} is not in this session" + (
            f", nor {len(unknown) - 1} more" if unknown[1:] else ""
        )
        raise ConfigError(name, found, f"Reload the page.{close_matches(unknown[0], units)}")
    if review.scope not in (ALL_PROBES, *probes):
        known = ", ".join((ALL_PROBES, *probes))
        raise ConfigError(name, f"scope {review.scope!r} is no probe of this session", f"Use one of: {known}.")


def _require_texts(value: object, name: str) -> None:
    """Hold every text of a review, keys among them, against the limits."""
    if isinstance(value, str):
        _require_text(value, name, LONGEST_TEXT, lines=True)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _require_text(str(key), name, LONGEST_NAME, lines=False)
            _require_texts(inner, f"{name}, {key}")
    elif isinstance(value, list):
        if len(value) > MOST_UNITS:
            raise ConfigError(name, f"it lists {len(value)} things", f"List {MOST_UNITS:,} at most.")
        for inner in value:
            _require_texts(inner, name)


def _require_text(text: str, name: str, longest: int, *, lines: bool) -> None:
    if len(text) > longest:
        raise ConfigError(name, f"a text of {len(text)} characters", f"Say it in {longest} characters.")
    if not text.strip() and text:
        raise ConfigError(name, "a text of spaces alone", "Write something, or leave it out.")
    for character in text:
        is_break = lines and character in "\n\t"
        if (unicodedata.category(character) in _UNSEEN and not is_break) or character in _TURNING:
            found = f"it holds the character U+{ord(character):04X}, which nobody sees"
            raise ConfigError(name, found, "Write it without.")


def _in_words(error: ValidationError, thing: str) -> ConfigError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "it"
    return ConfigError(thing, f"{where}: {first['msg']}", "Correct it and post it again; nothing was written.")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
