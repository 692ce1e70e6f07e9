"""The rules in force: a result of a rule's check counts as long as the rulebook that made it is the active one.

To Dagster the last result of a check stands until its asset is made again, so that after a change of the rulebook
sessions that wait showed the greens of other rules. What counts is decided when somebody looks: nothing is written, and
a rulebook that comes back counts at once (docs/decisions/0019). Add here what must hold before a result counts.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import dagster as dg

from nh_platform.home.active_rulebook import active_rulebook
from nh_platform.home.settings import load_settings
from nh_platform.qc.rules.rulebook_model import RESERVED_RULE_IDS
from nh_platform.session import NhError

RULEBOOK_DIGEST = "rulebook digest"
"""Metadata of an evaluation: the digest of the rulebook that made it."""
REMEMBERED_S = 2.0
"""How long the active rulebook is remembered. To read it costs 1 to 20 ms, and a page asks some ten times."""
_UNITS = "units"


class RulesInForce:
    """The active rulebook of each source of a home folder, as the settings say now.

    Parameters
    ----------
    home
        Home folder.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._remembered: dict[str, tuple[float, str | None]] = {}

    def digest(self, check: dg.AssetCheckKey) -> str | None:
        """Return the digest of the rulebook by which results of a check count; None where all of them do.

        While the settings have a mistake, what was in force before it is.
        """
        path = check.asset_key.path
        if len(path) != 2 or path[1] != _UNITS or check.name in RESERVED_RULE_IDS:
            return None
        read_at, digest = self._remembered.get(path[0], (-REMEMBERED_S, None))
        if time.monotonic() - read_at >= REMEMBERED_S:
            with suppress(NhError):
                digest = active_rulebook(load_settings(self._home), path[0]).digest
            self._remembered[path[0]] = (time.monotonic(), digest)
        return digest

    def is_counted(self, check: dg.AssetCheckKey, digest: str) -> bool:
        """Whether a result of a check counts that the rulebook with a digest made."""
        return self.digest(check) in (None, digest)


def digest_of(evaluation: dg.AssetCheckEvaluation | None) -> str:
    """Return the digest of the rulebook that made an evaluation; empty where none did, or none was recorded."""
    stated = evaluation.metadata.get(RULEBOOK_DIGEST) if evaluation is not None else None
    return "" if stated is None else str(stated.value)
