"""The index page of the site: overview, sessions, outliers, changes, reviews, disagreements, published counts.

Contains what its template is given. Change here what the page says; how it looks is `static/`. Numbers are counted in
`building.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nh_platform.qc.rules.markdown import listed
from nh_platform.reports.page.packing import PackedArrays
from nh_platform.reports.site.building import Site
from nh_platform.reports.site.counts.outliers import LEAST_INSERTIONS, rule_in_words
from nh_platform.reports.site.counts.pass_rates import UNKNOWN
from nh_platform.reports.site.material import MADE, SET_ASIDE
from nh_platform.reports.site.pages.charts import rates_chart, rule_shares_chart, time_chart
from nh_platform.reports.site.pages.templates import site_page
from nh_platform.reports.site.pages.unit_map import release_maps
from nh_platform.reports.site.reviewed_things import UNDECIDED
from nh_platform.session.display import counted

PARTS = (
    ("overview", "Overview"),
    ("firing", "How units fire"),
    ("sessions", "Sessions"),
    ("outliers", "Outliers"),
    ("changes", "What changed"),
    ("reviews", "Reviews"),
    ("disagreements", "Disagreements"),
    ("reconciliation", "Published counts"),
    ("notes", "What is missing"),
)

_LABS_NAMED = 3


def index_page(site: Site) -> str:
    """Return the index page as HTML in one file; the same site gives the same text."""
    material, arrays = site.material, PackedArrays()
    titles = {"lab": "Good units by lab", "region": "Good units by region", "probe": "Good units by probe"}
    charts = [rule_shares_chart(site.distributions, material.rulebook), time_chart(site.sessions)]
    charts += [rates_chart(site.rates[by], by, title) for by, title in titles.items()]
    maps = release_maps(material)
    content = {
        "title": title(site),
        "lead": lead(site),
        "facts": facts(site),
        "parts": PARTS,
        "counts": site.counts(),
        "rulebook": material.rulebook.id,
        "rules": rule_rows(site),
        "rates": {by: records(rates) for by, rates in site.rates.items()},
        "maps": [chart.id for chart in maps],
        **_sessions(site),
        **_outliers(site),
        **_changes(site),
        **_reviews(site),
        **_disagreements(site),
        "reconciliation": records(material.reconciliation),
        "reconciliation_lacking": material.reconciliation_lacking,
        "notes": list(material.notes),
    }
    data = {"charts": [chart.payload(arrays) for chart in (*charts, *maps)]}
    return site_page("index.html", title(site), content, data, arrays, scripts=("sessions.js",))


def title(site: Site) -> str:
    """Return the title of the site, which its other pages name as well."""
    return f"Unit quality of {site.material.source}: {site.material.release}"


def lead(site: Site) -> str:
    """Return the one sentence that says how a release stands."""
    counts, material = site.counts(), site.material
    without = f" without {listed(material.rules_left_out)}" if material.rules_left_out else ""
    share = f" ({100 * counts['good units'] / counts['units']:.1f} %)" if counts["units"] else ""
    return (
        f"{counts['good units']:,} of {counts['units']:,} units{share} of "
        f"{counted(counts['sessions with units'], 'session')} are good by {material.rulebook.id}{without}; "
        f"the release lists {counted(counts['sessions'], 'session')}."
    )


def facts(site: Site) -> list[tuple[str, str]]:
    """Return what the site was made of."""
    material = site.material
    return [
        ("source", material.source),
        ("release", material.release),
        ("rules in force", f"{material.rulebook.id} ({material.rulebook.title}), digest {material.rulebook.digest}"),
        ("compared with", ", ".join(book.id for book in material.others) or "no other rulebook"),
        ("made of", f"data version {material.version[:12]}"),
    ]


def rule_rows(site: Site) -> list[dict[str, Any]]:
    """Return a row per rule in force, with the labs in which the fewest units pass."""
    labs = site.rules[(site.rules["by"] == "lab") & site.rules["share"].notna() & (site.rules["group"] != UNKNOWN)]
    rows = []
    for one in site.distributions:
        lowest = labs[labs["rule"] == one.rule].sort_values(["share", "group"], kind="stable").head(_LABS_NAMED)
        named = ", ".join(f"{group} {100 * share:.0f} %" for group, share in zip(lowest["group"], lowest["share"]))
        counts = {"passing": one.passing, "failing": one.failing, "without_value": one.without_value}
        stated = {"rule": one.rule, "criterion": one.criterion, "share": one.share, "alone": one.alone}
        rows.append({**stated, **counts, "lowest": named})
    return rows


def records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return rows for a template, with None for what is null."""
    if table is None:
        return []
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _sessions(site: Site) -> dict[str, Any]:
    here = site.sessions["standing"].isin([MADE, SET_ASIDE])
    order = site.sessions.assign(last=~here).sort_values(["last", "date", "session_id"], kind="stable")
    rows = order.drop(columns="last").to_dict("records")
    lacking = set(site.sessions["report_lacking"])
    same = next(iter(lacking)) if len(lacking) == 1 else ""
    for row in rows:
        row["flags"] = " ".join(name for name, is_so in _flags(row).items() if is_so)
        row["missing"] = row["why"] or ("" if same else row["report_lacking"])
    labs = sorted({row["lab"] for row in rows if row["lab"]})
    standings = sorted({row["standing"] for row in rows})
    return {"sessions": rows, "labs": labs, "standings": standings, "no_pages": same}


def _flags(row: Mapping[Any, Any]) -> dict[str, bool]:
    """Return which ready filters of the page a session falls under."""
    return {
        "waits": row["pending"] > 0 or row["questions"] > 0,
        "conflict": row["conflict"] > 0,
        "outliers": row["outliers"] > 0,
        "differs": row["label_differs"] > 0,
        "aside": row["standing"] == SET_ASIDE,
        "unusable": row["standing"] not in (MADE, SET_ASIDE),
    }


def _outliers(site: Site) -> dict[str, Any]:
    n_insertions = len(site.material.units.drop_duplicates(["session_id", "probe"]))
    few = f": only {counted(n_insertions, 'insertion')} of the release {'is' if n_insertions == 1 else 'are'} here"
    why = few if n_insertions < LEAST_INSERTIONS else ""
    return {"outlier_rule": rule_in_words(), "outliers": records(site.outliers), "outliers_why": why}


def _changes(site: Site) -> dict[str, Any]:
    found = site.material.changes
    stated = None
    if found is not None:
        tables = {"kinds": records(found.kinds), "rows": records(found.changes)}
        texts = {"before": found.before, "after": found.after, "summary": found.summary}
        stated = {**texts, **tables, "n_changes": found.n_changes}
    names = ("title", "old", "new", "came_in", "went_out")
    effects = [
        {name: getattr(effect, name) for name in names}
        | {name: records(getattr(effect, name)) for name in ("by_rule", "by_lab", "by_session")}
        for effect in site.effects
    ]
    return {"changes": stated, "changes_lacking": site.material.changes_lacking, "effects": effects}


def _reviews(site: Site) -> dict[str, Any]:
    reviews = site.material.reviews
    waiting = reviews[reviews["state"].isin(UNDECIDED)].sort_values(["session_id", "about"], kind="stable")
    aside = site.sessions[site.sessions["standing"] == SET_ASIDE]
    return {
        "reviews_lacking": site.material.reviews_lacking,
        "waiting": records(waiting),
        "aside": records(aside[["session_id", "why"]]),
    }


def _disagreements(site: Site) -> dict[str, Any]:
    material = site.material
    rows = []
    for metric in material.agreement.metrics if material.agreement else ():
        worst = "; ".join(f"{one.unit}: {one.released:.4g} and {one.recomputed:.4g}" for one in metric.worst)
        of_other = "" if metric.decides else " (of another vintage, only shown)"
        rows.append(
            {
                "metric": metric.counterpart.column,
                "definition": metric.counterpart.definition + of_other,
                "both": metric.n_both,
                "differ": metric.n_differ,
                "one_side": metric.n_only_released + metric.n_only_recomputed,
                "largest": metric.largest,
                "worst": worst,
            }
        )
    units = material.units
    n_stated, n_differ = int((units["label_differs"] >= 0).sum()), int((units["label_differs"] == 1).sum())
    by_session = site.sessions[site.sessions["label_differs"] > 0][["session_id", "label_differs"]]
    return {
        "agreement": rows,
        "agreement_lacking": material.agreement_lacking,
        "label_known": n_stated > 0,
        "label_text": label_text(n_stated, n_differ, material.rulebook.id),
        "by_label": records(by_session.sort_values("label_differs", ascending=False, kind="stable")),
        "reviewers": records(material.reviewers if len(material.reviewers) else None),
    }


def label_text(n_stated: int, n_differ: int, rulebook: str) -> str:
    """Return how far upstream's own label and the verdicts agree, in a sentence."""
    if not n_stated:
        return "The release states no label of its own."
    if not n_differ:
        return f"Upstream's label and the verdict of {rulebook} agree in all {n_stated:,} units that have one."
    return f"Upstream's label says otherwise than {rulebook} in {n_differ:,} of {n_stated:,} units that have one."
