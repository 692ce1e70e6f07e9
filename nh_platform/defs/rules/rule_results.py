"""The outcome of one rule in one session as its check shows it: counts, threshold, the units in words, the histogram.

Change here what a person sees of a rule in the Dagster UI. Which checks there are is `checks.py`; counts are made by
`nh_platform.qc.rules.rule_summary`, the figure by `nh_platform.reports.rule_histogram`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from nh_platform.assets.units import ASSET as UNITS
from nh_platform.assets.units import RULE_FIGURES
from nh_platform.defs.metadata import records_table, report_link, rounded
from nh_platform.defs.rules.rules_in_force import RULEBOOK_DIGEST
from nh_platform.home.page_addresses import figure_address, report_address
from nh_platform.qc.rules.markdown import listed
from nh_platform.qc.rules.quantities import quantity, shown_unit
from nh_platform.qc.rules.rule_summary import RuleSummary
from nh_platform.qc.rules.rulebook_model import Rule, Rulebook
from nh_platform.store.file_hashes import is_stored
from nh_platform.store.objects.address import shown as shown_path


@dataclass(frozen=True)
class SessionPlace:
    """The units of one session, and the folder of the version that is checked."""

    source: str
    session_id: str
    folder: Path

    @property
    def key(self) -> dg.AssetKey:
        """Key of the asset."""
        return dg.AssetKey([self.source, UNITS.name])


def rule_result(
    rulebook: Rulebook,
    rule: Rule,
    summary: RuleSummary,
    units: pd.DataFrame,
    place: SessionPlace,
) -> dg.AssetCheckResult:
    """Return the outcome of one rule's check: a warning where fewer units pass than nearly every session reaches.

    Parameters
    ----------
    rulebook, rule, summary
        What was asked of the units, and what came of it.
    units
        The units of the session (schema `UNITS`).
    place
        Whose units they are, and where they lie.
    """
    counted = summary.n_pass + summary.n_fail
    enough = counted == 0 or summary.share >= rule.warn_below
    text = f"{summary.n_pass} of {counted} units pass {summary.criterion}"
    if not summary.column:
        names = listed((quantity(metric).name for metric in rule.metrics), "or")
        text += f"; no column of these units holds {names}, which counts as {rule.nan}"
    elif summary.n_nan:
        have = "has" if summary.n_nan == 1 else "have"
        text += f"; {summary.n_nan} {have} no value, which counts as {rule.nan}"
    if rule.in_place is not None and summary.n_fallback:
        name, other = (quantity(one.metric).name for one in (rule, rule.in_place))
        text += f"; {summary.n_fallback} judged by {other}, in place of {name}"
    if not enough:
        text += f"; fewer than the {rule.warn_below:.0%} that most sessions reach"
    return dg.AssetCheckResult(
        check_name=rule.id,
        asset_key=place.key,
        passed=enough,
        severity=dg.AssetCheckSeverity.WARN,
        description=text,
        metadata={
            **rulebook_metadata(rulebook),
            "criterion": summary.criterion,
            **threshold_metadata(rule),
            "warns below": rule.warn_below,
            "units": summary.n_units,
            "passing": summary.n_pass,
            "failing": summary.n_fail,
            "without value": summary.n_nan,
            **({} if rule.fallback is None else {"judged by the fallback": summary.n_fallback}),
            **({} if counted == 0 else {"share passing": rounded(summary.share)}),
            "column": summary.column or "none",
            **report_link(place.source, place.session_id),
            **_furthest(rule, summary, units, place),
            **_distribution(rule, place),
        },
    )


def _furthest(rule: Rule, summary: RuleSummary, units: pd.DataFrame, place: SessionPlace) -> dict[str, Any]:
    """Return the failing units that are furthest from the threshold as a table, and links to their cards.

    The page draws a table at once and its cells as text; links are Markdown, which it shows once it is pressed.
    """
    rows = units.set_index(units["unit_id"].astype(str))
    unit_of_measure = shown_unit(rule.unit)
    value = f"value [{unit_of_measure}]" if unit_of_measure else "value"
    cells, links = [], []
    for one in summary.worst:
        row, card = rows.loc[one.unit], report_address(place.source, place.session_id, one.unit)
        region = next((row[name] for name in ("beryl", "acronym") if isinstance(row.get(name), str)), "unlocated")
        named = {"probe": str(row["probe"]), "cluster": int(row["cluster_id"]), "region": region}
        cells.append({**named, value: rounded(one.value), "unit": one.unit})
        links.append(f"- [{_markdown(one.unit)}]({card}), {_markdown(row['probe'])} cluster {row['cluster_id']}")
    shown: dict[str, Any] = {"furthest from the threshold": records_table(cells)}
    return shown | ({"cards of these units": dg.MetadataValue.md("\n".join(links))} if links else {})


def _distribution(rule: Rule, place: SessionPlace) -> dict[str, dg.MetadataValue]:
    """Return the histogram of a rule's values: the address at which `nh ui` shows it, and the path of its file."""
    path = place.folder / RULE_FIGURES / f"{rule.id}.svg"
    if not is_stored(path):
        return {}
    address = figure_address(place.source, place.session_id, rule.id)
    return {
        "distribution": dg.MetadataValue.url(address),
        "distribution as a file": dg.MetadataValue.path(shown_path(path)),
    }


def rulebook_metadata(rulebook: Rulebook) -> dict[str, str]:
    """Return by which rulebook an evaluation was made: the name of a rule's check does not say it."""
    return {"rulebook": rulebook.id, RULEBOOK_DIGEST: rulebook.digest}


def threshold_metadata(rule: Rule) -> dict[str, float | str]:
    """Return what a rule compares with, the unit of measure in the name: numbers as numbers, so that the UI plots them.

    Examples
    --------
    >>> from nh_platform.qc.rules.rulebook import load_rulebook
    >>> threshold_metadata(load_rulebook("ibl-2022-10").rule("amp_median"))
    {'threshold [µV]': 50.0}
    """
    several = isinstance(rule.threshold, list)
    values = rule.threshold if isinstance(rule.threshold, list) else [rule.threshold]
    shown: dict[str, float | str] = {}
    for number, value in enumerate(values, start=1):
        name = f"threshold {number}" if several else "threshold"
        if isinstance(value, bool):
            shown[name] = "yes" if value else "no"
        elif isinstance(value, str):
            shown[name] = value
        else:
            unit = shown_unit(rule.unit)
            shown[f"{name} [{unit}]" if unit else name] = float(value)
    return shown


def _markdown(text: object) -> str:
    """Return a name as Markdown shows it: nothing of it is markup."""
    return re.sub(r"([\\`*_{}\[\]<>()#+.!|~&-])", r"\\\1", str(text))
