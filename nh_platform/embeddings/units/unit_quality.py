"""What can be wrong with the vectors of a session's units, silent ones aside.

Contains the measures that the checks of `unit_embeddings` decide by. Add here a measure of units; those of every kind
of vector are `nh_platform.embeddings.vector_quality`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.embeddings.standardised import epsilon
from nh_platform.embeddings.unit_vectors import histogram_of
from nh_platform.embeddings.units.unit_features import MAY_BE_UNDEFINED
from nh_platform.embeddings.units.waveform_features import WAVEFORM
from nh_platform.embeddings.vector_quality import VectorQuality, constant_columns, vector_quality
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS

LEAST_RANK = 3.0
"""Dimensions that the vectors of ten units or more must fill: a session's have 20 to 40, and rate alone makes two."""

UNITS_FOR_RANK = 10

MOST_SILENT = 0.5
"""Share of silent units above which the window is too short, or not there."""


@dataclass(frozen=True)
class UnitQuality:
    """Measures of the vectors of a session's units.

    Parameters
    ----------
    n_units, n_silent
        Units, and those that are too silent to be described.
    vectors
        Measures of the others, over the features that the window and the source give.
    constant
        Features with one value alone, bins of histograms aside: a bin that no unit reaches is 0 in all.
    features
        A row per feature, bins aside: its name, mean, standard deviation, and units of which it is undefined.
    """

    n_units: int
    n_silent: int
    vectors: VectorQuality
    constant: tuple[str, ...]
    features: list[dict[str, object]]

    @property
    def share_silent(self) -> float:
        """Share of the units that are silent; NaN without units."""
        return self.n_silent / self.n_units if self.n_units else np.nan

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the vectors, in words; empty where nothing is."""
        found, rank = [], self.vectors.effective_rank
        if self.vectors.n_not_finite:
            found.append(f"{self.vectors.n_not_finite} units that fire have undefined features")
        if self.constant:
            found.append(f"constant in all units: {', '.join(self.constant)}")
        if self.vectors.n_vectors >= UNITS_FOR_RANK and rank < LEAST_RANK:
            found.append(f"the vectors fill {rank:g} dimensions, fewer than {LEAST_RANK:g}")
        if self.vectors.n_duplicates:
            found.append(f"{self.vectors.n_duplicates} units have the vector of another one")
        return tuple(found)


def unit_quality(embeddings: pd.DataFrame) -> UnitQuality:
    """Measure the vectors of a table, schema `UNIT_EMBEDDINGS`.

    Features that no unit has, as waveforms that are not made, are left out; so are those of waveforms, which units may
    lack one by one, and those that a unit that fires may lack (`unit_features.MAY_BE_UNDEFINED`).
    """
    features = [str(name) for name in embeddings.columns if name not in UNIT_EMBEDDINGS.names]
    silent = embeddings["is_silent"].to_numpy(dtype=bool)
    firing = embeddings.loc[~silent, features]
    had = [name for name in features if firing[name].notna().any()]
    judged = [name for name in had if name not in MAY_BE_UNDEFINED and name not in WAVEFORM.names]
    values = firing[judged].to_numpy(dtype=np.float64)
    coarsest = max(firing[judged].dtypes, key=epsilon, default=np.dtype(np.float64))
    quality = vector_quality(values, dtype=coarsest)
    rows: list[dict[str, object]] = [
        {
            "feature": name,
            "mean": float(f"{firing[name].mean():.4g}"),
            "standard deviation": float(f"{firing[name].std(ddof=0):.4g}"),
            "undefined in units": int(firing[name].isna().sum()),
        }
        for name in had
        if histogram_of(name) is None
    ]
    constant = tuple(name for name in constant_columns(values, judged, coarsest) if histogram_of(name) is None)
    return UnitQuality(len(embeddings), int(silent.sum()), quality, constant, rows)
