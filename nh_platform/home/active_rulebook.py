"""The active rulebook of a source: that of ``sources.yaml``, else the one that its entry names.

Apart from `platform`, which costs 3 s and 85 MB to import: Dagster's page and daemon ask for the rulebook, too.
"""

from __future__ import annotations

from nh_platform.home.settings import PlatformSettings
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.rulebook_model import Rulebook


def active_rulebook(settings: PlatformSettings, source: str) -> Rulebook:
    """Return the rulebook whose rules run as checks of a source.

    Raises
    ------
    ConfigError
        If there is no such source or rulebook, or it is refused.
    """
    named = settings.source(source).rulebook or settings.entry(source).rulebook
    return load_rulebook(settings.own_file(named))
