"""The site as files: index, a page per rule, the release's snapshot, and for a meeting tables and a summary.

Contains which files there are. How a page is made is in the modules beside; that a folder is written whole or not at
all is the matter of who gives the folder.
"""

from __future__ import annotations

import json
from pathlib import Path

from nh_platform.qc.rules.changes.rule_history import rule_history
from nh_platform.reports.site.building import Site
from nh_platform.reports.site.meeting_tables import meeting_files, write_meeting_tables
from nh_platform.reports.site.pages.index_page import index_page
from nh_platform.reports.site.pages.rule_page import rule_page
from nh_platform.reports.site.release_snapshot import SNAPSHOT_FILE, release_snapshot
from nh_platform.reports.site.summary import summary_html, summary_text
from nh_platform.session.tables.across_sessions.site import SITE_OUTLIERS, SITE_RULES, SITE_SESSIONS
from nh_platform.store.codecs.parquet import write_table

INDEX_FILE, SUMMARY_HTML, SUMMARY_TEXT = "index.html", "summary.html", "summary.txt"
SESSIONS_FILE, RULES_FILE, OUTLIERS_FILE = "sessions.parquet", "rules.parquet", "outliers.parquet"


def write_pages(site: Site, folder: Path) -> None:
    """Write the pages and the snapshot; the same site gives the same bytes."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / INDEX_FILE).write_text(index_page(site), encoding="utf-8")
    for found in site.distributions:
        history = rule_history(site.material.rulebook, found.rule)
        (folder / "rules" / f"{found.rule}.html").write_text(rule_page(site, found, history), encoding="utf-8")
    text = json.dumps(release_snapshot(site), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / SNAPSHOT_FILE).write_text(text + "\n", encoding="utf-8")


def write_tables(site: Site, folder: Path) -> None:
    """Write the tables of the asset."""
    write_table(folder / SESSIONS_FILE, site.sessions, SITE_SESSIONS)
    write_table(folder / RULES_FILE, site.rules, SITE_RULES)
    write_table(folder / OUTLIERS_FILE, site.outliers, SITE_OUTLIERS)


def write_report(site: Site, folder: Path) -> None:
    """Write the pages, the tables for a meeting, and the summary."""
    write_pages(site, folder)
    write_meeting_tables(site, folder / "tables")
    (folder / SUMMARY_HTML).write_text(summary_html(site), encoding="utf-8")
    (folder / SUMMARY_TEXT).write_text(summary_text(site), encoding="utf-8")


def report_files(site: Site) -> list[str]:
    """Return the files that `write_report` writes, sorted, without writing any."""
    pages = [INDEX_FILE, SNAPSHOT_FILE, SUMMARY_HTML, SUMMARY_TEXT]
    pages += [f"rules/{found.rule}.html" for found in site.distributions]
    return sorted([*pages, *(f"tables/{name}" for name in meeting_files(site))])
