"""What a session lacks for a task: the error, and the platform's own errors that mean the same.

Contains the one way in which targets refuse a session. Which data a task needs is said where it reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from nh_platform.session import (
    BadUpstreamData,
    ConfigError,
    DamagedFile,
    SchemaError,
    StoreError,
    UnknownSession,
)
from nh_platform.tasks.task import TargetMissing

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

Others = ParamSpec("Others")
Found = TypeVar("Found")


def lacking(session: SessionView, found: str, action: str) -> TargetMissing:
    """Return the error for a session; ``found`` is what it lacks, ``action`` what a person can do."""
    return TargetMissing(f"{session.source} session {session.session_id}", found, action)


def says_what_lacks(
    read: Callable[Concatenate[SessionView, Others], Found],
) -> Callable[Concatenate[SessionView, Others], Found]:
    """Let a function of a session raise `TargetMissing` in place of the platform's errors that mean the same.

    These are: an asset was not made, a table or signal is not there or unusable, spikes are unusable, or the session is
    too short to divide. A damaged file is raised as it is: it is no property of the session.
    """

    @wraps(read)
    def named(session: SessionView, *args: Others.args, **others: Others.kwargs) -> Found:
        try:
            return read(session, *args, **others)
        except DamagedFile:
            raise
        except (UnknownSession, StoreError, SchemaError, ConfigError, BadUpstreamData) as error:
            thing = error.thing.removesuffix(f" of {session.source} session {session.session_id}")
            raise lacking(session, f"{thing}: {error.found}", error.action) from error

    return named
