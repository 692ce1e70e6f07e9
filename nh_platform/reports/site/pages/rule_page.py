"""The page of a rule: its values over the release, where it fails, and its history.

Contains what its template is given. Change here what the page says; how it looks is `static/rule.html`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from nh_platform.qc.rules.bibliography import bibliography
from nh_platform.qc.rules.changes.rule_history import HistoryEntry
from nh_platform.reports.page.packing import PackedArrays
from nh_platform.reports.site.building import Site
from nh_platform.reports.site.counts.pass_rates import GROUPS
from nh_platform.reports.site.counts.rule_distributions import RuleDistribution
from nh_platform.reports.site.pages.charts import distribution_chart, rule_groups_chart
from nh_platform.reports.site.pages.index_page import records, title
from nh_platform.reports.site.pages.templates import site_page

_NAN = {"fail": "counts as a fail", "pass": "counts as a pass", "ignore": "left out of the share"}


def rule_page(site: Site, found: RuleDistribution, history: Sequence[HistoryEntry] = ()) -> str:
    """Return the page of one rule as HTML in one file.

    Parameters
    ----------
    site
        The site.
    found
        The rule over the release.
    history
        What changed of the rule, the newest first.
    """
    material, arrays = site.material, PackedArrays()
    rule = material.rulebook.rule(found.rule)
    of_rule = site.rules[site.rules["rule"] == found.rule]
    groups = {by: of_rule[of_rule["by"] == by] for by in GROUPS}
    titles = {by: f"Units that pass by {by}" for by in GROUPS}
    charts = [distribution_chart(found)]
    charts += [rule_groups_chart(table, by, titles[by]) for by, table in groups.items()]
    lowest = {by: table.sort_values(["share", "group"], kind="stable") for by, table in groups.items()}
    own = site.outliers["number"].str.contains(found.criterion.split(" ")[0], regex=False)
    works = bibliography()
    content = {
        "release": title(site),
        "rulebook": material.rulebook.id,
        "rule": found,
        "rules": [one.rule for one in site.distributions],
        "nan": _NAN[rule.nan],
        "groups": {by: records(table) for by, table in lowest.items()},
        "outliers": records(site.outliers[own]),
        "since": rule.since,
        "history": [asdict(one) for one in history],
        "references": [works[key].on_one_line() if key in works else key for key in rule.references],
    }
    data = {"charts": [chart.payload(arrays) for chart in charts]}
    return site_page("rule.html", f"{found.rule}: {content['release']}", content, data, arrays)
