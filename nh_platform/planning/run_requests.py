"""Run requests: which sessions and assets to run now, decided on plain data, without Dagster and without a clock.

Contains the rule by which the release sensor asks for runs. Add a condition here when a session must wait or be tried
again. How runs are launched, and how the facts are gathered, is `nh_platform.defs.automation`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from nh_platform.history.wanted import Asked
from nh_platform.planning.session_facts import Attempt, AttemptState, SessionState

MAX_ATTEMPTS = 2
"""Runs in a row for the same state of a session: the first, and one more where that did not bring it about.

More is a person's decision: a bare retry condition asked for some 368,000 failed runs in fourteen days elsewhere.
"""

FIRST_GAP_S, LONGEST_GAP_S = 300.0, 6 * 3600.0
"""Time between a run that failed for a reason outside its session and the next one: doubled each time, up to the
longest. A full disk or a server that is down is not mended by two runs within minutes, and by none within seconds."""

DIGITS = 12
"""Digits of a data version in a run key; 48 bits tell 1,000 sessions' states apart."""


@dataclass(frozen=True)
class SessionRequest:
    """One run to launch.

    Parameters
    ----------
    session_id
        The session.
    assets
        What it makes, with their checks.
    run_key
        Key that a repeated tick gives again.
    target
        `SessionState.goal`.
    backfill
        Id under which a person asked for it, empty where nobody did.
    checked
        Assets of which it carries out the checks alone.
    """

    session_id: str
    assets: tuple[str, ...]
    run_key: str
    target: str
    backfill: str = ""
    checked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Runs to launch, and what is left and why.

    Parameters
    ----------
    requests
        Runs to launch, what a person asked for and heavy sessions first.
    in_progress, exhausted
        Sessions that are being run, and those for which `MAX_ATTEMPTS` runs did not bring this state about.
    waiting
        Sessions left for the next tick by the cap.
    not_loaded
        Sessions that were only listed, and that nobody asked to load.
    unusable
        Sessions whose upstream data could not be used in this state, as they stand; another run would find the same.
    later
        Sessions whose last run failed for a reason outside them: when each is asked for again [s since 1970].
    failed
        Sessions whose last run for this state failed, whoever launched it, each with what happens next in words. It is
        what sensor, `nh status`, `nh inventory` and the standing check all count as *failed*.
    held
        Sessions that a release changes which waits to be accepted.
    unchecked
        Sessions of which the checks of something stored have not run to their end, and that are not being run.
    """

    requests: tuple[SessionRequest, ...]
    in_progress: tuple[str, ...]
    exhausted: tuple[str, ...]
    waiting: tuple[str, ...]
    not_loaded: tuple[str, ...]
    unusable: tuple[str, ...]
    later: Mapping[str, float]
    failed: Mapping[str, str]
    held: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def left(self) -> frozenset[str]:
        """Sessions that are left to a person, or until upstream changes."""
        return frozenset({*self.exhausted, *self.unusable})


ASKED_AGAIN, TO_A_PERSON = "tried again now", "left to a person"
TRIED_LATER, UNTIL_UPSTREAM_CHANGES = "tried again later", "unusable until upstream changes"
NOT_WANTED = "not asked for by the sensor"
"""What happens next with a failed session."""


def decide(
    states: Sequence[SessionState],
    attempts: Sequence[Attempt],
    *,
    snapshot: int,
    cap: int,
    unusable: Collection[tuple[str, str]] = (),
    now: float = 0.0,
    held: Collection[str] = (),
    asked: Mapping[str, Asked] | None = None,
) -> Decision:
    """Decide which sessions to run now.

    Parameters
    ----------
    states
        All sessions of the manifest, in the order in which they should run.
    attempts
        Runs that were asked for since this snapshot was taken, oldest first, and all that are in progress.
    snapshot
        Number of the catalogue snapshot. It is in the run key beside the number of the runs that ended in it, so that
        a state that returns (A, B, A), with a release or with a review, runs again.
    cap
        At most this many requests.
    unusable
        (session, target) of runs, whatever the snapshot, that ended because upstream's own data cannot be used. A
        snapshot that changes other sessions is no reason to download and refuse them again.
    now
        The time [s since 1970], for runs that are tried again later.
    held
        Sessions of a release that waits to be accepted; those that are wanted wait with it, but for ``asked`` ones.
    asked
        What a person asked for of sessions, as far as it is the state that is wanted now. They come first, and only
        runs that ended later count as tries.

    Returns
    -------
    Decision
        The same facts give the same run keys, so a tick that is repeated launches nothing twice.
    """
    busy = {attempt.session_id for attempt in attempts if attempt.state is AttemptState.in_progress}
    ended: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        if attempt.state is not AttemptState.in_progress:
            ended.setdefault(attempt.session_id, []).append(attempt)
    requests: list[SessionRequest] = []
    in_progress, exhausted, waiting, not_loaded, refused, waits = [], [], [], [], [], []
    later: dict[str, float] = {}
    failed: dict[str, str] = {}
    asked = asked or {}
    for state in sorted(states, key=lambda one: one.session_id not in asked):
        every = ended.get(state.session_id, [])
        if not state.lacking:
            continue
        # A run that somebody launched by hand does not say for which state it was; it counts as one for this state.
        has_failed = bool(every) and every[-1].has_failed and every[-1].target in (state.goal, "")
        by = asked.get(state.session_id)
        before = [one for one in every if by is None or one.ended_at > by.at]
        own = [attempt.target for attempt in before if attempt.state is not AttemptState.outside]
        again = _again_at(before, state.goal, now)
        if state.session_id in busy:
            in_progress.append(state.session_id)
        elif (state.session_id, state.goal) in unusable:
            refused.append(state.session_id)
            failed[state.session_id] = UNTIL_UPSTREAM_CHANGES
        elif not state.is_wanted:
            if has_failed:
                failed[state.session_id] = NOT_WANTED
            not_loaded.append(state.session_id)
        elif state.session_id in held and by is None:
            waits.append(state.session_id)
        elif own[-MAX_ATTEMPTS:] == [state.goal] * MAX_ATTEMPTS:
            exhausted.append(state.session_id)
            if before[-1].state is not AttemptState.cancelled:
                failed[state.session_id] = TO_A_PERSON
        elif again > now:
            later[state.session_id] = again
            failed[state.session_id] = TRIED_LATER
        else:
            if has_failed:
                failed[state.session_id] = ASKED_AGAIN
            if len(requests) >= cap:
                waiting.append(state.session_id)
                continue
            run_key = f"{state.session_id}:{state.goal[:DIGITS]}:{snapshot}:{len(every) + 1}"
            made, backfill = (*state.unrecorded, *state.stale), by.backfill if by else ""
            requests.append(
                SessionRequest(state.session_id, made, run_key, state.goal, backfill, checked=state.unchecked)
            )
    return Decision(
        requests=tuple(requests),
        in_progress=tuple(in_progress),
        exhausted=tuple(exhausted),
        waiting=tuple(waiting),
        not_loaded=tuple(not_loaded),
        unusable=tuple(refused),
        later=later,
        failed=failed,
        held=tuple(waits),
        unchecked=tuple(
            state.session_id
            for state in states
            if (state.unchecked or state.unrecorded) and state.session_id not in busy
        ),
    )


def _again_at(before: Sequence[Attempt], target: str, now: float) -> float:
    """Return when a session is asked for again after runs in a row that failed outside it; 0 where at once.

    At once also where the last of them ends in the future: a clock was set back since, and it would wait a day for it.
    """
    in_a_row = list(
        takewhile(lambda one: one.state is AttemptState.outside and one.target in (target, ""), before[::-1])
    )
    if not in_a_row or in_a_row[0].ended_at > now:
        return 0.0
    return in_a_row[0].ended_at + min(FIRST_GAP_S * 2 ** (len(in_a_row) - 1), LONGEST_GAP_S)


def open_backfills(asked: Mapping[str, Asked], left: Collection[str] = ()) -> dict[str, int]:
    """Return how many sessions of each backfill are still to be made, by its id, the oldest first.

    Parameters
    ----------
    asked
        What was asked for and is not made.
    left
        Sessions that are left to a person or to upstream (`Decision.left`): they have failed.
    """
    going_on = [one for session_id, one in asked.items() if session_id not in left]
    return dict(Counter(one.backfill for one in sorted(going_on, key=lambda one: one.at)))


def changed_versions(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the sessions whose version is new or another, sorted."""
    return sorted(session for session, version in now.items() if before.get(session) != version)
