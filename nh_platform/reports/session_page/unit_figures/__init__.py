"""Figures of the card of a unit: counted for all units in one pass over the spikes, then stated as charts.

Add a figure here as a function that returns a chart, and what it counts to `unit_counts`. Figures of the session are
the room beside this one.
"""
