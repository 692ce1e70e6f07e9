"""The `units` table of a session: identity, position, released and recomputed metrics, verdicts, reviews.

Contains the joining of what the other modules of `qc` make. Add columns here when every unit shall carry them.
No formula and no threshold stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nh_platform.qc.metrics.interval_histograms import UnitHistogram
from nh_platform.qc.reviews.evidence import Evidence, read_evidence
from nh_platform.qc.rules.quantities import is_curated
from nh_platform.qc.rules.rule_columns import candidates, without_released
from nh_platform.qc.rules.rulebook_model import COUNTS_AS, Rule, Rulebook
from nh_platform.qc.rules.verdicts import Verdicts, apply_rulebook
from nh_platform.session import Note, RawRecording, UnitAnnotation
from nh_platform.session.recorded_time import spikes_of_recording
from nh_platform.session.tables.units import UNITS


@dataclass(frozen=True)
class BuiltUnits:
    """The units table (schema `UNITS`), histograms by definition id, reviews as they hold, and what was assumed."""

    table: pd.DataFrame
    histograms: Mapping[str, UnitHistogram]
    evidence: Evidence
    notes: tuple[Note, ...]


def build_units(
    recording: RawRecording,
    annotation: UnitAnnotation,
    *,
    rulebooks: Sequence[str],
    reviews_file: Path,
    cell_types: pd.DataFrame | None = None,
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
        YAML file of the session's reviews; need not exist. Labels of other curators and reviewed spike trains are
        read from the folder beside it.
    cell_types
        (n_units, …) columns `CELL_TYPE_COLUMNS` in the order of ``recording.units``; null where not given.
    today
        ``YYYY-MM-DD`` against which reviews expire; reviews do not expire where None, so that a result never depends
        on the clock.

    Returns
    -------
    BuiltUnits
        One row per unit, none left out. What could not be computed, is stated nowhere, or is reviewed and not there,
        is noted.
    """
    from nh_platform.qc.metrics import compute_metrics, unit_histograms
    from nh_platform.qc.reviews.review_decisions import apply_reviews, unknown_units
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.qc.unit_columns import metric_ids

    books = [load_rulebook(name) for name in rulebooks]
    spikes = spikes_of_recording(recording.spikes)
    metrics, noted = compute_metrics(spikes, recording.units, metric_ids(books))
    histograms, also_noted = unit_histograms(spikes, recording.units)
    notes = tuple(dict.fromkeys((*noted, *also_noted)))  # both speak of times that are not in order
    if outside := len(recording.spikes.times) - len(spikes.times):
        notes += (Note("recomputed metrics", f"{outside} spikes outside the recorded time are in none of them"),)
    evidence = read_evidence(reviews_file, recording)
    table = pd.concat(
        [
            recording.units.reset_index(drop=True),
            annotation.positions.drop(columns="unit_id").reset_index(drop=True),
            annotation.released.drop(columns="unit_id").reset_index(drop=True),
            metrics.reset_index(drop=True),
            *(() if cell_types is None else (cell_types.reset_index(drop=True),)),
            evidence.labels,
        ],
        axis=1,
    )
    stated = evidence.reviews
    reviews = [apply_reviews(table, stated, book, today) for book in books]
    table["review"] = reviews[0].to_numpy()
    verdicts = [apply_rulebook(table, book, missing="nan") for book in books]
    judged = [found.columns(decided) for found, decided in zip(verdicts, reviews, strict=True)]
    unknown = (Note("reviews", f"unit {unit} is not in this session") for unit in unknown_units(table, stated))
    absent = (note for found in verdicts for note in _absent_columns(table, found))
    units = UNITS.conform(pd.concat([table, *judged], axis=1))
    unstated = int(without_released(table, books[0]).sum())
    none = f"{unstated} of {len(table)} units have none of those that are recomputed"
    ours = Note("released metrics", f"{none}; recomputed ones judge them")
    also = (*evidence.notes, *unknown, *absent, *((ours,) if unstated else ()))
    return BuiltUnits(units, histograms, evidence, (*notes, *also))


def _absent_columns(table: pd.DataFrame, verdicts: Verdicts) -> Iterator[Note]:
    """Return a note for every rule that no column of the table has values for: its NaN policy alone decides."""
    book = verdicts.rulebook
    for rule, values in zip(book.rules, verdicts.values):
        lacking = [
            (one, found.column)
            for one, found in ((rule, values), (rule.in_place, values.fallback))
            if one is not None and found is not None
        ]
        if all(column for _, column in lacking) or not len(table):
            continue
        judges = next((one.metric for one, column in lacking if column), None)
        absent = " and ".join(_absent(table, book, one) for one, column in lacking if not column)
        outcome = f"every unit {COUNTS_AS[rule.nan]}" if judges is None else f"{judges} alone judges the units"
        yield Note(f"rulebook {book.id}, rule {rule.id}", f"{absent}: {outcome}")


def _absent(table: pd.DataFrame, book: Rulebook, rule: Rule) -> str:
    """Say that nothing states what a rule asks for, and where that was looked for."""
    if is_curated(rule.metric):
        return f"nobody's labels of this session are {rule.metric} (`nh review import`)"
    looked_for = ", ".join(candidates(table, book, rule, None))
    return f"the release states no column for {rule.metric} (looked for {looked_for})"
