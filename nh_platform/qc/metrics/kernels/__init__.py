"""Compiled loops over the spikes of single units, without any knowledge of what a metric means.

Add a loop here when numpy cannot do it in one pass. Import these modules inside functions: numba costs 0.9 s.
"""
