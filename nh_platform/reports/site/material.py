"""What the site of a release is made from: units already judged, sessions with their standing, and what was found.

Contains the records alone. Add a field here when the site says one more thing. The store fills them in
`stored_release.py`, tables of a release alone in `tabled_release.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from nh_platform.qc.released_agreement import Agreement
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.site.counts.changes import ReleaseChanges
from nh_platform.reports.site.sampled_units import SampledUnits

MADE, GATED, SET_ASIDE, NOT_MADE, FAILED, UNREADABLE = "made", "gated", "set aside", "not made", "failed", "unreadable"
"""Standing of a session: its units are here; its spikes cannot be used; reviewers set it aside; its units were not
made; its last run failed; what is stored of it cannot be read."""

SESSION_COLUMNS = ("session_id", "subject", "lab", "date", "insertions", "standing", "why", "report", "report_lacking")
"""Columns of the sessions: ``insertions`` upstream lists, ``report`` is the path of its page from the site's folder,
empty where there is none, and ``report_lacking`` says why."""

WAITING_COLUMNS = ("session_id", "about", "state", "text")


def standing_in_words(standing: str, why: str) -> str:
    """Return a standing with its reason, which may begin with it: ``set aside by ada, bea: seizures``."""
    if not why:
        return standing
    return why if why.startswith(standing) else f"{standing}: {why}"


@dataclass(frozen=True)
class SiteMaterial:
    """Everything that the site of one release is made from.

    Parameters
    ----------
    source, release
        The source, and the name of the release.
    version
        Identity of what was read: the release, the units and the rules.
    units
        As of `nh_platform.reports.site.counts.judged_units.judge_units`.
    sessions
        `SESSION_COLUMNS`, one row per session of the release.
    rulebook, others
        The rules in force, and those that they are compared with.
    rules_left_out
        Rules of the rulebook in force that the units have no column for, and that are not among its rules here.
    agreement
        Released against recomputed metrics over all units; None where only one of them is here.
    changes
        What the release changed against the one before; None where ``changes_lacking`` says why it is not known.
    reviews
        `WAITING_COLUMNS`, one row per reviewed thing: what the reviews of it come to.
    reviewers
        As of `nh_platform.qc.reviews.reviewer_agreement.reviewer_agreement`.
    reviews_lacking
        Why reviews are not known; empty where they are.
    reconciliation
        Schema `RECONCILIATION`; None where ``reconciliation_lacking`` says why there is none.
    sample
        Units that stand for all in the map of how they fire.
    notes
        What was missing, assumed or left out.
    """

    source: str
    release: str
    version: str
    units: pd.DataFrame
    sessions: pd.DataFrame
    rulebook: Rulebook
    others: Sequence[Rulebook] = ()
    rules_left_out: Sequence[str] = ()
    agreement: Agreement | None = None
    agreement_lacking: str = ""
    changes: ReleaseChanges | None = None
    changes_lacking: str = ""
    reviews: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(WAITING_COLUMNS)))
    reviewers: pd.DataFrame = field(default_factory=pd.DataFrame)
    reviews_lacking: str = ""
    reconciliation: pd.DataFrame | None = None
    reconciliation_lacking: str = ""
    sample: SampledUnits = field(default_factory=SampledUnits)
    notes: Sequence[str] = ()
