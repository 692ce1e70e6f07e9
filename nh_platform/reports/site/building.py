"""The site of a release made from its material: every number that its pages and tables show, counted once.

Contains what puts the parts together. How a page states them is `index_page.py` and `rule_page.py`, tables for a
meeting are `meeting_tables.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from nh_platform.reports.site.counts.changes import RulebookEffect, rulebook_effect, stored_effect
from nh_platform.reports.site.counts.outliers import find_outliers, in_words
from nh_platform.reports.site.counts.pass_rates import GROUPS, all_rule_rates, located, pass_rates, per_insertion
from nh_platform.reports.site.counts.rule_distributions import RuleDistribution, rule_distributions
from nh_platform.reports.site.material import GATED, MADE, SET_ASIDE, SiteMaterial
from nh_platform.reports.site.reviewed_things import OPEN
from nh_platform.session.tables.across_sessions.site import SITE_OUTLIERS, SITE_RULES, SITE_SESSIONS


@dataclass(frozen=True)
class Site:
    """The site of a release, counted.

    Parameters
    ----------
    material
        What it was made from.
    sessions
        Schema `SITE_SESSIONS`.
    rules
        Schema `SITE_RULES`.
    outliers
        Schema `SITE_OUTLIERS`.
    rates
        `nh_platform.reports.site.counts.pass_rates.pass_rates` by each of `GROUPS`.
    distributions
        Every rule in force over the release.
    effects
        The rules in force against others.
    """

    material: SiteMaterial
    sessions: pd.DataFrame
    rules: pd.DataFrame
    outliers: pd.DataFrame
    rates: dict[str, pd.DataFrame]
    distributions: list[RuleDistribution]
    effects: list[RulebookEffect]

    def counts(self) -> dict[str, int]:
        """Return the numbers that head the site, in words."""
        standing = self.sessions["standing"].value_counts()
        units = self.material.units
        states = self.material.reviews.drop_duplicates(["session_id", "about", "state", "text"])["state"].value_counts()
        others = len(self.sessions) - sum(int(standing.get(one, 0)) for one in (MADE, GATED, SET_ASIDE))
        return {
            "sessions": len(self.sessions),
            "sessions with units": int(standing.get(MADE, 0)),
            "sessions gated": int(standing.get(GATED, 0)),
            "sessions set aside": int(standing.get(SET_ASIDE, 0)),
            "sessions not made, failed or unreadable": others,
            "units": len(units),
            "good units": int(units["good"].sum()),
            "outlying insertions": len(self.outliers.drop_duplicates(["session_id", "probe"])),
            "reviews that wait for a reader": int(states.get("pending", 0)),
            "reviews in conflict": int(states.get("conflict", 0)),
            "open questions": int(states.get(OPEN, 0)),
        }


def build_site(material: SiteMaterial) -> Site:
    """Count everything that the site of a release shows."""
    units = located(material.units, material.sessions)
    outliers = find_outliers(per_insertion(units, material.rulebook), material.rulebook)
    effects = [effect for effect in [stored_effect(units, material.rulebook)] if effect is not None]
    effects += [rulebook_effect(units, material.rulebook, other) for other in material.others]
    return Site(
        material=material,
        sessions=_sessions(material, outliers),
        rules=SITE_RULES.conform(all_rule_rates(units, material.rulebook)),
        outliers=_outliers(outliers),
        rates={by: pass_rates(units, by) for by in GROUPS},
        distributions=rule_distributions(units, material.rulebook),
        effects=effects,
    )


def _sessions(material: SiteMaterial, outliers: pd.DataFrame) -> pd.DataFrame:
    """Return one row per session of the release with its counts."""
    table = material.sessions.copy()
    units = material.units
    grouped = units.groupby("session_id")
    table["units"] = table["session_id"].map(grouped.size())
    table["good_units"] = table["session_id"].map(grouped["good"].sum())
    table["share"] = (table["good_units"] / table["units"]).astype("float64")
    table["outliers"] = table["session_id"].map(outliers.groupby("session_id").size()).fillna(0).astype("int64")
    differs = units[units["label_differs"] == 1].groupby("session_id").size()
    table["label_differs"] = table["session_id"].map(differs).fillna(0).astype("int64")
    states = material.reviews.groupby(["session_id", "state"]).size()
    for name, state in (("pending", "pending"), ("conflict", "conflict"), ("questions", OPEN)):
        counts = states[states.index.get_level_values("state") == state].droplevel("state")
        table[name] = table["session_id"].map(counts).fillna(0).astype("int64")
    made = table["standing"] == MADE  # of which a table of no unit may be here
    for name in ("units", "good_units"):
        table[name] = table[name].astype("float64").fillna(0.0).where(made)
    return SITE_SESSIONS.conform(table.sort_values("session_id", ignore_index=True))


def _outliers(found: pd.DataFrame) -> pd.DataFrame:
    table = found.copy()
    table["text"] = [in_words(row) for _, row in found.iterrows()]
    return SITE_OUTLIERS.conform(table) if len(table) else SITE_OUTLIERS.empty()
