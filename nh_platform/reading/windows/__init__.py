"""The windows of a preset of a stored session: index, counts, signals, what was shown.

Add a module here for what people read of windows. Where windows lie and what is counted is `nh_platform.windows`.
"""
