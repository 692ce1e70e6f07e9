"""Assets whose checks are not current: stored as they should be, and not checked on that output to the end.

A run that is killed between an output and its checks leaves one. Nothing is stale then, so nobody would ask again: in
two rehearsals of 21 kills, the gate of one session of 20 stayed "not evaluated". Add here another way in which Dagster
can lack what the store has. What follows is decided in `nh_platform.planning.run_requests`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.asset_check_execution_record import COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable

from nh_platform.defs.checks import session_checks
from nh_platform.home.platform import Platform
from nh_platform.planning.session_states import SourceStates
from nh_platform.planning.versions import SourcePlan

_MADE = dg.DagsterEventType.ASSET_MATERIALIZATION.value
_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value

_AT_A_TIME = 1000
"""Events that one statement asks for."""
_FEW = 100
"""Sessions that are named in a statement; of more, all of the source are asked for."""

Checks = Mapping[str, Sequence[dg.AssetCheckKey]]
"""Checks by the name of their asset."""


@dataclass(frozen=True)
class NotChecked:
    """Assets of a session that are stored and not checked: those whose checks alone must run, and those made again."""

    unchecked: tuple[str, ...]
    unrecorded: tuple[str, ...]


@dataclass
class _Recorded:
    """What Dagster's history has of one asset of a session: ids of its last events, and how many checks are of which.

    Attributes
    ----------
    made, planned
        Of its last output, and of the last run that was to make it; 0 where there is none.
    n_checked
        How many of its checks ran to their end when they were last begun, by the output that they were of.
    n_checks
        How many it has.
    """

    made: int = 0
    planned: int = 0
    n_checked: dict[int, int] = field(default_factory=dict)
    n_checks: int = 0

    @property
    def lacks_output(self) -> bool:
        """Whether a run was to make it since, and Dagster has no output of that."""
        return self.planned > self.made

    @property
    def lacks_checks(self) -> bool:
        """Whether checks of its last output did not end; not of an asset that the history does not know."""
        return self.n_checked.get(self.made, 0) < self.n_checks


def with_checks(
    instance: dg.DagsterInstance, platform: Platform, source: str, states: SourceStates, checks: Checks | None = None
) -> SourceStates:
    """Return the states of all sessions of a source with what of them is stored and not checked, as of `not_checked`.

    Parameters
    ----------
    instance, platform, source, checks
        As of `not_checked`.
    states
        All sessions of the source.
    """
    current = {state.session_id: state.current for state in states.sessions}
    found = not_checked(instance, platform, source, current, checks)
    sessions = tuple(
        replace(state, unchecked=found[state.session_id].unchecked, unrecorded=found[state.session_id].unrecorded)
        if state.session_id in found
        else state
        for state in states.sessions
    )
    return replace(states, sessions=sessions)


def not_checked(
    instance: dg.DagsterInstance,
    platform: Platform,
    source: str,
    current: Mapping[str, Collection[str]],
    checks: Checks | None = None,
) -> dict[str, NotChecked]:
    """Return what of some sessions is stored and not checked, by session; those that lack nothing are left out.

    An asset of which Dagster's history knows nothing is left alone: the history was lost or is another machine's, and
    to make a whole release anew for that would help nobody. Two statements ask for all sessions together.

    Parameters
    ----------
    instance, platform, source
        Where the history is, and the source.
    current
        By session, the assets that the store holds in the version that they should have.
    checks
        Checks that are to be current, by the name of their asset; all that the settings state where None.
    """
    stated = session_checks(platform.entry(source), platform) if checks is None else checks
    made, storage = SourcePlan(platform, source).assets, instance.event_log_storage
    wanted = {name: keys for name, keys in stated.items() if name in made}
    if not isinstance(storage, SqlEventLogStorage) or not any(current.values()):
        return {}
    recorded = _recorded(storage, source, wanted, current)
    lacking = [
        (session_id, name)
        for session_id, names in current.items()
        for name in names
        if name in wanted and ((one := recorded[name, session_id]).lacks_output or one.lacks_checks)
    ]
    cancelled = _cancelled(instance, storage, [recorded[name, session_id].planned for session_id, name in lacking])
    unchecked, unrecorded = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for session_id, name in lacking:
        one = recorded[name, session_id]
        is_stopped = one.lacks_output and one.planned in cancelled
        if not is_stopped and (one.lacks_output or made[name].checks):
            unrecorded[session_id].append(name)
        elif one.lacks_checks and not made[name].checks:
            unchecked[session_id].append(name)
    return {
        session_id: NotChecked(tuple(unchecked[session_id]), tuple(unrecorded[session_id]))
        for session_id in dict.fromkeys(session_id for session_id, _ in lacking)
        if unchecked[session_id] or unrecorded[session_id]
    }


def _cancelled(instance: dg.DagsterInstance, storage: SqlEventLogStorage, planned: Sequence[int]) -> set[int]:
    """Return those of some planned outputs whose run a person stopped: nobody wants them made for that."""
    events, found = SqlEventLogStorageTable.c, set[int]()
    for start in range(0, len(planned), _AT_A_TIME):
        asked = sa.select(events.id, events.run_id).where(events.id.in_(planned[start : start + _AT_A_TIME]))
        with storage.index_connection() as connection:
            runs = {one.id: one.run_id for one in connection.execute(asked)}
        stopped = dg.RunsFilter(run_ids=sorted({*runs.values()}), statuses=[dg.DagsterRunStatus.CANCELED])
        ids = {run.run_id for run in instance.get_runs(stopped)} if runs else set()
        found |= {event_id for event_id, run_id in runs.items() if run_id in ids}
    return found


def _recorded(
    storage: SqlEventLogStorage, source: str, wanted: Checks, sessions: Collection[str]
) -> Mapping[tuple[str, str], _Recorded]:
    """Return what the history has of sessions, by asset and session; of few of them, it is asked for these alone."""
    names = {dg.AssetKey([source, name]).to_string(): name for name in wanted}
    events, executions = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    is_few = len(sessions) <= _FEW
    of_events, of_executions = (
        [column.in_(list(sessions))] if is_few else [] for column in (events.partition, executions.partition)
    )
    last_events = (
        sa.select(events.asset_key, events.partition, events.dagster_event_type, sa.func.max(events.id))
        .where(events.asset_key.in_(list(names)), events.dagster_event_type.in_([_MADE, _PLANNED]), *of_events)
        .group_by(events.asset_key, events.partition, events.dagster_event_type)
    )
    of_checks = sa.or_(
        *(
            sa.and_(executions.asset_key == key, executions.check_name.in_([check.name for check in wanted[name]]))
            for key, name in names.items()
            if wanted[name]
        )
    )
    last_executions = (
        sa.select(sa.func.max(executions.id))
        .where(of_checks, *of_executions)
        .group_by(executions.asset_key, executions.check_name, executions.partition)
    )
    ended = [status.value for status in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES]
    output = executions.materialization_event_storage_id
    checked = (
        sa.select(executions.asset_key, executions.partition, output, sa.func.count())
        .where(executions.id.in_(last_executions), executions.execution_status.in_(ended))
        .group_by(executions.asset_key, executions.partition, output)
    )
    found: defaultdict[tuple[str, str], _Recorded] = defaultdict(_Recorded)
    with storage.index_connection() as connection:
        for key, session_id, kind, event_id in connection.execute(last_events):
            one = found[names[key], session_id or ""]
            one.n_checks = len(wanted[names[key]])
            if kind == _MADE:
                one.made = event_id
            else:
                one.planned = event_id
        for key, session_id, of_output, number in connection.execute(checked):
            found[names[key], session_id or ""].n_checked[of_output or 0] = number
    return found
