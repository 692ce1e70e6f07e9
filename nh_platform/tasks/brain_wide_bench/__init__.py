"""The eleven tasks of BrainWideBench as targets made from stored sessions.

Contains the benchmark's trials, windows, splits, signals, hold-outs and choice of units, a module for each, and a
module for each of its three suites. Add here what the benchmark adds. Metrics and baselines belong to
`nh_platform.tasks`; tasks that are not the benchmark's have rooms of their own.

Definitions are those of BrainWideBench 2026 (``brainbench-org/ibl-bwb``, data version 0.1.0, and ``ibl-bwb-eval``
0.1.0); where a module deviates, it says so.
"""
