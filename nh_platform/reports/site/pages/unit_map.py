"""The map of units across the sessions of a release, by how they fire.

Contains the joining of the sample with regions and verdicts. The map itself is that of a session's page: here all
sessions share its components.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from nh_platform.reports.page.chart import Axis, Chart
from nh_platform.reports.session_page.session_figures.embedding_maps import unit_maps
from nh_platform.reports.site.material import SiteMaterial


def release_maps(material: SiteMaterial) -> list[Chart]:
    """Return the map of the sampled units by region and by verdict, or one chart that says what it lacks."""
    sample, rulebook = material.sample, material.rulebook.id
    if sample.table is None:
        axes = Axis("component 1"), Axis("component 2")
        return [Chart("units-by-region", "Units by how they fire", *axes, lacking=sample.lacking)]
    units = material.units[["session_id", "unit_id", "region", "good"]]
    units = units.rename(columns={"region": "beryl", "good": f"pass.{rulebook}"})
    # Ids of units may repeat between sessions.
    embeddings, units = (_named(table) for table in (sample.table, units[_in(units, sample.table)]))
    return [
        replace(chart, caption=f"{sample.said} {chart.caption}".strip())
        for chart in unit_maps(embeddings, units, rulebook)
    ]


def _in(units: pd.DataFrame, sample: pd.DataFrame) -> pd.Series:
    return _names(units).isin(set(_names(sample)))


def _named(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(unit_id=_names(table)).drop(columns="session_id")


def _names(table: pd.DataFrame) -> pd.Series:
    return table["session_id"].astype(str) + "/" + table["unit_id"].astype(str)
