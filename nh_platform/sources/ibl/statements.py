"""What Alyx states beside its tables: insertions with their QC and alignment, the QC of sessions, data notices.

Add a statement here that needs an account and belongs into the manifest. What the manifest makes of it is `manifest`;
how a request is made and repeated is the connection's matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

PAGE = 1000
"""Largest page that Alyx serves (``LimitedLimitOffsetPagination.max_limit``)."""

JUDGEMENTS = ("PASS", "WARNING", "FAIL", "CRITICAL")
"""Levels of a session's QC that say something (``alyx.data.models.QC``)."""


def fetch_insertions(one: Any) -> pd.DataFrame:
    """Return every insertion: ``name`` and ``json``, index (``eid``, ``id``)."""
    records = list(one.alyx.get(f"/insertions?limit={PAGE}"))
    index = pd.MultiIndex.from_tuples([(r["session"][-36:], r["id"]) for r in records], names=["eid", "id"])
    columns = {"name": [r["name"] for r in records], "json": [r.get("json") for r in records]}
    return pd.DataFrame(columns, index=index, dtype=object)


def fetch_session_qc(one: Any) -> dict[str, str]:
    """Return the QC of every session that has one, by session id.

    By one query for each level: the list of sessions does not state the QC, and asking for each session by itself is
    8,161 requests for what is public.
    """
    stated = {}
    for level in JUDGEMENTS:
        for record in one.alyx.get(f"/sessions?qc={level}&limit={PAGE}"):
            stated[str(record["id"])] = level
    return stated


def fetch_notices(one: Any) -> pd.DataFrame:
    """Return the data notices: columns of schema `NOTICES`."""
    return notices_table(one.alyx.get(f"/data-notices?limit={PAGE}"))


def notices_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return notices as a table; the first of the fields that hold a text is taken, a record without one left out."""
    rows = []
    for record in records:
        text = next((record[name] for name in ("text", "description", "name") if record.get(name)), None)
        if text is None:
            continue
        moment = next((record[name] for name in ("datetime", "created_datetime", "date") if record.get(name)), None)
        number = record.get("id") or text
        rows.append({"notice_id": str(number), "date": str(moment)[:10] if moment else None, "text": str(text)})
    return pd.DataFrame(rows, columns=["notice_id", "date", "text"], dtype=object)
