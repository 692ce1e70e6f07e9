"""The page of a session made from its material: facts, verdicts, the table of units, and the charts.

Contains what puts the parts together. What is said in words is `session_words.py`, the table `unit_rows.py`; figures of
units and of the session are the rooms `unit_figures` and `session_figures`.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.reports.session_page import session_words as words
from nh_platform.reports.session_page.content import SessionPage
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.session_figures.charts import session_charts
from nh_platform.reports.session_page.told_reviews import told_reviews
from nh_platform.reports.session_page.unit_figures.charts import rates, unit_charts
from nh_platform.reports.session_page.unit_rows import unit_rows
from nh_platform.session.tables.report import REPORT_FIGURES
from nh_platform.sources.anatomy.regions import region_colours


def build_session_page(material: PageMaterial) -> SessionPage:
    """Return what the page of a session says."""
    session, book = material.session, material.rulebooks[0]
    units = unit_rows(material, rates(material))
    regions = {str(name) for column in ("acronym", "beryl", "cosmos") for name in material.units[column].dropna()}
    return SessionPage(
        source=session.source,
        session_id=session.session_id,
        title=" ".join(part for part in (material.source_title, session.subject, session.date) if part),
        units=units.table,
        facts=words.facts(material),
        lineage=sorted(material.versions.items()),
        links=material.links,
        rulebook=book.id,
        rulebook_digest=book.digest,
        rules=units.rules,
        verdicts=words.verdict_rows(material),
        set_aside=words.set_aside(material),
        column_words=units.words,
        region_colours=region_colours(regions),
        unit_charts=unit_charts(material, frozenset(units.table.columns)),
        session_charts=session_charts(material),
        reviews=told_reviews(material.reviews, material.today),
        notes=words.notes(material),
        pairs=units.pairs,
        shown_columns=units.shown,
    )


def figures_table(page: SessionPage) -> pd.DataFrame:
    """Return which figures the page draws, and why it does not draw the others (schema `REPORT_FIGURES`)."""
    of_both = [("unit", chart) for chart in page.unit_charts] + [("session", chart) for chart in page.session_charts]
    rows = [(chart.id, chart.title, about, not chart.lacking, chart.lacking) for about, chart in of_both]
    table = pd.DataFrame(rows, columns=[column.name for column in REPORT_FIGURES.columns])
    return REPORT_FIGURES.conform(table) if rows else REPORT_FIGURES.empty()
