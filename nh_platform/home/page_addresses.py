"""Addresses of the platform's own pages within the page of `nh ui`: a session's report, a unit's card, a figure.

Contains the addresses alone, from the root of the page whatever it is called; `nh_platform.operations.web.stored_pages`
answers them. Add here the address of another page.
"""

from __future__ import annotations

from urllib.parse import quote

from nh_platform.store.names import POINTER, SOURCE_WIDE

REPORTS, FIGURES, SITES = "/nh/report", "/nh/figure", "/nh/site"

QC_SITE = "qc_site"
"""The asset that is the index over all sessions of a source."""

SITE_FOLDER = f"{SOURCE_WIDE}/{QC_SITE}/{POINTER}"
"""Where a site lies below the address of its source: as deep as in the store, so that its links lead to the pages of
sessions from disk and from here alike."""


def report_address(source: str, session_id: str, unit: str | None = None) -> str:
    """Return the address of the report of a session, opened at the card of a unit where one is given.

    Examples
    --------
    >>> report_address("ibl", "4b7fbad4", "probe00_12")
    '/nh/report/ibl/4b7fbad4#unit=probe00_12'
    """
    at = "" if unit is None else f"#unit={quote(unit, safe='')}"
    return f"{REPORTS}/{source}/{session_id}{at}"


def figure_address(source: str, session_id: str, rule: str) -> str:
    """Return the address of the histogram of a rule in a session.

    Examples
    --------
    >>> figure_address("ibl", "4b7fbad4", "amp_median")
    '/nh/figure/ibl/4b7fbad4/amp_median.svg'
    """
    return f"{FIGURES}/{source}/{session_id}/{rule}.svg"


def site_address(source: str) -> str:
    """Return the address of the QC site of a source.

    Examples
    --------
    >>> site_address("ibl")
    '/nh/site/ibl/_source/qc_site/current/index.html'
    """
    return f"{SITES}/{source}/{SITE_FOLDER}/index.html"
