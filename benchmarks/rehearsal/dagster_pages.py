"""The pages of Dagster's web page that people open, and by which words each shows its content.

Add here a page that people wait for. How long it takes is measured by `page_times`, of a whole home by `pages`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DagsterPage:
    """A page.

    Parameters
    ----------
    name
        What people call it.
    path
        Its address on the server.
    shows
        Regular expressions of JavaScript: the content is there when the page's text matches all of them.
    """

    name: str
    path: str
    shows: tuple[str, ...]


NEUTRAL = DagsterPage("daemons (nothing of sessions)", "/deployment/daemons", ("SENSOR|Sensors",))
"""A page without sessions: what opening any page takes, and from where others are gone to."""


def dagster_pages(source: str, session: str, run: str, check: str, *, has_backfills: bool) -> list[DagsterPage]:
    """Return the pages of a home.

    Parameters
    ----------
    source, session, run, check
        A source, one of its sessions that is made, the id of its run, and a check of `units`.
    has_backfills
        Whether a backfill was asked for on the page itself.
    """
    units = f"/assets/{source}/units"
    return [
        NEUTRAL,
        DagsterPage("overview: timeline", "/overview/activity/timeline", (f"{source}_session",)),
        DagsterPage("assets", "/assets", ("events", "Never materialized|partitions|Materialized")),
        DagsterPage("units", units, ("Latest materialization", "Latest check results", "unit_id")),
        DagsterPage("units: partitions", f"{units}?view=partitions", ("Partitions Selected", r"Materialized \([1-9]")),
        DagsterPage(
            "units: one partition", f"{units}?view=partitions&partition={session}", ("good units", "rulebook digest")
        ),
        DagsterPage("units: events", f"{units}?view=events", ("materialized in run", "good units")),
        DagsterPage("units: checks", f"{units}?view=checks", (check, "Evaluation result", "Latest execution")),
        DagsterPage("units: lineage", f"{units}?view=lineage", ("raw_spikes", "session_report")),
        DagsterPage(
            f"lineage of {source}",
            f"/locations/nh_platform/asset-groups/{source}/lineage",
            ("raw_spikes", "session_report", "training_set"),
        ),
        DagsterPage("runs", "/runs", (f"{source}_session|__ASSET_JOB|nh_", "partition:")),
        DagsterPage("a run", f"/runs/{run}", ("RUN_SUCCESS|Succe", "raw_spikes", "MATERIALIZATION")),
        DagsterPage(
            "backfills",
            "/overview/backfills",
            ("Launched by", "Completed|Failed|In progress|Canceled") if has_backfills else ("No runs found",),
        ),
        DagsterPage("automation", "/automation", (f"{source}_release_sensor", "Standard sensor")),
        DagsterPage(
            "sensor: ticks",
            f"/locations/nh_platform/sensors/{source}_release_sensor",
            ("Timestamp", "requested|Skipped"),
        ),
        DagsterPage("jobs", "/jobs", (f"{source}_session",)),
    ]
