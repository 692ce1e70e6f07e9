"""Unit quality as reviewable text: metrics, rulebooks, verdicts with reasons, reviews.

Add here what decides whether a unit, a trial, a session or a region is used, or explains that decision. Nothing here
reads spikes of an upstream format, writes to the store, draws a figure or imports Dagster.
"""
