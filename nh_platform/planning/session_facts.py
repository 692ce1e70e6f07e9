"""Facts about a session from which it is decided what runs: what it should hold and lacks, and how its runs went.

Add here a fact that a decision needs. Decided is in `run_requests`; facts of the store are gathered in
`session_states`, those of Dagster's history in `nh_platform.defs.automation`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class AttemptState(StrEnum):
    """State that a run reached."""

    in_progress = "in progress"
    failed = "failed"
    outside = "failed outside itself"
    """Its process was killed, the code server timed out, the disk was full, a server did not answer."""
    cancelled = "cancelled"
    """A person stopped it: it counts as a run, and not as a failure."""
    succeeded = "succeeded"


@dataclass(frozen=True)
class Attempt:
    """A run that was asked for.

    Parameters
    ----------
    session_id
        The session.
    target
        `SessionState.goal` that it was asked for.
    state
        How far it got.
    ended_at
        When it ended [s since 1970]; 0 where it did not, or nobody knows.
    """

    session_id: str
    target: str
    state: AttemptState
    ended_at: float = 0.0

    @property
    def has_failed(self) -> bool:
        """Whether it ended by a fault."""
        return self.state in (AttemptState.failed, AttemptState.outside)


@dataclass(frozen=True)
class SessionState:
    """State of a session: what it should hold and what of it is stale.

    Parameters
    ----------
    session_id
        The session.
    stale
        Assets that the store lacks or holds in another version, in running order.
    target
        Identity of the state that is wanted: hash of all expected data versions.
    is_wanted
        Whether the sensor may ask for it: something of it is stored, a command asked for it, or a release brought it
        (`nh_platform.history.wanted`). Sessions that were only listed wait for an explicit command.
    current
        Assets that the store holds in the version that they should have.
    unchecked
        Those of them whose checks have not run to their end on that output.
    unrecorded
        Those of them that must be made again to be checked: making them carries their checks out, or their run ended
        before Dagster had the output.
    """

    session_id: str
    stale: tuple[str, ...]
    target: str
    is_wanted: bool
    current: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()

    @property
    def lacking(self) -> tuple[str, ...]:
        """Assets that a run must make, or whose checks it must carry out."""
        return (*self.unchecked, *self.unrecorded, *self.stale)

    @property
    def goal(self) -> str:
        """Identity of what a run is to bring about: the state, or where the store holds that, its checks.

        Tries of the two are counted apart: a session that took two runs to be made can still be checked.
        """
        return self.target if self.stale else hashlib.sha256(f"checks of {self.target}".encode()).hexdigest()
