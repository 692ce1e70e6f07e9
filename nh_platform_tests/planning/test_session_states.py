"""Which sessions are wanted: those that a release or a command brought, not those that were only listed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.history.wanted import want, wanted_sessions
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.run_requests import decide
from nh_platform.planning.session_states import source_states
from nh_platform.session import StoreError
from nh_platform.store import Store
from nh_platform.store.durable import copy_of
from nh_platform.store.names import SOURCE_WIDE
from nh_platform_tests.history.releases import a_manifest, ids, without_sessions

ALL = a_manifest(6)
A, B, C, D, E, F = ids(ALL)
TAGGED, PUBLIC = "public, tag Brainwidemap", "public"


def listing(selection: str, *sessions: str) -> Manifest:
    gone = [name for name in ids(ALL) if name not in sessions]
    return replace(without_sessions(ALL, *gone), selection=selection)


def play(store: Store, *manifests: Manifest) -> set[str]:
    for manifest in manifests:
        store_manifest(store, manifest, "1")
    return set(wanted_sessions(store, "ibl"))


@pytest.mark.parametrize(
    ("manifests", "wanted"),
    [
        ([], set()),
        ([listing(TAGGED, A, B)], set()),
        # a release under the same selection
        ([listing(TAGGED, A, B), listing(TAGGED, A, B, C)], {C}),
        # the tag is taken out, and then there is a release
        ([listing(TAGGED, A, B), listing(PUBLIC, A, B, C, D), listing(PUBLIC, A, B, C, D, E)], {E}),
        # another selection that lists the same, and then a release
        ([listing(TAGGED, A, B), listing(PUBLIC, A, B), listing(PUBLIC, A, B, C)], {C}),
        # a release, then narrower, then wide again: what the release brought stays wanted
        ([listing(PUBLIC, A), listing(PUBLIC, A, B, C), listing(TAGGED, A, B), listing(PUBLIC, A, B, C, D)], {B, C}),
        # snapshots that do not state their selection count as unchanged
        ([listing("", A), listing("", A, B), listing(PUBLIC, A, B, C), listing(PUBLIC, A, B, C, D)], {B, C, D}),
        ([listing(TAGGED, A), listing("", A, B), listing(PUBLIC, A, B, C)], {B}),
    ],
)
def test_a_release_makes_sessions_wanted_and_a_selection_does_not(
    tmp_path: Path, manifests: list[Manifest], wanted: set[str]
) -> None:
    assert play(Store(tmp_path), *manifests) == wanted


def test_a_session_that_a_command_asks_for_is_wanted_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    play(store, listing(TAGGED, A, B), listing(TAGGED, A, B, C))
    want(store, "ibl", [A, C], "nh backfill")
    assert wanted_sessions(store, "ibl") == {A: "nh backfill", C: "snapshot 2 (follow_default)"}


def test_a_damaged_record_of_what_is_wanted_is_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    want(store, "ibl", [A], "nh backfill")
    (path,) = tmp_path.rglob("wanted.json")
    stated = path.read_bytes()
    for content in ("{", "[1, 2]", ""):
        path.write_text(content)
        assert wanted_sessions(store, "ibl") == {A: "nh backfill"}, "there is a copy"
        copy_of(path).write_text(content)
        with pytest.raises(StoreError, match=r"wanted\.json.*damaged"):
            wanted_sessions(store, "ibl")
        copy_of(path).write_bytes(stated)


def test_a_wider_selection_asks_for_no_run_and_the_next_release_does(tmp_path: Path) -> None:
    platform = Platform(load_settings(tmp_path))
    play(platform.store, listing(TAGGED, A, B))
    play(platform.store, listing(PUBLIC, A, B, C, D, E))
    states = source_states(platform, "ibl")
    decision = decide(states.sessions, [], snapshot=states.snapshot, cap=20)
    assert decision.requests == ()
    assert set(decision.not_loaded) == {A, B, C, D, E}
    play(platform.store, listing(PUBLIC, A, B, C, D, E, F))
    states = source_states(platform, "ibl")
    decision = decide(states.sessions, [], snapshot=states.snapshot, cap=20)
    assert [request.session_id for request in decision.requests] == [F]


def test_a_release_is_not_stored_before_its_sessions_are_wanted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    play(store, without_sessions(ALL, A))
    path = tmp_path / "ibl" / SOURCE_WIDE / "wanted.json"
    path.write_text("[")
    with pytest.raises(StoreError, match="damaged"):
        play(store, ALL)
    path.unlink()
    assert A in play(store, ALL)
