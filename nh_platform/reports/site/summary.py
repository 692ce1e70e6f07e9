"""One page of a release that can be mailed: HTML without scripts, and the same as plain text.

Contains the choice of what goes on one page. Mail programs draw neither scripts nor style sheets, so that widths and
colours stand at the cells.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from nh_platform.reports.site.building import Site
from nh_platform.reports.site.material import MADE, standing_in_words
from nh_platform.reports.site.pages.index_page import facts, label_text, lead, rule_rows, title
from nh_platform.reports.site.pages.templates import filled
from nh_platform.reports.site.reviewed_things import OPEN

_WIDTH = 78
_LISTED, _NAMED = 8, 3


def summary_html(site: Site) -> str:
    """Return the summary as one HTML file."""
    content = {
        "title": title(site),
        "lead": lead(site),
        "facts": facts(site),
        "counts": site.counts(),
        "rulebook": site.material.rulebook.id,
        "rules": rule_rows(site),
        "labs": site.rates["lab"].to_dict("records"),
        "points": points(site),
        "notes": list(site.material.notes),
    }
    return filled("summary.html", content)


def summary_text(site: Site) -> str:
    """Return the summary as plain text, 78 columns wide."""
    lines = [title(site), "=" * len(title(site)), "", *_wrapped(lead(site)), ""]
    lines += [f"{value:>12,}  {name}" for name, value in site.counts().items()]
    lines += ["", f"Rules in force: {site.material.rulebook.id}", ""]
    for rule in rule_rows(site):
        share = "no share" if rule["share"] is None else f"{100 * rule['share']:5.1f} %"
        lines.append(f"{share:>12}  {rule['criterion']} (it alone throws out {rule['alone']:,})")
    lines += ["", "Good units by lab (units, sessions)", ""]
    for row in site.rates["lab"].to_dict("records"):
        lines.append(f"{100 * row['share']:>10.1f} %  {row['group']} ({row['units']:,}, {row['sessions']})")
    for heading, found in points(site):
        lines += ["", heading, "", *(part for one in found for part in _wrapped(one, "- "))]
    if site.material.notes:
        lines += ["", "What is missing", "", *(part for one in site.material.notes for part in _wrapped(one, "- "))]
    lines += ["", *(f"{name}: {value}" for name, value in facts(site))]
    return "\n".join(lines) + "\n"


def points(site: Site) -> list[tuple[str, list[str]]]:
    """Return what a meeting should see first: headings, each with sentences."""
    material = site.material
    found: list[tuple[str, list[str]]] = []
    outliers = [f"{row['session_id']} {row['probe']}: {row['text']}" for row in site.outliers.to_dict("records")]
    found.append(("Outliers", _first(outliers, "No insertion lies far from the others.")))
    changed = list(material.changes.summary) if material.changes else [material.changes_lacking]
    found.append(("Since the last release", changed))
    effects = [
        f"against {one.title}: good units {one.old:,} → {one.new:,}, {one.came_in:,} in, {one.went_out:,} out"
        for one in site.effects
    ]
    found.append(("Since the rules before", effects or ["No other rulebook is compared."]))
    reviews = material.reviews[material.reviews["state"].isin(["pending", "conflict", OPEN])]
    waiting = [f"{row['session_id']}, {row['about']}: {row['text']}" for row in reviews.to_dict("records")]
    found.append(("Reviews", _first(waiting, material.reviews_lacking or "No review waits for another reader.")))
    stated = material.units["label_differs"]
    label = label_text(int((stated >= 0).sum()), int((stated == 1).sum()), material.rulebook.id)
    found.append(("Disagreements", [label, *_agreement(site)]))
    found.append(("Sessions without units, or set aside", _first(_absent(site), "Every session has units.")))
    return found


def _absent(site: Site) -> list[str]:
    """Return the sessions without units, or set aside: many that lack them for one reason as a number."""
    others = site.sessions[site.sessions["standing"] != MADE]
    found = []
    for (standing, why), rows in others.groupby(["standing", "why"], sort=True):
        ids = rows["session_id"].tolist()
        named = ", ".join(ids) if len(ids) <= _NAMED else f"{len(ids):,} sessions"
        found.append(f"{named} {standing_in_words(standing, why)}")
    return found


def _agreement(site: Site) -> list[str]:
    if site.material.agreement is None:
        return [site.material.agreement_lacking]
    return [site.material.agreement.text()]


def _first(texts: Sequence[str], otherwise: str) -> list[str]:
    shown = list(texts[:_LISTED])
    rest = [f"and {len(texts) - len(shown):,} more: see the site"] if len(shown) < len(texts) else []
    return [*shown, *rest] or [otherwise]


def _wrapped(text: str, begins: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=begins, subsequent_indent=" " * len(begins)) or [begins]
