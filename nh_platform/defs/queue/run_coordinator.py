"""The run coordinator of an instance: Dagster's queue, in which every run says what memory it is expected to take.

Named in both ``dagster.yaml``. The sensor states it in what it asks for; the page, its backfills and jobs submit runs
that state nothing, and the limit of large runs let them all begin. Add here only what must be known of a run before it
waits. How memory is estimated is `nh_platform.planning.peak_memory`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dagster import DagsterRun
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.storage.tags import PRIORITY_TAG

from nh_platform.defs.run_tags import MEMORY_TAG, PARTITION_TAG
from nh_platform.home.settings import load_settings

if TYPE_CHECKING:
    from nh_platform.assets.record import SessionAsset
    from nh_platform.history.snapshots import Snapshot

_log = logging.getLogger(__name__)


class SizingRunCoordinator(QueuedRunCoordinator[Any]):
    """Queues runs as Dagster does; one that does not state its memory is given the tags of it."""

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Queue a run; one whose session cannot be looked up is queued all the same, and fails by name when it runs."""
        run = context.dagster_run
        if MEMORY_TAG not in run.tags:
            try:
                tags = expected_tags(run)
            except Exception as error:  # noqa: BLE001 - settings, store or a lab's package: none may hold up a run
                _log.warning("run %s is queued without its expected memory: %s", run.run_id, error)
                tags = {}
            lacking = {name: value for name, value in tags.items() if name not in run.tags}
            if lacking:
                self._instance.add_run_tags(run.run_id, lacking)
        return super().submit_run(context)


def expected_tags(run: DagsterRun) -> dict[str, str]:
    """Return the tags of the memory that a run of a session is expected to take; none of any other run.

    Parameters
    ----------
    run
        The run; its home is that of ``NH_HOME``.
    """
    from nh_platform.assets.registry import session_assets  # these: 1 s and 75 MB, once, in page and daemon
    from nh_platform.defs.automation.jobs import session_job_name
    from nh_platform.history.snapshots import find_snapshot
    from nh_platform.home.platform import Platform

    session_id = run.tags.get(PARTITION_TAG)
    if session_id is None:
        return {}
    platform = Platform(load_settings())
    keys = [key.path for key in run.asset_selection or () if len(key.path) == 2]
    of_job = {name for name in platform.entries if run.job_name == session_job_name(name)}
    found = {path[0] for path in keys} & set(platform.entries) or of_job
    if len(found) != 1:
        return {}
    (source,) = found
    every = session_assets(source, platform.config(source).also_assets)
    asked = {path[1] for path in keys} if run.asset_selection is not None else set(every)
    made = [asset for name, asset in every.items() if name in asked]
    snapshot = find_snapshot(platform.store, source)
    return size_tags(made, _spike_bytes(snapshot).get(session_id, 0.0)) if made else {}


@functools.lru_cache(maxsize=8)
def _spike_bytes(snapshot: Snapshot) -> Mapping[str, float]:
    """Return the bytes of the spikes of every session: a backfill of the page submits a thousand runs in a row."""
    return {str(name): float(size) for name, size in snapshot.manifest().spike_bytes().items()}


def size_tags(assets: Iterable[SessionAsset], spike_bytes: float) -> dict[str, str]:
    """Return the tags of a run by its expected peak memory: its class, and its place in the queue, large ones first.

    Parameters
    ----------
    assets
        Assets that it makes.
    spike_bytes
        Size of the session's spike files by its manifest [bytes].

    Examples
    --------
    >>> from nh_platform.assets.registry import session_assets
    >>> size_tags(session_assets("ibl").values(), 1.8e9)
    {'nh/memory': 'large', 'dagster/priority': '3'}
    """
    from nh_platform.planning.peak_memory import memory_class, peak_memory_gb

    peak_gb = peak_memory_gb(assets, spike_bytes)
    return {MEMORY_TAG: memory_class(peak_gb), PRIORITY_TAG: str(int(peak_gb))}
