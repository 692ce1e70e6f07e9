"""Reviews saved by the platform's own tools: what cannot be read back is refused, and the file stays as it was.

Add here another way in which a tool changes a review file. What a review may say is `review_files.py`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from nh_platform.qc.reviews.review_files import SessionReviews, parse_reviews, read_reviews
from nh_platform.session import ConfigError
from nh_platform.session.yaml_file import read_optional
from nh_platform.store.durable import write_durably

_ITEM = re.compile(r"^( *)- ", re.MULTILINE)
_LOCK_TIMEOUT_S = 30.0


def save_reviews(path: Path, text: str) -> SessionReviews:
    """Replace the review file of a session by ``text``, whole or not at all, and return what it says.

    Raises
    ------
    ConfigError
        If it is not as `nh_platform.qc.reviews.review_files.Review` describes, with the line; nothing is written.
    """
    saved = parse_reviews(text, f"{path.parent.name}/{path.name}", path.parent.name, path.stem)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, text.encode())
    return saved


def add_review(path: Path, review: Mapping[str, Any]) -> SessionReviews:
    """Add one review to the file of a session, which is made where there is none; what stands in it stays as it is.

    Parameters
    ----------
    path
        ``<folder>/<source>/<session>.yaml``.
    review
        Keys and values of `nh_platform.qc.reviews.review_files.Review`; those that are None are left out.

    Raises
    ------
    ConfigError
        If the file has a mistake, or would have one with this review; nothing is written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_TIMEOUT_S):
        name = f"{path.parent.name}/{path.name}"
        text, before = read_optional(path, name), read_reviews(path)
        if text is None:
            text = f"source: {path.parent.name}\nsession: '{path.stem}'\nreviews:\n"
        stated = {key: _plain(value) for key, value in review.items() if value is not None}
        items = list(_ITEM.finditer(text))
        indent = items[0][1] if items else "  "
        added = f"{text.rstrip()}\n{indent}- {json.dumps(stated, ensure_ascii=False)}\n"
        parsed = parse_reviews(added, name, path.parent.name, path.stem)
        if len(parsed.reviews) != len(before.reviews) + 1:
            raise ConfigError(
                name, "something stands behind its list of reviews, so that none can be added", "Add it by hand."
            )
        return save_reviews(path, added)


def _plain(value: object) -> object:
    if isinstance(value, dt.date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
