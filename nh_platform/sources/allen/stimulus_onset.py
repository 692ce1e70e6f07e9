"""The onset of a stimulus in Allen's presentations, as both data sets have it.

Add here another event that both have. Those of one data set alone stand in its entry.
"""

from nh_platform.sources.events import EventFilter, EventTimes

PRESENTATION = EventTimes(
    "presentations", "start_time", (EventFilter(column="stimulus_name", exclude=("spontaneous",)),)
)
"""Spontaneous activity has no onset, so Allen's `spontaneous` rows are none; blank sweeps are, they are the control."""
