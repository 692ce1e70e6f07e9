"""Splits: which sessions, and which stretches of a session, train, validate and test, and the audit that proves it.

Add here a way of dividing data that a published model or benchmark uses. Nothing is stored here: a split is a function
of ids, times and a seed, so that anyone gets the same one.
"""

from nh_platform.windows.splits.audit import audit
from nh_platform.windows.splits.audited_record import Finding, PartOfSet, SetRecord
from nh_platform.windows.splits.by_subject import SPLITS, split_by_subject
from nh_platform.windows.splits.reserved_lists import ReservedList, load_reserved, reserved_ids
from nh_platform.windows.splits.subsets import nested_subset
from nh_platform.windows.splits.task_chunks import chunk_ranges
from nh_platform.windows.splits.time_ranges import block_folds, causal_ranges, task_time_ranges

__all__ = [
    "SPLITS",
    "Finding",
    "PartOfSet",
    "ReservedList",
    "SetRecord",
    "audit",
    "block_folds",
    "causal_ranges",
    "chunk_ranges",
    "load_reserved",
    "nested_subset",
    "reserved_ids",
    "split_by_subject",
    "task_time_ranges",
]
