"""How many of a smaller unit of measure make one of those that everything is written in: volts and seconds.

Add a factor here when a second module shows or writes numbers in that unit. Upstream's numbers are converted at the
door, where a source is read; thresholds of rules by `nh_platform.qc.rules.quantities`, in decimal.
"""

from __future__ import annotations

UV_PER_V = 1e6
MS_PER_S = 1e3
