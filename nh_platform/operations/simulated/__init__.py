"""The demo: a home folder with simulated sessions of every source, run through every asset and check.

Add here what only simulated sessions need. How they are simulated is `nh_platform.simulation`.
"""
