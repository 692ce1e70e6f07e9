"""Figures of the site: names that fit, whatever groups are called."""

from __future__ import annotations

import pandas as pd

from nh_platform.reports.site.pages.charts import rates_chart, rule_groups_chart


def test_an_id_of_an_insertion_is_named_by_its_beginning() -> None:
    rates = pd.DataFrame({"group": ["29418b18-4db6-436f-af7e-2a0df7e79cd4", "probe00"], "units": [1788, 3]})
    rates = rates.assign(share=[0.5, 0.4], low=0.3, middle=0.4, high=0.5)
    for chart in (rates_chart(rates, "probe", "By probe"), rule_groups_chart(rates, "probe", "By probe")):
        assert [name for _, name in chart.y.ticks or ()] == ["29418b18-4db… (1,788)", "probe00 (3)"]
