"""Reviews after a re-sort: which still speak of the same train, which are proposed for another unit, which are orphans.

Contains the comparison of fingerprints with the units of today. Add here another state of a review whose unit was
sorted again. The measure is `spike_agreement.py`; what a person is shown of them is `proposals.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from nh_platform.qc.reviews.curators.unit_matching import sorting_id
from nh_platform.qc.reviews.resorted.fingerprints import (
    Fingerprint,
    stretches_of,
    trains_by_review,
)
from nh_platform.qc.reviews.resorted.spike_agreement import Ticks, agreements, matched_units, to_ticks
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.session import Spikes
from nh_platform.session.tables.carried_reviews import CARRIED_REVIEWS

SAME_TRAIN = 0.95
"""A review counts on where id and train stay: at most a twentieth of the spikes came, went or moved. A part of a train
that was cut off (a split, a merge) is more than that, and then somebody has to look again."""

Standing = Literal["same", "proposed", "orphan"]


@dataclass(frozen=True)
class CarriedTrain:
    """A reviewed spike train, and where it is now.

    Parameters
    ----------
    fingerprint
        The train as it was reviewed.
    standing
        ``same``: the unit has that id and that train, its reviews count. ``proposed``: `unit` has most of the train,
        the reviews are offered for it and do not count. ``orphan``: no unit has most of it, they do not count.
    unit
        Unit id of today; of an orphan the unit that agrees most, empty where none shares a spike.
    agreement
        Agreement with `unit`, 0 to 1.
    n_spikes
        Spikes of `unit`.
    """

    fingerprint: Fingerprint
    standing: Standing
    unit: str
    agreement: float
    n_spikes: int


def take_fingerprints(
    reviews: SessionReviews, known: Iterable[Fingerprint], units: pd.DataFrame, spikes: Spikes
) -> tuple[Fingerprint, ...]:
    """Return fingerprints of reviewed units whose decisions are tied to no train yet; comments are tied to none.

    Parameters
    ----------
    reviews
        Reviews of the session.
    known
        Fingerprints that are there.
    units, spikes
        Units of the session (``unit_id``, ``probe``, ``cluster_id``, ``n_spikes``) and their spikes, row by row.
    """
    tied = trains_by_review(known)
    row_of = {str(unit): row for row, unit in enumerate(units["unit_id"])}
    untied: dict[str, list[str]] = {}
    for review in reviews.reviews:
        for unit in review.unit_ids if review.decision is not None else ():
            if unit in row_of and (review.id, unit) not in tied:
                untied.setdefault(unit, []).append(review.id)
    sortings = {str(probe): sorting_id(units, str(probe)) for probe in units["probe"].unique()} if untied else {}
    found = []
    for unit, made in untied.items():
        facts = units.iloc[row_of[unit]]
        times = spikes.times[spikes.offsets[row_of[unit]] : spikes.offsets[row_of[unit] + 1]]
        probe = str(facts["probe"])
        found.append(
            Fingerprint(
                unit, probe, int(facts["cluster_id"]), len(times), sortings[probe], tuple(made), stretches_of(times)
            )
        )
    return tuple(found)


def carried_trains(
    fingerprints: Sequence[Fingerprint], units: pd.DataFrame, spikes: Spikes
) -> tuple[CarriedTrain, ...]:
    """Return where every reviewed train is now, in the order of the fingerprints.

    Trains are compared with the units of their probe, and matched one to one among those of one earlier sorting; a
    unit that kept id and train is matched to no other.

    Parameters
    ----------
    fingerprints
        Reviewed trains.
    units, spikes
        As for `take_fingerprints`.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(fingerprints):
        groups.setdefault((one.probe, one.sorting), []).append(number)
    found: dict[int, CarriedTrain] = {}
    ticks_of: dict[str, list[Ticks]] = {}
    ids = units["unit_id"].astype(str).to_numpy()
    for (probe, _), numbers in groups.items():
        rows = np.flatnonzero(units["probe"].astype(str).to_numpy() == probe)
        if probe not in ticks_of:
            ticks_of[probe] = [to_ticks(spikes.times[spikes.offsets[row] : spikes.offsets[row + 1]]) for row in rows]
        group = [fingerprints[number] for number in numbers]
        found |= zip(numbers, _of_group(group, ids[rows], ticks_of[probe]), strict=True)
    return tuple(found[number] for number in range(len(fingerprints)))


def _of_group(group: Sequence[Fingerprint], ids: np.ndarray, trains: list[Ticks]) -> list[CarriedTrain]:
    """Return where the trains of one sorting of one probe are among its units of today."""
    stretches = [stretch for one in group for stretch in one.stretches]
    of_train = np.repeat(np.arange(len(group)), [len(one.stretches) for one in group])
    agreement = agreements(stretches, of_train, len(group), trains)
    n_spikes = [len(train) for train in trains]
    column_of = {unit: column for column, unit in enumerate(ids.tolist())}
    same = {}
    for row, one in enumerate(group):
        column = column_of.get(one.unit)
        if column is not None and _is_same(one, agreement[row, column], n_spikes[column]):
            same[row] = column
    open_ = agreement.copy()
    open_[list(same), :] = 0
    open_[:, list(same.values())] = 0
    matched = matched_units(open_)
    found = []
    for row, one in enumerate(group):
        standing: Standing = "same" if row in same else "proposed" if matched[row] >= 0 else "orphan"
        column = same.get(row, int(matched[row]))
        if standing == "orphan":
            column = int(agreement[row].argmax()) if len(ids) and agreement[row].any() else -1
        known = column >= 0
        unit, score = (str(ids[column]), float(agreement[row, column])) if known else ("", 0.0)
        found.append(CarriedTrain(one, standing, unit, score, n_spikes[column] if known else 0))
    return found


def _is_same(one: Fingerprint, agreement: float, n_spikes: int) -> bool:
    if one.n_spikes == 0:
        return n_spikes == 0
    return agreement >= SAME_TRAIN and abs(n_spikes - one.n_spikes) <= (1 - SAME_TRAIN) * one.n_spikes


def carried_table(reviews: SessionReviews, trains: Iterable[CarriedTrain]) -> pd.DataFrame:
    """Return the reviews that do not count since their unit has other spikes now.

    A review that is tied to no train is none of them: it is about the unit id alone, as a person wrote it.

    Returns
    -------
    DataFrame
        Schema `CARRIED_REVIEWS`, one row per review and unit, in the order of the trains.
    """
    stated = {(review.id, unit) for review in reviews.reviews for unit in review.unit_ids}
    rows = {
        (review, one.fingerprint.unit): {
            "review": review,
            "reviewed_unit": one.fingerprint.unit,
            "probe": one.fingerprint.probe,
            "standing": one.standing,
            "unit": one.unit or None,
            "agreement": one.agreement,
        }
        for one in trains
        for review in one.fingerprint.reviews
        if (review, one.fingerprint.unit) in stated and one.standing != "same"
    }
    if not rows:
        return CARRIED_REVIEWS.empty()
    return CARRIED_REVIEWS.conform(pd.DataFrame(list(rows.values())))
