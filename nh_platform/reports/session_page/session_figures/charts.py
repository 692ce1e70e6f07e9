"""Charts of a session, in the order in which its page shows them.

Add a chart here once it is made in a module beside.
"""

from __future__ import annotations

from nh_platform.reading.events.session_events import SessionEvents
from nh_platform.reports.page.chart import Chart
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.reports.session_page.session_figures import (
    embedding_maps,
    event_charts,
    probe_charts,
    raster_chart,
    signal_charts,
    task_charts,
)


def session_charts(material: PageMaterial) -> list[Chart]:
    """Return the charts of the session as a whole."""
    events = SessionEvents(
        lambda: material.events.tables, lambda: material.stated_events, f"session {material.session.session_id}"
    )
    return [
        raster_chart.raster(material, events),
        *probe_charts.drift_maps(material),
        *probe_charts.yields(material),
        *probe_charts.noises(material),
        *event_charts.event_charts(material, events),
        *task_charts.task_charts(material.events.tables),
        *signal_charts.signal_charts(material),
        *embedding_maps.embedding_charts(material),
    ]
