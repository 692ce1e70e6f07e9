"""The `units` table of a session: identity, position, released and recomputed metrics, verdicts, reviews.

Contains the joining of what the other modules of `qc` make. Add a column family here when every unit shall carry it.
No formula and no threshold stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nh_platform.session import Note, RawRecording, UnitAnnotation
from nh_platform.session.schemas import UNITS


@dataclass(frozen=True)
class BuiltUnits:
    """The units table (schema `UNITS`) and what was missing or assumed while making it."""

    table: pd.DataFrame
    notes: tuple[Note, ...]


def build_units(
    recording: RawRecording,
    annotation: UnitAnnotation,
    *,
    rulebooks: Sequence[str],
    reviews_file: Path,
    today: str | None = None,
) -> BuiltUnits:
    """Join everything that is known of a session's units.

    Parameters
    ----------
    recording
        Spikes and units as upstream sorted them.
    annotation
        Released metrics and positions, one row per unit in the order of ``recording.units``.
    rulebooks
        Rulebook ids; the first is the active one, whose quorum decides the reviews.
    reviews_file
        YAML file of the session's reviews; need not exist.
    today
        ``YYYY-MM-DD`` against which reviews expire; reviews do not expire where None, so that a result never depends
        on the clock.

    Returns
    -------
    BuiltUnits
        One row per unit, none left out.
    """
    from nh_platform.qc.metrics import DEFAULT_IDS, compute_metrics
    from nh_platform.qc.reviews import apply_reviews, read_reviews, unknown_units
    from nh_platform.qc.rulebook import load_rulebook
    from nh_platform.qc.verdicts import apply_rulebook

    metrics, notes = compute_metrics(recording.spikes, recording.units, list(DEFAULT_IDS))
    table = pd.concat(
        [
            recording.units.reset_index(drop=True),
            annotation.positions.drop(columns="unit_id").reset_index(drop=True),
            annotation.released.drop(columns="unit_id").reset_index(drop=True),
            metrics.reset_index(drop=True),
        ],
        axis=1,
    )
    books = [load_rulebook(name) for name in rulebooks]
    stated = read_reviews(reviews_file)
    reviews = [apply_reviews(table, stated, book, today) for book in books]
    table["review"] = reviews[0].to_numpy()
    verdicts = [
        apply_rulebook(table, book, missing="nan").columns(decided)
        for book, decided in zip(books, reviews, strict=True)
    ]
    notes = (*notes, *(Note("reviews", f"unit {unit} is not in this session") for unit in unknown_units(table, stated)))
    return BuiltUnits(UNITS.conform(pd.concat([table, *verdicts], axis=1)), tuple(notes))
