"""Stimulus presentations: which of them a data set can use, and spike counts in bins around each.

Add here what is particular to presentations. Windows of the presets, all alike, are
`nh_platform.windows.counts.binning`.
"""
