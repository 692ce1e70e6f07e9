"""What a session lacks for a task: the error, and the platform's own errors that mean the same.

Contains the one way in which targets refuse a session. Which data a task needs is said where it reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nh_platform.session import BadUpstreamData, ConfigError, DamagedFile, SchemaError, StoreError, UnknownSession
from nh_platform.tasks.task import TargetMissing

if TYPE_CHECKING:
    from nh_platform.reading import SessionView


def lacking(session: SessionView, found: str, action: str) -> TargetMissing:
    """Return the error for a session; ``found`` is what it lacks, ``action`` what a person can do."""
    return TargetMissing(f"{session.source} session {session.session_id}", found, action)


@contextmanager
def what_lacks(session: SessionView) -> Iterator[None]:
    """Turn errors about what is not stored of a session, or cannot be divided, into `TargetMissing`.

    Raises
    ------
    TargetMissing
        If an asset was not made, a table or signal is not there or unusable, or the session is too short to divide.
    DamagedFile
        As it is: a damaged store is no property of the session.
    """
    try:
        yield
    except DamagedFile:
        raise
    except (UnknownSession, StoreError, SchemaError, ConfigError, BadUpstreamData) as error:
        thing = error.thing.removesuffix(f" of {session.source} session {session.session_id}")
        raise lacking(session, f"{thing}: {error.found}", error.action) from error
