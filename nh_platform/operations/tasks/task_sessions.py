"""The stored sessions that a task is asked of, and where their data come from.

Contains the choice of sessions, and the origin that files of a task state. What is run over them is `task_runs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import OpenHome
from nh_platform.session import ConfigError, StoreError
from nh_platform.session.errors import close_matches

if TYPE_CHECKING:
    from nh_platform.home.set_aside import SessionsInUse
    from nh_platform.reading import SessionView
    from nh_platform.tasks.task import Task, TaskData


def with_origins(task: Task, at: OpenHome) -> Task:
    """Return a task whose data state where they come from."""

    def make(view: SessionView) -> TaskData:
        return replace(task.make(view), origins=(origin_record(at, view, task.also_reads),))

    return replace(task, make=make)


def origin_record(at: OpenHome, view: SessionView, also_reads: Sequence[str] = ()) -> dict[str, object]:
    """Return release, data versions, terms and citations of a session; tasks read no verdicts, so no rulebook."""
    from nh_platform.exports.origin import origin_of
    from nh_platform.tasks.task import READ

    entry, release = at.platform.entry(view.source), at.platform.manifest(view.source).release
    record = asdict(origin_of(view, entry, release, (*READ, *also_reads)))
    return {name: value for name, value in record.items() if name not in ("rulebook", "rulebook_cites", "units")}


@dataclass(frozen=True)
class AskedSessions:
    """The sessions that a task is asked of.

    Parameters
    ----------
    views
        The sessions, each once.
    in_use
        What reviewers say of those that are set aside.
    """

    views: tuple[SessionView, ...]
    in_use: SessionsInUse


def asked_sessions(
    at: OpenHome, task: Task, source: str, sessions: Sequence[str], *, with_set_aside: bool
) -> AskedSessions:
    """Return the stored sessions that are asked for; where none is named, those that are not set aside.

    Raises
    ------
    ConfigError
        If the source has not the task, or none is given and it is of any.
    UnknownSession
        If a session, or the source, is not stored, or none that is not set aside.
    StoreError
        If no session is stored.
    """
    from nh_platform.home.set_aside import sessions_in_use
    from nh_platform.reading import OpenedStore
    from nh_platform.sources.registry import sources

    store = at.platform.store
    having = task.sources or tuple(sources())
    if source and source not in having:
        action = f"Sources that have it: {', '.join(having)}.{close_matches(source, having)}"
        raise ConfigError(f"task {task.name}", f"source {source} has it not", action)
    if not source and not task.sources:
        shown = ", ".join(one for one in having if store.sessions(one)) or "none is stored"
        raise ConfigError(f"task {task.name}", "it is of no one source", f"Give a source (--source): {shown}.")
    chosen = source or next((one for one in having if store.sessions(one)), having[0])
    stored = store.sessions(chosen)
    if not stored:
        action = f"Run `nh materialize {chosen} --missing` first."
        raise StoreError(f"source {chosen}", f"no session of it is stored in {store.address}", action)
    opened = OpenedStore(store)
    views = {view.session_id: view for view in (opened.session(chosen, one) for one in sessions or stored)}
    in_use = sessions_in_use(at.platform, chosen, list(views), are_named=bool(sessions), with_set_aside=with_set_aside)
    return AskedSessions(tuple(views[one] for one in in_use.ids), in_use)
