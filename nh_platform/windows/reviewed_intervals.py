"""Invalid intervals that counted reviews mark, stored with `units`, and `behavior` read together with them.

Contains their file and the one way in which windows, tensors, features and notebooks take both kinds of invalid times.
Add here what reviews say of intervals. Which reviews count is `nh_platform.qc.reviews.review_files`; what an interval
spoils is `nh_platform.windows.valid_time`.

The file lies in the folder of `units` because reviews are a parameter of that asset: whatever reads it has the version
of `units` among its inputs, and is stale when a review comes to count or expires.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from nh_platform.session import Behavior
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.store.parquet import read_table, write_table
from nh_platform.store.recording_files import read_behavior

REVIEWED_FILE = "reviewed_intervals.parquet"


def write_reviewed(folder: Path, intervals: pd.DataFrame) -> None:
    """Write the intervals (schema `INVALID_TIMES`) that counted reviews mark into the folder of `units`."""
    write_table(folder / REVIEWED_FILE, intervals, INVALID_TIMES)


def read_reviewed(folder: Path | None) -> pd.DataFrame:
    """Return the intervals that counted reviews mark, schema `INVALID_TIMES`.

    Parameters
    ----------
    folder
        Folder of `units`; none where the asset was not made. Units made before there was the file have no rows.
    """
    if folder is None or not (folder / REVIEWED_FILE).exists():
        return INVALID_TIMES.empty()
    return read_table(folder / REVIEWED_FILE)


def read_reviewed_behavior(behavior: Path, units: Path | None) -> Behavior:
    """Read `behavior`, with the intervals that counted reviews mark among its invalid times.

    Parameters
    ----------
    behavior, units
        Folders of the two assets; ``units`` as in `read_reviewed`.
    """
    return with_reviewed(read_behavior(behavior), read_reviewed(units))


def with_reviewed(behavior: Behavior, marked: pd.DataFrame) -> Behavior:
    """Add ``marked`` (schema `INVALID_TIMES`) to what upstream calls invalid; the same behavior where it is empty."""
    if marked.empty:
        return behavior
    known = behavior.events.get("invalid_times", INVALID_TIMES.empty())
    both = pd.concat([known, marked], ignore_index=True) if len(known) else marked
    return replace(behavior, events={**behavior.events, "invalid_times": both})
