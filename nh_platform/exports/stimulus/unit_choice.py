"""Which units a stimulus tensor holds: AllenSDK's own filter, or the active rulebook with its reviews.

Contains the choice alone. Add here what decides about units; where they lie is `tensors.tensor_units`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.windows.presentations.conventions import DEFAULT_UNITS_RULEBOOK, Mode


def tensor_good_units(units: pd.DataFrame, mode: Mode, active_rulebook: str) -> npt.NDArray[np.bool_]:
    """Return (n_units,) which units to take.

    Parameters
    ----------
    units
        Schema `UNITS` of a Visual Coding session.
    mode
        ``mlynarski-compat``: what AllenSDK's default filter keeps, whatever reviews and rulebooks say: the rules of
        ``allen-vc-default``, and a peak channel that upstream calls valid. ``exact``: the units that are good by the
        active rulebook, reviews included.
    active_rulebook
        Id of it.
    """
    if mode == "exact":
        return units[f"pass.{active_rulebook}"].to_numpy(dtype=bool)
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.qc.rules.verdicts import apply_rulebook

    good = apply_rulebook(units, load_rulebook(DEFAULT_UNITS_RULEBOOK), missing="nan").good
    if "released.valid_data" in units:
        good = good & units["released.valid_data"].to_numpy(dtype=bool)
    return good
