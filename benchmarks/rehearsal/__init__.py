"""A release rehearsed: simulated sessions made as a user makes a release, with figures of each stage.

Add here a stage of a release that costs time, memory or disk. What single kernels and pages cost is measured by the
modules beside this room.
"""
