"""Rulebooks and rules of a person's own, as text, for tests that configure or change them.

Add here what several tests configure. A text that one test alone needs stands in that test.
"""

NO_UNIT_PASSES = """\
id: nothing-is-good
title: Nothing is good
version: "1"
sources: [ibl]
use: recomputed
label: all
why: A rulebook that no unit passes.
rules:
  - id: firing_rate
    metric: ibl.firing_rate@2022-10
    comparison: ">"
    threshold: 100000
    unit: Hz
    nan: fail
    severity: warn
    why: No neuron fires so fast.
    since: "1"
"""
"""Id ``nothing-is-good``, with the one rule ``firing_rate``."""

OWN_RULE = """\
rules:
  - id: fast_enough
    metric: allen.firing_rate@2019
    use: recomputed
    comparison: ">"
    threshold: 0.1
    unit: Hz
    nan: fail
    severity: warn
    why: A rule of a lab.
    since: "1"
"""
"""What an own rulebook has in place of the line ``rules:``: one rule more, ``fast_enough``."""
