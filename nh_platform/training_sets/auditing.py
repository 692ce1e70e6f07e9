"""The audit of a training set: what it looks at, of the set and of every version that was built before.

Contains the record that `nh_platform.windows.splits.audit` takes. Add here what of a set can leak; which kinds of
leaks there are is said there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session import DamagedFile
from nh_platform.session.tables.across_sessions.training_sets import TRAINING_SET
from nh_platform.session.tables.across_sessions.unit_vectors import SET_FITTED
from nh_platform.store import Store
from nh_platform.store.names import TRAINING_SETS
from nh_platform.training_sets.recipe import BY_SUBJECT
from nh_platform.training_sets.training_set import TrainingSet, read_training_set
from nh_platform.windows.splits import Finding, PartOfSet, SetRecord, audit
from nh_platform.windows.splits.by_subject import TRAIN

FloatArray = npt.NDArray[np.float64]


def set_record(
    made: TrainingSet, reference: Mapping[tuple[str, str], tuple[str, FloatArray]], before: Sequence[PartOfSet] = ()
) -> SetRecord:
    """Return what the audit looks at.

    Parameters
    ----------
    made
        The set.
    reference
        Reference window of the embeddings that join, its name and (n, 2) intervals (s), by source and session.
    before
        Parts of every version of the set that was built.
    """
    parts = made.parts()
    of = {(one.source, one.session_id): one for one in parts}
    fitted = made.tables.get("set_fitted", SET_FITTED.empty())
    fitted = fitted[(fitted["n_units"] > 0) & (fitted["start"] < fitted["stop"])]
    return SetRecord(
        parts,
        is_by_subject=made.recipe.split.by == BY_SUBJECT,
        normalised_on=_as_parts(made.tables["set_normalised"], of),
        fitted_on=_as_parts(fitted, of),
        reference_windows=reference,
        before=before,
        gap_s=made.recipe.split.gap_s,
    )


def _as_parts(stretches: pd.DataFrame, of: Mapping[tuple[str, str], PartOfSet]) -> list[PartOfSet]:
    """Return rows of stretches as a part of each session that is in the set."""
    by_session = stretches.groupby(["source", "session_id"], sort=False)
    return [
        replace(of[key], split=TRAIN, ranges=rows[["start", "stop"]].to_numpy(dtype=np.float64))
        for key, rows in by_session
        if key in of
    ]


def built_parts(store: Store, set_id: str, below: int | None = None, *, skip_damaged: bool = False) -> list[PartOfSet]:
    """Return the parts of every version of a set, each once; of those before a number where stated.

    Raises
    ------
    DamagedFile
        If one cannot be read, and so what it tested is not known; ``skip_damaged`` leaves it out.
    """
    found: dict[tuple[object, ...], PartOfSet] = {}
    for number, folder in store.history(TRAINING_SETS, set_id, TRAINING_SET).items():
        if below is not None and number >= below:
            continue
        try:
            parts = read_training_set(folder).parts()
        except DamagedFile:
            if skip_damaged:
                continue
            raise
        for one in parts:
            ranges = None if one.ranges is None else one.ranges.tobytes()
            found[one.source, one.session_id, one.split, ranges] = one
    return list(found.values())


def audited(platform: Platform, made: TrainingSet, before: Sequence[PartOfSet] = ()) -> list[Finding]:
    """Return every leak of a set, held against what was built under its id; none is the proof that there is none."""
    return audit(set_record(made, _reference(platform, made), before))


def _reference(platform: Platform, made: TrainingSet) -> dict[tuple[str, str], tuple[str, FloatArray]]:
    if not made.recipe.embeddings:
        return {}
    found = {}
    for row in made.tables["set_sessions"].itertuples():
        window = SessionView(platform.store, row.source, row.session_id).embeddings_window
        if not window.is_empty:  # nothing was described, so that nothing was seen
            found[row.source, row.session_id] = (window.id, window.stretches)
    return found
