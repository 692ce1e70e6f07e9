"""Dagster's history of sessions, for commands: which checks warn or fail, and why the last run of a session failed.

Add here what a command says of a session that only Dagster remembers. What the store says of it is `planning`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from nh_platform.defs.automation.jobs import session_job_name
from nh_platform.defs.checks import session_checks
from nh_platform.defs.partitions import session_partitions
from nh_platform.defs.rules.rules_in_force import RulesInForce, digest_of
from nh_platform.defs.run_tags import PARTITION_TAG
from nh_platform.home.active_rulebook import active_rulebook
from nh_platform.home.platform import Platform

_RUNS_LOOKED_AT = 20
"""Runs of a session, newest first, among which the last one of its source is looked for."""


NOT_JUDGED = "not judged yet"
"""Word for a rule of the rulebook in force that a session was not held against: its results are of other rules."""


@dataclass(frozen=True)
class Finding:
    """Outcome of one check of a session.

    Parameters
    ----------
    check, asset
        Its name, and the asset that it is of.
    word
        ``ok``, ``warns``, ``fails`` or `NOT_JUDGED`.
    text
        What was found.
    """

    check: str
    asset: str
    word: str
    text: str

    @property
    def is_judged(self) -> bool:
        """Whether the rules in force judged it."""
        return self.word != NOT_JUDGED


def finding(evaluation: dg.AssetCheckEvaluation) -> Finding:
    """Return what a check found, in words."""
    fails = evaluation.severity is dg.AssetCheckSeverity.ERROR
    word = "ok" if evaluation.passed else "fails" if fails else "warns"
    return Finding(evaluation.check_name, evaluation.asset_key.path[-1], word, evaluation.description or "")


def session_findings(instance: dg.DagsterInstance, platform: Platform, source: str, session_id: str) -> list[Finding]:
    """Return what the checks of a session found when they last ran; those that never did are left out.

    What another rulebook found does not count: it is `NOT_JUDGED`, as is a rule that is new.
    """
    rules, found, new = RulesInForce(platform.settings.home), list[Finding](), list[dg.AssetCheckKey]()
    evaluated = dg.DagsterEventType.ASSET_CHECK_EVALUATION  # and not the plan of one that never ran
    by_others = False
    for key in _check_keys(platform, source):
        last = instance.event_log_storage.get_asset_check_execution_history(
            key, limit=1, partition_filter=PartitionKeyFilter(key=session_id)
        )
        evaluation = (
            last[0].evaluation if last and last[0].event and last[0].event.dagster_event_type is evaluated else None
        )
        if evaluation is not None and rules.is_counted(key, digest_of(evaluation)):
            found.append(finding(evaluation))
        elif evaluation is not None or not last:
            new += [key] if rules.digest(key) is not None else []
            by_others |= evaluation is not None
    book = active_rulebook(platform.settings, source)
    text = f"by rulebook {book.id} ({book.digest})"
    return found + [Finding(key.name, key.asset_key.path[-1], NOT_JUDGED, text) for key in new if by_others]


def warned_sessions(
    instance: dg.DagsterInstance, platform: Platform, source: str, sessions: Iterable[str]
) -> dict[str, int]:
    """Return how many of some sessions each check warns or fails for, by the check's name, most first.

    What was found of an earlier state of the session, or by other rules, does not count.
    """
    infos = instance.event_log_storage.get_asset_check_partition_info(_check_keys(platform, source))
    wanted, failed = set(sessions), AssetCheckExecutionRecordStatus.FAILED
    found = Counter(
        info.check_key.name
        for info in infos
        if info.partition_key in wanted and info.latest_execution_status is failed and info.is_current
    )
    return dict(found.most_common())


def failed_assets(
    instance: dg.DagsterInstance, source: str, session_id: str, assets: Sequence[str]
) -> tuple[list[str], tuple[str, ...]]:
    """Return those of some assets of a session whose last run failed, and what went wrong in the session's last run.

    A run that never began, since it could not be launched, has no asset that failed, and its reason all the same.
    """
    failed = []
    for asset in assets:
        key = dg.AssetKey([source, asset])
        status = instance.get_status_by_partition(key, [session_id], session_partitions(source)) or {}
        if (found := status.get(session_id)) is not None and found.name == "FAILED":
            failed.append(asset)
    return failed, _reasons(instance, source, session_id, only_newest=not failed) if assets else ()


def _reasons(instance: dg.DagsterInstance, source: str, session_id: str, *, only_newest: bool) -> tuple[str, ...]:
    """Return what went wrong in the last failed run of a session, one line for each failed step, or for the run."""
    runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: session_id}), limit=_RUNS_LOOKED_AT)
    of_source = [run for run in runs if _is_of(run, source)]
    last = next((run for run in of_source if run.status is dg.DagsterRunStatus.FAILURE), None)
    if last is None or (only_newest and last is not of_source[0]):
        return ()
    kinds = dg.DagsterEventType
    wanted = {kinds.STEP_FAILURE, kinds.RUN_START, kinds.ENGINE_EVENT, kinds.RUN_FAILURE}
    events = [entry.dagster_event for entry in instance.all_logs(last.run_id, of_type=wanted) if entry.dagster_event]
    steps = [event.step_failure_data for event in events if event.is_step_failure]
    texts = [
        str(data.user_failure_data.description) if data.user_failure_data else str(data.error and data.error.message)
        for data in steps
    ]
    texts = texts or _not_begun(events)
    texts = texts or [str(event.message) for event in events if event.event_type is kinds.RUN_FAILURE]
    return tuple(_first_line(text) for text in texts)


def _not_begun(events: Sequence[dg.DagsterEvent]) -> list[str]:
    """Return why a run did not begin, which the launcher of runs says; nothing of one that did."""
    kinds = dg.DagsterEventType
    if any(event.event_type is kinds.RUN_START for event in events):
        return []
    errors = (event.engine_event_data.error for event in events if event.event_type is kinds.ENGINE_EVENT)
    return [f"its run could not begin: {error.message}" for error in errors if error is not None]


def _check_keys(platform: Platform, source: str) -> list[dg.AssetCheckKey]:
    return [key for keys in session_checks(platform.entry(source), platform).values() for key in keys]


def _is_of(run: dg.DagsterRun, source: str) -> bool:
    return run.job_name == session_job_name(source) or any(key.path[0] == source for key in run.asset_selection or ())


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
