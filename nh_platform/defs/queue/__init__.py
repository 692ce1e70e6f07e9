"""The queue of runs: what a run is told before it waits, whoever launched it.

Contains the run coordinator that both ``dagster.yaml`` name. What limits the queue stands in those files.
"""
