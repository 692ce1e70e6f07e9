"""What the page of a session says, as a record: facts, verdicts, rules, units and charts.

Contains the record alone. Add a field here when the page says one more thing. What fills it is in the modules beside;
how it looks is in `static/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from nh_platform.reports.page.chart import Chart


@dataclass(frozen=True)
class Link:
    """A place elsewhere: followed when a person presses it, never by the page."""

    label: str
    address: str


@dataclass(frozen=True)
class RuleWords:
    """One rule of the active rulebook as the page needs it.

    Parameters
    ----------
    id, metric, unit, comparison
        As the rulebook states them; ``unit`` is the unit of measure shown.
    threshold
        Number, or None where the rule compares something else.
    criterion, why
        In words.
    value_column
        Column of the page's units table with the values that the rule was held against, in ``unit``.
    """

    id: str
    metric: str
    comparison: str
    threshold: float | None
    unit: str
    criterion: str
    why: str
    value_column: str


@dataclass(frozen=True)
class SessionPage:
    """The page of one session.

    Parameters
    ----------
    source, session_id, title
        What it is about.
    facts
        Name and value of what is known of the session: subject, lab, date, release, revision, sorter …
    lineage
        Asset and data version that the page was made of.
    links
        Dagster's page of the session, the public viewer of each insertion.
    rulebook, rulebook_digest, rules
        The active rulebook.
    verdicts
        Session and insertions: rows with ``about``, ``rule``, ``passed`` (None where it cannot be said), ``text``.
    units
        One row per unit, in the order of the store: text, number and bool columns.
    column_words
        Unit of measure and meaning of each of its columns.
    region_colours
        Colour ``#rrggbb`` of each region in the table.
    unit_charts
        Charts of the card of a unit; their layers are ``per_unit``.
    session_charts
        Charts of the session.
    reviews
        Reviews of the session, and what they come to, as the page shows them.
    notes
        What was missing, assumed or left out.
    """

    source: str
    session_id: str
    title: str
    units: pd.DataFrame
    facts: Sequence[tuple[str, str]] = ()
    lineage: Sequence[tuple[str, str]] = ()
    links: Sequence[Link] = ()
    rulebook: str = ""
    rulebook_digest: str = ""
    rules: Sequence[RuleWords] = ()
    verdicts: Sequence[Mapping[str, Any]] = ()
    column_words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    region_colours: Mapping[str, str] = field(default_factory=dict)
    unit_charts: Sequence[Chart] = ()
    session_charts: Sequence[Chart] = ()
    reviews: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
