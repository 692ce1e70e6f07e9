"""The page of a session made from its material: facts, verdicts, the table of units, and the charts.

Contains what puts the parts together. A figure of a unit is in `unit_charts.py`, one of the session in
`session_charts.py`.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.reports.session_page.content import SessionPage
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.unit_charts import unit_charts
from nh_platform.session.tables.report import REPORT_FIGURES


def build_session_page(material: PageMaterial) -> SessionPage:
    """Return what the page of a session says."""
    session = material.session
    book = material.rulebooks[0]
    shown = ["unit_id", "probe", "cluster_id", "beryl", "depth", "n_spikes", f"label.{book.id}", f"pass.{book.id}"]
    return SessionPage(
        source=session.source,
        session_id=session.session_id,
        title=f"{session.source} {session.subject} {session.date} {session.number}".strip(),
        units=material.units[shown],
        rulebook=book.id,
        rulebook_digest=book.digest,
        lineage=sorted(material.versions.items()),
        unit_charts=unit_charts(material),
    )


def figures_table(page: SessionPage) -> pd.DataFrame:
    """Return which figures the page draws, and why it does not draw the others (schema `REPORT_FIGURES`)."""
    of_both = [("unit", chart) for chart in page.unit_charts] + [("session", chart) for chart in page.session_charts]
    rows = [(chart.id, chart.title, about, not chart.lacking, chart.lacking) for about, chart in of_both]
    table = pd.DataFrame(rows, columns=[column.name for column in REPORT_FIGURES.columns])
    return REPORT_FIGURES.conform(table) if rows else REPORT_FIGURES.empty()
