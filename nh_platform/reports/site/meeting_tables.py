"""Tables of a release for a meeting: per rule, lab, session and outlier, as CSV, JSON and Markdown.

Contains the tables and their three forms. Add a table here when a meeting asks for one. The numbers are those of the
site (`building.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from nh_platform.qc.rules.markdown import markdown_table
from nh_platform.reports.site.building import Site
from nh_platform.reports.site.counts.pass_rates import GROUPS
from nh_platform.reports.site.pages.index_page import records, rule_rows

_SHARES = ("share", "low", "middle", "high")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
"""With which a name from upstream could begin a tag: readers of Markdown would draw it."""
_MARKDOWN_ROWS = 200
"""Rows of a table in Markdown, which people read; CSV and JSON have all."""


def meeting_tables(site: Site) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield name, title and rows of each table."""
    material = site.material
    rules = pd.DataFrame(rule_rows(site)).rename(columns={"lowest": "labs_with_lowest_share"})
    yield "rules", f"Rules in force: {material.rulebook.id}", rules
    for by in GROUPS:
        yield f"good_by_{by}", f"Good units by {by}", site.rates[by]
    for by in GROUPS:
        rates = site.rules[site.rules["by"] == by].drop(columns="by").rename(columns={"group": by})
        yield f"rules_by_{by}", f"Rules by {by}", rates
    yield "sessions", "Sessions", site.sessions.drop(columns=["report", "report_lacking"])
    yield "outliers", "Outlying insertions", site.outliers
    for number, effect in enumerate(site.effects, 1):
        title = f"{material.rulebook.id} against {effect.title}, by rule"
        yield f"rules_before_{number}", title, effect.by_rule
    if material.reconciliation is not None:
        yield "published_counts", "Published counts against ours", material.reconciliation


def meeting_files(site: Site) -> list[str]:
    """Return the names of the files that `write_meeting_tables` writes, sorted."""
    return sorted(f"{name}.{ending}" for name, _, _ in meeting_tables(site) for ending in ("csv", "json", "md"))


def write_meeting_tables(site: Site, folder: Path) -> None:
    """Write every table in three forms."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, title, table in meeting_tables(site):
        rows = records(table)
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        text = json.dumps({"title": title, "rows": rows}, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        (folder / f"{name}.md").write_text(_markdown(title, table), encoding="utf-8")


def _markdown(title: str, table: pd.DataFrame) -> str:
    shown = table.head(_MARKDOWN_ROWS)
    rows = [[_cell(name, value) for name, value in row.items()] for row in records(shown)]
    rest = f"\n{len(table) - len(shown)} more rows are in the CSV file.\n" if len(shown) < len(table) else ""
    head = [str(name).replace("_", " ") for name in table.columns]
    body = markdown_table(head, rows) if len(head) else "No rows."
    return f"# {title}\n\n{body}\n{rest}"


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{100 * value:.1f} %" if name in _SHARES else f"{value:.4g}"
    return _TAG.sub(r"\\<", " ".join(str(value).split()))
