"""What lies beside the reviews of a session: labels of other curators, and the spike trains that were reviewed.

Contains what `units` reads of both at once, and their version. Add here another kind of evidence that changes `units`.
The labels are `curators/`, the trains `resorted/`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nh_platform.qc.reviews.review_files import SessionReviews, read_reviews
from nh_platform.session import Note, RawRecording
from nh_platform.session.tables.carried_reviews import CARRIED_REVIEWS
from nh_platform.store.records import is_there

LABELS, TRAINS = "labels", "spike-trains.tsv"


@dataclass(frozen=True)
class Evidence:
    """Reviews and labels of a session as they hold for its units of today.

    Parameters
    ----------
    reviews
        Reviews that may count: of units that still have the spikes which were reviewed.
    carried
        The others, one row per review and unit (schema `CARRIED_REVIEWS`).
    labels
        Columns of labels of other curators, one row per unit.
    notes
        What does not count and why.
    """

    reviews: SessionReviews
    carried: pd.DataFrame
    labels: pd.DataFrame
    notes: tuple[Note, ...]


def evidence_folder(reviews_file: Path) -> Path:
    """Return the folder beside the review file of a session: ``<reviews>/<source>/<session>``."""
    return reviews_file.with_suffix("")


def evidence_version(reviews_file: Path) -> str:
    """Return the content identity of all that lies beside a review file; empty where nothing does.

    Raises
    ------
    ConfigError
        If a file cannot be read.
    """
    folder = evidence_folder(reviews_file)
    if not is_there(folder):
        return ""
    from nh_platform.qc.reviews.curators.label_files import labels_version
    from nh_platform.qc.reviews.resorted.fingerprints import trains_version

    versions = labels_version(folder / LABELS), trains_version(folder / TRAINS)
    return hashlib.sha256("\x1f".join(versions).encode()).hexdigest() if any(versions) else ""


def read_evidence(reviews_file: Path, recording: RawRecording) -> Evidence:
    """Read the reviews of a session and what lies beside them, for the units of a recording.

    Raises
    ------
    ConfigError
        If a file has a mistake, with its line.
    """
    from nh_platform.qc.reviews.curators.label_columns import curated_columns
    from nh_platform.qc.reviews.curators.label_files import read_all_labels

    reviews, units = read_reviews(reviews_file), recording.units.reset_index(drop=True)
    folder = evidence_folder(reviews_file)
    labels, notes = curated_columns(read_all_labels(folder / LABELS), units)
    carried = CARRIED_REVIEWS.empty()
    if is_there(folder / TRAINS):
        from nh_platform.qc.reviews.resorted.carried_reviews import carried_table, carried_trains
        from nh_platform.qc.reviews.resorted.fingerprints import read_fingerprints
        from nh_platform.qc.reviews.resorted.proposals import without_carried

        trains = carried_trains(read_fingerprints(folder / TRAINS), units, recording.spikes)
        carried = carried_table(reviews, trains)
        reviews = without_carried(reviews, carried)
        notes += tuple(_not_counted(carried))
    return Evidence(reviews, carried, labels, notes)


def _not_counted(carried: pd.DataFrame) -> Iterator[Note]:
    for unit, rows in carried.groupby("reviewed_unit", sort=True):
        first, n = rows.iloc[0], len(rows)
        now = f"{n} of its reviews {'is' if n == 1 else 'are'} of spikes that "
        if first["standing"] == "proposed":
            now += f"unit {first['unit']} has now (agreement {first['agreement']:.2f})"
        else:
            now += "no unit has any more"
        yield Note("reviews", f"unit {unit}: {now}; not counted (`nh review carry`)")
