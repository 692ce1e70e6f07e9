"""Time in which nothing was recorded, among the invalid times of a session: before, after, and in pauses.

In a pause no unit of any probe fires: 0 counts are no data there. Add here what the recorded time says of windows. What
an invalid interval does to windows is `nh_platform.windows.valid_time`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nh_platform.session.recorded_time import RecordedTime
from nh_platform.windows.intervals import merged_pairs
from nh_platform.windows.valid_time import InvalidTimes


def with_pauses(invalid: InvalidTimes, recorded: RecordedTime) -> InvalidTimes:
    """Return invalid times in which the pauses of the recording are among those of windows and of spikes.

    The spikes that a pause lies between are outside of it.
    """
    if not recorded.pauses:
        return invalid
    pauses = [(float(np.nextafter(start, stop)), stop) for start, stop in recorded.pauses]
    return replace(
        invalid,
        session=merged_pairs([*invalid.session, *pauses]),
        recording=merged_pairs([*invalid.recording, *pauses]),
    )


def with_unrecorded(invalid: InvalidTimes, recorded: RecordedTime) -> InvalidTimes:
    """Return `with_pauses` in which windows are invalid before and after the recorded time as well.

    Without spikes nothing was recorded, and nothing is added.
    """
    if not recorded.stop >= recorded.start:
        return invalid
    invalid = with_pauses(invalid, recorded)
    outside = [(-np.inf, recorded.start), (recorded.stop, np.inf)]
    return replace(invalid, session=merged_pairs([*invalid.session, *outside]))
