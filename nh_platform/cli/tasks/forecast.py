"""What `nh task run psth-forecast` prints: a table per stimulus, narrow enough for a terminal of 80 columns.

Add here what is printed of a task that has a table of units. Tasks with one score per session are `task`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nh_platform.cli import console
from nh_platform.cli.console import Format
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.operations.tasks.task_records import SessionTables


def print_tables(found: SessionTables, format_: Format) -> None:
    """Print means over units by stimulus and model, or for a program every row of the table."""
    from nh_platform.tasks.visual.psth_forecast import forecast_summary

    if not found.tables:
        return
    whole = found.joined()
    if format_ is not Format.table:
        console.print_rows(console.records(whole), list(whole.columns), format_)
        return
    console.say(f"{found.task.name}: means over the units of {counted(len(found.tables), 'session')}; a ceiling is the")
    console.say("share of the variance of one held-out repeat that any model can explain (r2)")
    for stimulus, part in forecast_summary(whole).groupby("stimulus", sort=False):
        one = part.iloc[0]
        about = f"reliability {number(one['reliability'])}, ceiling {number(one['ceiling'])}"
        rows = [
            {
                "model": row["model"],
                "r2": number(row["r2"]),
                "correlation (95 %)": f"{number(row['correlation'])} ({number(row['low'])}…{number(row['high'])})",
                "of ceiling": number(row["correlation_normalised"]),
                "units p < 0.05": "none" if math.isnan(row["share_p05"]) else f"{row['share_p05']:.0%}",
            }
            for _, row in part.iterrows()
        ]
        title = f"{stimulus}: {counted(int(one['n_units']), 'unit')}, {about}"
        console.print_rows(rows, list(rows[0]), format_, title=title)


def number(value: float | None) -> str:
    """Return a number with three decimals, or that there is none."""
    return "none" if value is None or math.isnan(value) else f"{value:.3f}"
