"""Checks of rules as Dagster shows them: what each found, and whether that still counts.

Add here what Dagster must be told of a rule's check. Which checks a session has is `nh_platform.defs.checks`.
"""
