"""The snapshot of a release's distributions, and the pages of sessions that show it beside their own.

Contains the snapshot's form and how a stored page comes to have it. No asset of a session may depend on the others, so
a page is stored without; whoever copies or serves it puts the snapshot in. It is data and no script: the page's policy
stays as it is.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from nh_platform.home.page_addresses import QC_SITE
from nh_platform.reports.page.packing import json_for_script
from nh_platform.reports.site.building import Site
from nh_platform.session import ConfigError, StoreError
from nh_platform.store import Store
from nh_platform.store.file_hashes import verified
from nh_platform.store.names import SOURCE_WIDE

SNAPSHOT_FILE = "release.json"
ELEMENT = "nh-release"
"""Id of the element of a page that holds the snapshot."""

SCHEMA = 1
"""Moves when the snapshot is read in another way."""

_IN_PLACE = re.compile(rf'<script type="application/json" id="{ELEMENT}">[^<]*</script>\n?')
_BEFORE = '<script type="application/json" id="nh-data">'


def release_snapshot(site: Site) -> dict[str, Any]:
    """Return what the pages of sessions show of the whole release.

    Returns
    -------
    dict
        ``schema``, ``source``, ``release``, ``version`` (what it was made of, 12 digits), ``rulebook`` and ``digest``,
        ``sessions`` (with units) and ``units``, ``text`` (the same in words) and ``rules``: each
        `nh_platform.reports.site.counts.rule_distributions.RuleDistribution` by name of its fields.
    """
    material, counts = site.material, site.counts()
    stated = {"source": material.source, "release": material.release, "version": material.version[:12]}
    rules = {"rulebook": material.rulebook.id, "digest": material.rulebook.digest}
    numbers = {"sessions": counts["sessions with units"], "units": counts["units"]}
    text = (
        f"{material.release}, data version {stated['version']}: {numbers['units']:,} units of {numbers['sessions']:,} "
        f"sessions by {rules['rulebook']} {rules['digest']}"
    )
    return {
        "schema": SCHEMA,
        **stated,
        **rules,
        **numbers,
        "text": text,
        "rules": [asdict(one) for one in site.distributions],
    }


def stored_snapshot(store: Store, source: str) -> dict[str, Any] | None:
    """Return the snapshot that the source's `qc_site` holds; None where there is none that can be read."""
    folder = store.usable(source, SOURCE_WIDE, QC_SITE)
    if folder is None:
        return None
    try:
        found: dict[str, Any] = json.loads(verified(folder / SNAPSHOT_FILE).read_text(encoding="utf-8"))
    except (StoreError, OSError, ValueError):  # a page without it is none the worse
        return None
    return found


def with_release_snapshot(page: str, snapshot: dict[str, Any]) -> str:
    r"""Return the page of a session with a snapshot in it, in the place of one that it had.

    Raises
    ------
    ConfigError
        If it is no page of this platform.

    Examples
    --------
    >>> page = '<body><script type="application/json" id="nh-data">{}</script></body>'
    >>> with_release_snapshot(page, {"release": "<b>"})  # doctest: +ELLIPSIS
    '<body><script type="application/json" id="nh-release">{"release":"\\u003cb>"}</script>\n<script type=...'
    """
    bare = _IN_PLACE.sub("", page, count=1)
    # The last one: a text within the page's data cannot hold the element, since `<` is escaped there.
    place = bare.rfind(_BEFORE)
    if place < 0:
        raise ConfigError("page of a session", "it has no data", "Make the page again with `nh materialize`.")
    element = f'<script type="application/json" id="{ELEMENT}">{json_for_script(snapshot)}</script>\n'
    return bare[:place] + element + bare[place:]
