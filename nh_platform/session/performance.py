"""Performance of the animal: the share of correct easy trials.

Contains what the catalogue, the session rules and the reports say of trials alike. Inclusion rules with
thresholds are rulebooks, not code here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

EASY_CONTRAST = 0.5
"""IBL's `ready4delay` counts |contrast| ≥ 50 % as easy (brainbox.behavior.training, ibllib 4.1.0)."""


def easy_performance(trials: pd.DataFrame) -> float | None:
    """Return the share of rewarded trials among those with a contrast of at least 50 %.

    Parameters
    ----------
    trials
        Schema `TRIALS`.

    Returns
    -------
    float or None
        Between 0 and 1; None without such trials.
    """
    contrast = np.fmax(trials["contrastLeft"].to_numpy(float), trials["contrastRight"].to_numpy(float))
    easy = contrast >= EASY_CONTRAST
    if not easy.any():
        return None
    return float((trials["feedbackType"].to_numpy(float)[easy] == 1).mean())
