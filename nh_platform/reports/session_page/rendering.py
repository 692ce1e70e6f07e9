"""The page of a session as HTML: its record packed into the shell.

Change here how the record becomes data of the page. What the page says is `content.py`, how it looks `static/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.reports.page.packing import PackedArrays
from nh_platform.reports.page.shell import html_page, read_static
from nh_platform.reports.session_page.content import SessionPage

PACKAGE = "nh_platform.reports.session_page"
STYLES = ("page.css", "decisions.css")
SCRIPTS = (
    "units.js", "rules.js", "reviews.js", "card.js", "session.js", "printing.js", "address.js", "keys.js", "columns.js",
    "page.js", "saving.js", "reasons.js", "decision_form.js", "decision_entry.js", "decisions.js",
)  # fmt: skip
"""In the order in which the page has them; what a script of another room adds stands behind them (`nhPage`)."""
SCHEMA = 1
"""Moves when the page's scripts read its data in another way."""


def render_session_page(page: SessionPage) -> str:
    """Return the page as HTML in one file; the same record gives the same text."""
    arrays = PackedArrays()
    data = {
        "schema": SCHEMA,
        "source": page.source,
        "session": page.session_id,
        "title": page.title,
        "facts": [list(fact) for fact in page.facts],
        "lineage": [list(one) for one in page.lineage],
        "links": [asdict(link) for link in page.links],
        "rulebook": page.rulebook,
        "rulebook_digest": page.rulebook_digest,
        "rules": [asdict(rule) for rule in page.rules],
        "verdicts": [dict(verdict) for verdict in page.verdicts],
        "set_aside": page.set_aside,
        "n_units": len(page.units),
        "columns": packed_table(page.units, page.column_words, arrays),
        "region_colours": dict(page.region_colours),
        "unit_charts": [chart.payload(arrays) for chart in page.unit_charts],
        "session_charts": [chart.payload(arrays) for chart in page.session_charts],
        "reviews": [dict(review) for review in page.reviews],
        "notes": list(page.notes),
        "pairs": [asdict(pair) for pair in page.pairs],
        "shown_columns": list(page.shown_columns),
    }
    body = read_static(PACKAGE, "page.html")
    styles, scripts = ([read_static(PACKAGE, name) for name in names] for names in (STYLES, SCRIPTS))
    return html_page(page.title, body, data, arrays, styles=styles, scripts=scripts)


def packed_table(
    table: pd.DataFrame, words: Mapping[str, tuple[str, str]], arrays: PackedArrays
) -> list[dict[str, Any]]:
    """Return the columns of a table as the page reads them.

    Numbers are float64, yes and no are bytes (2 where it is not known), texts are numbered.
    """
    columns = []
    for name in map(str, table.columns):
        unit, meaning = words.get(name, ("", ""))
        values = table[name]
        stated: dict[str, Any] = {"name": name, "unit": unit, "meaning": meaning}
        if pd.api.types.is_bool_dtype(values.dtype):
            stated |= {"kind": "bool", **arrays.exact(values.to_numpy(dtype=np.uint8, na_value=2))}
        elif pd.api.types.is_numeric_dtype(values.dtype):
            stated |= {"kind": "number", **arrays.exact(values.to_numpy(dtype=np.float64, na_value=np.nan))}
        else:
            codes, texts = pd.factorize(values.to_numpy(dtype=object), use_na_sentinel=True)
            stated |= {"kind": "text", "texts": [str(text) for text in texts], **arrays.exact(codes.astype(np.int32))}
        columns.append(stated)
    return columns
