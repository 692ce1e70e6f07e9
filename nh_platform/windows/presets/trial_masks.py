"""The trials that a preset uses: a mask that it states itself, or that of a rulebook.

Add here what a preset may say of trials. What a mask means is `nh_platform.qc.rules.session_rules.trial_mask`.
"""

from __future__ import annotations

from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.rulebook_model import TrialMask
from nh_platform.session import ConfigError


def stated_mask(mask: str | TrialMask) -> TrialMask:
    """Return the mask that a preset means: its own, or that of the rulebook whose id it gives.

    Raises
    ------
    ConfigError
        If there is no such rulebook, or it has no trial mask.
    """
    if isinstance(mask, TrialMask):
        return mask
    found = load_rulebook(mask).trial_mask
    if found is None:
        raise ConfigError(f"rulebook {mask}", "it has no trial mask", "Name another (`nh qc rules list`).")
    return found
