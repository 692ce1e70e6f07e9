"""Agreement of a rulebook's verdicts with a label that a table already has.

Contains the comparison behind `nh qc label --against`. Add here another form in which releases state labels. How a
label is made belongs to `nh_platform.qc.rules.verdicts`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.qc.rules.verdicts import BoolArray, Verdicts
from nh_platform.session import ConfigError

LABEL_TOLERANCE = 1e-6  # A third stored as float32 differs from a float64 third by 1e-8.


@dataclass(frozen=True)
class LabelAgreement:
    """Units where verdicts and a stated label differ: ``mismatch`` (n_units,) bool, and what was compared, in words."""

    mismatch: BoolArray
    compared: str

    @property
    def n_mismatches(self) -> int:
        """Units whose label differs or is not stated."""
        return int(self.mismatch.sum())


def compare_labels(verdicts: Verdicts, stated: pd.Series) -> LabelAgreement:
    """Compare verdicts with a stated label.

    Parameters
    ----------
    verdicts
        From `nh_platform.qc.rules.verdicts.apply_rulebook`.
    stated
        (n_units,) yes/no or 0/1, compared with whether the unit is good; or shares (thirds), compared with the label
        to within 1e-6. A null is a mismatch.

    Raises
    ------
    ConfigError
        If the column is text or holds numbers outside 0 to 1.
    """
    name = str(stated.name)
    try:
        values = pd.to_numeric(stated, errors="raise").to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"column {name!r}", f"is no label: {error}", "Name a column of 0/1, yes/no or shares."
        ) from error
    known = values[~np.isnan(values)]
    if len(known) and (known.min() < 0 or known.max() > 1):
        found = f"holds {known.min():g} to {known.max():g}"
        raise ConfigError(f"column {name!r}", found, "Name a column with labels from 0 to 1.")
    if np.isin(known, (0.0, 1.0)).all():
        return LabelAgreement(values != verdicts.good, f"{name} (0 or 1) with whether the unit is good")
    differs = ~(np.abs(values - verdicts.label) <= LABEL_TOLERANCE)
    return LabelAgreement(differs, f"{name} (shares) with the label")
