"""The templates of the site's pages, filled: HTML in which every text is escaped, in the shell of all pages.

Contains how a template becomes a page. A new page is a template in `static/` and a module that gives it its content.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nh_platform.reports.page.packing import PackedArrays
from nh_platform.reports.page.shell import html_page, read_static

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE = "nh_platform.reports.site.pages"
_SCRIPTS = ("tables.js", "figures_of_page.js")


def site_page(
    template: str,
    title: str,
    content: Mapping[str, Any],
    data: dict[str, Any],
    arrays: PackedArrays,
    scripts: Sequence[str] = (),
) -> str:
    """Return a page of the site in one file.

    Parameters
    ----------
    template
        Name of a template in ``static``.
    title
        Title of the window.
    content
        What the template reads; every text of it is escaped.
    data, arrays
        What the page's charts read.
    scripts
        Scripts in ``static`` of this page alone.
    """
    body = filled(template, content)
    own = {
        "styles": [read_static(PACKAGE, "site.css")],
        "scripts": [read_static(PACKAGE, s) for s in (*_SCRIPTS, *scripts)],
    }
    return html_page(title, body, data, arrays, **own)


def filled(template: str, content: Mapping[str, Any]) -> str:
    """Return a template with its content, every text escaped."""
    return _environment().get_template(template).render(**content)


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    loader = FunctionLoader(lambda name: read_static(PACKAGE, name))
    return Environment(autoescape=True, undefined=StrictUndefined, loader=loader, trim_blocks=False)
