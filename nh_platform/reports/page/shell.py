"""The shell of a page in one file: styles, scripts and data within it, and a policy that lets nothing else in.

Contains the HTML that every page has. Add here what no page may lack. What a page says is made in the rooms beside.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from nh_platform.reports.page.packing import PackedArrays, json_for_script

PACKAGE = "nh_platform.reports.page"
SHARED_STYLES = ("theme.css",)
SHARED_SCRIPTS = (
    "unpack.js",
    "scales.js",
    "pens.js",
    "charts.js",
    "chart_words.js",
    "figures.js",
    "expression.js",
    "table.js",
)
"""In the order in which a page has them; a page's own follow."""

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ title }}</title>
{% for style in styles %}<style>{{ style | safe }}</style>
{% endfor %}</head>
<body>
{{ body | safe }}
<script type="application/json" id="nh-data">{{ data | safe }}</script>
<script type="application/octet-stream" id="nh-arrays">{{ arrays | safe }}</script>
{% for script in scripts %}<script>{{ script | safe }}</script>
{% endfor %}</body>
</html>
"""


def read_static(package: str, name: str) -> str:
    """Return the text of a style or script in the folder ``static`` of a package."""
    return resources.files(package).joinpath("static", name).read_text(encoding="utf-8")


def html_page(
    title: str,
    body: str,
    data: dict[str, Any],
    arrays: PackedArrays,
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
) -> str:
    """Return a page that needs nothing beside itself.

    Parameters
    ----------
    title
        Title of the window, as it is: markup in it is escaped.
    body
        HTML of the page before its scripts run; made from a template, never from upstream's names by hand.
    data
        What the scripts read, ready for JSON; the arrays' index is added as ``arrays``.
    arrays
        What the references in ``data`` name.
    styles, scripts
        Texts of the page's own, behind the shared ones.

    Returns
    -------
    str
        The same content gives the same text.
    """
    from jinja2 import Environment, StrictUndefined

    all_styles = [*(read_static(PACKAGE, name) for name in SHARED_STYLES), *styles]
    all_scripts = [*(read_static(PACKAGE, name) for name in SHARED_SCRIPTS), *scripts]
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_TEMPLATE)
    return template.render(
        title=title,
        policy=content_policy(all_styles, all_scripts),
        styles=all_styles,
        body=body,
        data=json_for_script({**data, "arrays": arrays.index()}),
        arrays=arrays.block(),
        scripts=all_scripts,
    )


def content_policy(styles: Sequence[str], scripts: Sequence[str], *, connects: str = "'none'") -> str:
    """Return the content security policy of a page: its own styles and scripts by hash, images that it draws itself.

    Parameters
    ----------
    styles, scripts
        The texts that the page holds.
    connects
        Where its scripts may send requests: nowhere from disk, ``'self'`` where the review desk serves it.
    """
    allowed = [f"script-src {_hashes(scripts)}", f"style-src {_hashes(styles)}", "img-src data: blob:"]
    return "; ".join(
        ["default-src 'none'", *allowed, f"connect-src {connects}", "base-uri 'none'", "form-action 'none'"]
    )


def _hashes(texts: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
