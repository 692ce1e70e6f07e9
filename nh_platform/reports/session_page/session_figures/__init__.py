"""Figures of a session: activity along the probes and around events, behaviour, and sampled signals.

Add a figure here as a function that returns a chart, and name it in `charts`. Each says in its `lacking` why a session
has nothing to draw. Figures of single units are the room beside this one.
"""
