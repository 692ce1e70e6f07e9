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
    fallback_column
        Column with what its fallback found, in words, where that judges the unit; empty where it has none.
    left_out_without_value
        Whether a unit without a value is judged without the rule, which then neither passes nor fails.
    """

    id: str
    metric: str
    comparison: str
    threshold: float | None
    unit: str
    criterion: str
    why: str
    value_column: str
    fallback_column: str = ""
    left_out_without_value: bool = False


@dataclass(frozen=True)
class MetricPair:
    """A number that the release states and that was recomputed.

    Parameters
    ----------
    metric, unit
        Its name for people and its unit of measure.
    released_column, recomputed_column
        Columns of the page's units table, both in ``unit``.
    agrees_column
        Column with whether the two agree; where empty, the page states their difference alone.
    """

    metric: str
    unit: str
    released_column: str
    recomputed_column: str
    agrees_column: str = ""


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
        Session and insertions: rows with ``about``, ``rulebook``, ``rule``, ``passed`` (None where it cannot be said)
        and ``text``.
    set_aside
        That reviewers set the session aside, or who proposes it, in words; empty where nobody does.
    units
        One row per unit, in the order of the store: text, number and bool columns. The page knows by name, where it is
        there: ``unit_id``, ``probe``, ``cluster_id``, the regions ``acronym``, ``beryl`` and ``cosmos``, ``depth``,
        ``n_spikes``, ``review``; of the active rulebook ``label.<rulebook>``, ``pass.<rulebook>``,
        ``reason.<rulebook>`` and ``rule.<rulebook>.<rule>`` (bool); ``upstream_label`` (as the release states it),
        ``curated.<curator>`` (labels of others), and the bools behind the ready filters: ``released_disagrees``
        (released and recomputed), ``upstream_disagrees`` (upstream's label and the verdict) and
        ``reviewers_disagree``. Every other column can be shown, sorted and filtered like them.
    column_words
        Unit of measure and meaning of each of its columns.
    region_colours
        Colour ``#rrggbb`` of each region in the table.
    unit_charts
        Charts of the card of a unit; their layers are ``per_unit``.
    session_charts
        Charts of the session.
    reviews
        Reviews of the session in the order of the file, each with ``id``, ``about`` (in words), ``units`` (ids; empty
        for an interval or the session), ``interval`` ([start, stop] in s, or None), ``decision`` (empty for a question
        or comment), ``words``, ``reviewer``, ``date``, ``counts`` (whether it counts, or None), ``note`` (why it does
        not), ``answers`` (id of the review that it replies to, or empty) and ``open`` (a question without an answer).
        What is absent is empty.
    notes
        What was missing, assumed or left out.
    pairs
        Numbers that are both released and recomputed.
    shown_columns
        Columns of the table that are shown at first; chosen by the page where empty.
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
    set_aside: str = ""
    column_words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    region_colours: Mapping[str, str] = field(default_factory=dict)
    unit_charts: Sequence[Chart] = ()
    session_charts: Sequence[Chart] = ()
    reviews: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    pairs: Sequence[MetricPair] = ()
    shown_columns: Sequence[str] = ()
