"""The stimulus files held against a published copy of that data set.

`published_set` finds and reads the copy, `comparison` says what differs, `other_mode` whether our
other mode agrees. Nothing is written.
"""

from nh_platform.exports.stimulus.compare.comparison import Comparison, Difference, compare_files
from nh_platform.exports.stimulus.compare.other_mode import compare_with_other_mode

__all__ = ["Comparison", "Difference", "compare_files", "compare_with_other_mode"]
