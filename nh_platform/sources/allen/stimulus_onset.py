"""The onset of a stimulus in Allen's presentations, as both data sets have it.

Add here another event that both have. Those of one data set alone stand in its entry.
"""

from nh_platform.sources.events import EventFilter, EventTimes

PRESENTATION = EventTimes(
    "presentations",
    "start_time",
    (EventFilter(column="stimulus_name", exclude=("spontaneous",)),),
    whole_movies=True,
)
"""Spontaneous activity has no onset, so Allen's `spontaneous` rows are none; blank sweeps are, they are the control.
A movie begins once: of 4,860 rows of one session 4,500 are its frames, 33 ms each."""
