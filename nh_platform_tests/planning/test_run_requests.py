"""Which sessions are asked for: exactly the stale ones, once per state, once more after a failure, never for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nh_platform.history.wanted import Asked
from nh_platform.planning.run_requests import (
    ASKED_AGAIN,
    MAX_ATTEMPTS,
    NOT_WANTED,
    TO_A_PERSON,
    TRIED_LATER,
    Decision,
    changed_versions,
    decide,
    open_backfills,
)
from nh_platform.planning.session_facts import Attempt, AttemptState, SessionState

STALE = ("units", "windows")


def state(name: str, target: str = "aaaa", stale: tuple[str, ...] = STALE, is_wanted: bool = True) -> SessionState:
    return SessionState(name, stale, target, is_wanted)


def keys(decision: Decision) -> list[str]:
    return [request.run_key for request in decision.requests]


def test_exactly_the_stale_sessions_and_assets_are_asked_for() -> None:
    decision = decide([state("a"), state("b", stale=())], [], snapshot=1, cap=10)
    assert [(r.session_id, r.assets) for r in decision.requests] == [("a", STALE)]


def test_a_repeated_tick_gives_the_same_keys() -> None:
    assert keys(decide([state("a")], [], snapshot=3, cap=9)) == keys(decide([state("a")], [], snapshot=3, cap=9))


def test_a_failed_run_gets_a_new_key_until_the_attempts_are_used_up() -> None:
    attempts: list[Attempt] = []
    seen = set()
    for _ in range(MAX_ATTEMPTS):
        (key,) = keys(decide([state("a")], attempts, snapshot=1, cap=10))
        assert key not in seen
        seen.add(key)
        attempts.append(Attempt("a", "aaaa", AttemptState.failed))
    decision = decide([state("a")], attempts, snapshot=1, cap=10)
    assert decision.requests == ()
    assert decision.exhausted == ("a",)


def test_what_a_person_asks_for_comes_first_and_its_tries_begin_anew() -> None:
    tries = [Attempt("c", "aaaa", AttemptState.failed, ended_at=at) for at in (1.0, 2.0)]
    states = [state("a"), state("b"), state("c")]
    assert decide(states, tries, snapshot=1, cap=10, held={"b"}).exhausted == ("c",)
    asked = {name: Asked("one", 3.0, "aaaa") for name in ("b", "c")}
    decision = decide(states, tries, snapshot=1, cap=2, held={"b"}, asked=asked)
    assert [(one.session_id, one.backfill) for one in decision.requests] == [("b", "one"), ("c", "one")]
    assert decision.requests[1].run_key.endswith(":3"), "two runs were launched before"
    assert decision.waiting == ("a",)
    later = [*tries, *(Attempt("c", "aaaa", AttemptState.failed, ended_at=at) for at in (4.0, 5.0))]
    decision = decide(states, later, snapshot=1, cap=10, asked=asked)
    assert decision.exhausted == ("c",)
    assert open_backfills(asked, decision.left) == {"one": 1}


def test_a_cancelled_run_counts_as_one_and_not_as_a_failure() -> None:
    attempts = [Attempt("a", "aaaa", AttemptState.cancelled)]
    decision = decide([state("a")], attempts, snapshot=1, cap=10)
    assert len(decision.requests) == 1
    assert not decision.failed
    decision = decide([state("a")], attempts * MAX_ATTEMPTS, snapshot=1, cap=10)
    assert decision.exhausted == ("a",)
    assert not decision.failed


def test_upstream_data_that_cannot_be_used_wait_for_another_state_whatever_the_snapshot() -> None:
    unusable = {("a", "aaaa")}
    for snapshot in (1, 2):
        decision = decide([state("a"), state("b")], [], snapshot=snapshot, cap=10, unusable=unusable)
        assert [request.session_id for request in decision.requests] == ["b"]
        assert decision.unusable == ("a",)
    assert len(decide([state("a", "new")], [], snapshot=2, cap=10, unusable=unusable).requests) == 1


def test_failures_of_another_state_do_not_count() -> None:
    attempts = [Attempt("a", "old", AttemptState.failed)] * MAX_ATTEMPTS
    assert len(decide([state("a", "new")], attempts, snapshot=1, cap=10).requests) == 1


def test_a_state_that_returns_gets_a_new_key() -> None:
    first = keys(decide([state("a", "A")], [], snapshot=1, cap=10))
    between = keys(decide([state("a", "B")], [], snapshot=2, cap=10))
    again = keys(decide([state("a", "A")], [], snapshot=3, cap=10))
    assert len({*first, *between, *again}) == 3


def test_a_state_that_returns_without_a_new_snapshot_runs_again() -> None:
    """A review that is added, removed and added again."""
    attempts: list[Attempt] = []
    seen = []
    for target in ("with", "without", "with", "without"):
        (key,) = keys(decide([state("a", target)], attempts, snapshot=1, cap=10))
        seen.append(key)
        attempts.append(Attempt("a", target, AttemptState.succeeded))
    assert len(set(seen)) == 4


def test_a_run_that_succeeds_and_changes_nothing_is_not_repeated_for_ever() -> None:
    attempts = [Attempt("a", "aaaa", AttemptState.succeeded)] * MAX_ATTEMPTS
    assert decide([state("a")], attempts, snapshot=1, cap=10).exhausted == ("a",)


def test_a_session_in_flight_is_left_alone_whatever_its_state() -> None:
    decision = decide([state("a", "new")], [Attempt("a", "old", AttemptState.in_progress)], snapshot=1, cap=10)
    assert decision.requests == ()
    assert decision.in_progress == ("a",)


def test_the_cap_leaves_the_rest_for_the_next_tick_in_order() -> None:
    decision = decide([state(name) for name in "dcba"], [], snapshot=1, cap=2)
    assert [request.session_id for request in decision.requests] == ["d", "c"]
    assert decision.waiting == ("b", "a")


def test_sessions_of_the_first_catalogue_wait_for_a_person() -> None:
    decision = decide([state("a", is_wanted=False)], [], snapshot=1, cap=10)
    assert decision.requests == ()
    assert decision.not_loaded == ("a",)


def test_changed_versions_are_new_or_other() -> None:
    assert changed_versions({"a": "1", "b": "1", "gone": "1"}, {"c": "1", "b": "2", "a": "1"}) == ["b", "c"]


def failed_outside(n: int, target: str = "aaaa") -> list[Attempt]:
    return [Attempt("a", target, AttemptState.outside, ended_at=1000.0 * number) for number in range(1, n + 1)]


@pytest.mark.parametrize(("n_runs", "gap_s"), [(1, 300), (2, 600), (3, 1200), (20, 21600)])
def test_what_failed_outside_the_session_is_asked_for_again_after_a_growing_gap(n_runs: int, gap_s: float) -> None:
    attempts = failed_outside(n_runs)
    again = 1000.0 * n_runs + gap_s
    early = decide([state("a")], attempts, snapshot=1, cap=10, now=again - 1)
    assert early.requests == ()
    assert early.later == {"a": again}
    assert early.failed == {"a": TRIED_LATER}
    on_time = decide([state("a")], attempts, snapshot=1, cap=10, now=again)
    assert len(keys(on_time)) == 1
    assert on_time.failed == {"a": ASKED_AGAIN}


def test_failures_outside_the_session_do_not_use_up_its_attempts() -> None:
    own = Attempt("a", "aaaa", AttemptState.failed)
    attempts = [own, *failed_outside(3)]
    assert len(decide([state("a")], attempts, snapshot=1, cap=10, now=1e9).requests) == 1
    assert decide([state("a")], [*attempts, own], snapshot=1, cap=10, now=1e9).failed == {"a": TO_A_PERSON}


def test_a_state_that_was_not_tried_waits_for_no_gap() -> None:
    assert len(decide([state("a", "new")], failed_outside(5), snapshot=1, cap=10, now=5001.0).requests) == 1


def test_every_session_whose_last_run_failed_is_counted_whoever_launched_it() -> None:
    by_hand = [Attempt(name, "", AttemptState.failed) for name in "ab"]
    states = [state("a"), state("b", is_wanted=False), state("c", stale=())]
    decision = decide(states, [*by_hand, Attempt("c", "aaaa", AttemptState.failed)], snapshot=1, cap=10)
    assert decision.failed == {"a": ASKED_AGAIN, "b": NOT_WANTED}
    assert [request.session_id for request in decision.requests] == ["a"], "what is current is not failed"


def test_what_is_stored_and_not_checked_is_asked_for_though_nothing_is_stale() -> None:
    """Killed between an output and its checks: the output is not stale, and nobody else would ask for its checks."""
    left = SessionState("a", (), "aaaa", True, ("raw_spikes", "units", "windows"), ("units",), ("windows",))
    made = [Attempt("a", "aaaa", AttemptState.succeeded)] * MAX_ATTEMPTS
    decision = decide([left, state("b", stale=())], made, snapshot=1, cap=10)
    (asked,) = decision.requests
    assert (asked.assets, asked.checked) == (("windows",), ("units",)), "runs that made it are no tries to check it"
    assert decision.unchecked == ("a",)
    running = decide([left], [Attempt("a", "", AttemptState.in_progress)], snapshot=1, cap=10)
    assert (running.requests, running.unchecked) == ((), ())
    crashed = Attempt("a", left.goal, AttemptState.failed)
    (again,) = decide([left], [*made, crashed], snapshot=1, cap=10).requests
    assert again.run_key != asked.run_key
    assert decide([left], [*made, crashed, crashed], snapshot=1, cap=10).failed == {"a": TO_A_PERSON}
    with_stale = replace(left, stale=("events",))
    (asked,) = decide([with_stale], [], snapshot=1, cap=10).requests
    assert (asked.assets, asked.checked, asked.target) == (("windows", "events"), ("units",), "aaaa")


@pytest.mark.parametrize("moved_s", [-86400.0, 86400.0])
def test_a_clock_that_is_moved_by_a_day_lets_no_session_wait_for_it(moved_s: float) -> None:
    ended = [Attempt("a", "aaaa", AttemptState.outside, ended_at=1e6 + number) for number in range(3)]
    assert decide([state("a")], ended, snapshot=1, cap=10, now=1e6 + 4).requests == ()
    assert len(decide([state("a")], ended, snapshot=1, cap=10, now=1e6 + 4 + moved_s).requests) == 1
