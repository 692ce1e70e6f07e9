"""Tags of runs: what a run is of and why it was launched, and on what it failed.

Every run carries source, snapshot and reason, whoever launched it: jobs, sensor and commands say so when they launch
it; the embedded run storage says it of a run that a person launched in the page (`run_storage`), whose first step adds
the snapshot. Add a tag here when runs must be found by it.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence

import dagster as dg
from sqlalchemy.exc import DBAPIError

from nh_platform.session import BadUpstreamData, UpstreamTrouble
from nh_platform.store import Store

SOURCE_TAG, TARGET_TAG, SNAPSHOT_TAG, SIGNAL_TAG, REASON_TAG = (
    "nh/source",
    "nh/target",
    "nh/snapshot",
    "nh/signal",
    "nh/reason",
)
BACKFILL_TAG = "nh/backfill"
"""Id of the `nh backfill` that asked for the run."""
DOWN_SINCE_TAG = "nh/down_since"
"""Since when upstream has not answered, of the run that says so."""
WARNED_TAG = "nh/warned"
"""Names of the checks that warn or fail in the run."""
MEMORY_TAG = "nh/memory"
"""``large`` or ``small``, by the peak memory that the run is expected to take; ``dagster.yaml`` limits large ones."""
PARTITION_TAG = "dagster/partition"
UNUSABLE_TAG, OUTSIDE_TAG, TROUBLE_TAG = "nh/unusable", "nh/outside", "nh/trouble"
"""Tags of a run in which an asset failed: on upstream's data as they are, for a reason outside the session that may
pass, or on anything else."""

IN_THE_PAGE = "launched by hand, in the page or with a command of Dagster's"

_BETWEEN_NAMES = ", "
_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.ENOMEM)
"""Errors of the operating system that are about the machine and not about the session."""


def run_tags(store: Store, source: str, reason: str) -> dict[str, str]:
    """Return the tags of a run of a source: which it is of, the snapshot that it is held against, and why it runs."""
    return {SOURCE_TAG: source, SNAPSHOT_TAG: str(latest_snapshot(store, source)), REASON_TAG: reason}


def latest_snapshot(store: Store, source: str) -> int:
    """Return the number of the snapshot that was stored last; 0 where there is none."""
    from nh_platform.history.snapshots import list_snapshots  # 1 s and 75 MB, in Dagster's page and daemon, too

    return max((snapshot.number for snapshot in list_snapshots(store, source)), default=0)


def stamp_run(context: dg.AssetExecutionContext, store: Store, source: str) -> None:
    """Give a run that was launched by hand the tags that the others have from the beginning."""
    lacking = {SOURCE_TAG, SNAPSHOT_TAG, REASON_TAG} - context.run.tags.keys()
    if lacking:
        tags = run_tags(store, source, IN_THE_PAGE)
        context.instance.add_run_tags(context.run.run_id, {name: tags[name] for name in sorted(lacking)})


def name_warned(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, checks: Sequence[str]) -> None:
    """Name checks that warn or fail in the tags of their run, beside those that are named already.

    Done by the step of the checks, and so in every run, whoever launched it.
    """
    if not checks:
        return
    run = context.instance.get_run_by_id(context.run.run_id)
    if run is not None:
        before = [name for name in run.tags.get(WARNED_TAG, "").split(_BETWEEN_NAMES) if name]
        names = _BETWEEN_NAMES.join(dict.fromkeys([*before, *checks]))
        context.instance.add_run_tags(run.run_id, {WARNED_TAG: names})


def failure_tag(error: BaseException) -> str:
    """Return the tag of a run by which the sensor tells what another run would find again from what may pass.

    Parameters
    ----------
    error
        What making the asset raised.
    """
    if isinstance(error, BadUpstreamData) and not isinstance(error, UpstreamTrouble):
        return UNUSABLE_TAG
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, UpstreamTrouble | MemoryError | TimeoutError | ConnectionError | DBAPIError):
            return OUTSIDE_TAG
        if isinstance(seen, OSError) and seen.errno in _PASSING:
            return OUTSIDE_TAG
        seen = seen.__cause__ or seen.__context__
    return TROUBLE_TAG


def is_unusable(tags: Mapping[str, str]) -> bool:
    """Whether a run failed on upstream's data alone."""
    return UNUSABLE_TAG in tags and not {OUTSIDE_TAG, TROUBLE_TAG} & tags.keys()


def failed_outside(tags: Mapping[str, str]) -> bool:
    """Whether a failed run failed for a reason outside its session: it says so, or it ended before it could say any.

    A run whose process was killed, whose code server timed out or whose definitions had changed in between says none.
    """
    return TROUBLE_TAG not in tags and (OUTSIDE_TAG in tags or UNUSABLE_TAG not in tags)
