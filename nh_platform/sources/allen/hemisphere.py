"""Which way the Allen Institute's recordings count ML.

Contains one fact and its evidence. Add nothing here that is not of both data sets.

The probes are in the left hemisphere: a screen stands before the mouse's right eye (databook of the Summer Workshop on
the Dynamic Brain, *Experimental setup*), and the left visual cortex sees what that eye sees. Yet the released
``left_right_ccf_coordinate`` of visual cortex is 7,500 to 10,100 µm, beyond the middle of the volume (5,700): read from
left to right, that were the right hemisphere. The Institute's notebook (*Visual Coding Neuropixels: LFP*) plots its
negative against the negative of AP as a view from above with lateral on the left: the released ML grows towards the
animal's left. Only the side follows from this: the volume is symmetric, and structures are the same on both.
"""

from __future__ import annotations

from nh_platform.sources.entry import MlTowards

ML_TOWARDS: MlTowards = "left"
