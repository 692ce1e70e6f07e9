"""Spike counts in bins: made from spikes, brought into smaller forms, and stored.

Add here what counts spikes, or what is kept of counts. Where windows lie, and which of their bins are masked, is
decided in `nh_platform.windows`.
"""
