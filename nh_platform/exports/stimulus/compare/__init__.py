"""The stimulus files held against a published copy of that data set.

`published_set` finds and reads the copy, `comparison` says what differs. Nothing is written.
"""

from nh_platform.exports.stimulus.compare.comparison import Comparison, Difference, compare_files

__all__ = ["Comparison", "Difference", "compare_files"]
