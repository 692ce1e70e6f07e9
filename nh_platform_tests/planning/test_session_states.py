"""Which sessions wait for a person: those of the first catalogue, and those of a wider choice of what to list."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nh_platform.history.manifest import Manifest
from nh_platform.history.publishing import store_manifest
from nh_platform.history.snapshots import list_snapshots
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.run_requests import decide
from nh_platform.planning.session_states import loaded_by_command, source_states
from nh_platform.store import Store
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
    return loaded_by_command(list_snapshots(store, "ibl"))


@pytest.mark.parametrize(
    ("manifests", "by_command"),
    [
        ([], set()),
        ([listing(TAGGED, A, B)], {A, B}),
        # a release under the same selection
        ([listing(TAGGED, A, B), listing(TAGGED, A, B, C)], {A, B}),
        # the tag is taken out, and then there is a release
        ([listing(TAGGED, A, B), listing(PUBLIC, A, B, C, D), listing(PUBLIC, A, B, C, D, E)], {A, B, C, D}),
        # another selection that lists the same, and then a release
        ([listing(TAGGED, A, B), listing(PUBLIC, A, B), listing(PUBLIC, A, B, C)], {A, B}),
        # a release, then narrower, then wide again
        (
            [listing(PUBLIC, A), listing(PUBLIC, A, B, C), listing(TAGGED, A, B), listing(PUBLIC, A, B, C, D)],
            {A, C, D},
        ),
        # snapshots that do not state their selection count as unchanged
        ([listing("", A), listing("", A, B), listing(PUBLIC, A, B, C), listing(PUBLIC, A, B, C, D)], {A}),
        ([listing(TAGGED, A), listing("", A, B), listing(PUBLIC, A, B, C)], {A, C}),
    ],
)
def test_sessions_that_a_selection_brought_wait_for_a_command(
    tmp_path: Path, manifests: list[Manifest], by_command: set[str]
) -> None:
    assert play(Store(tmp_path), *manifests) == by_command


def test_damaged_snapshots_are_passed_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    play(store, listing(TAGGED, A), listing(TAGGED, A, B), listing(PUBLIC, A, B, C), listing(PUBLIC, A, B, C, D))
    first, second, third, _ = (snapshot.folder / "sessions.parquet" for snapshot in list_snapshots(store, "ibl"))
    second.write_bytes(b"damaged")
    assert loaded_by_command(list_snapshots(store, "ibl")) == {A, B, C}  # B joined at some time after the first
    third.write_bytes(b"damaged")
    assert loaded_by_command(list_snapshots(store, "ibl")) == {A, B, C, D}
    first.write_bytes(b"damaged")
    assert loaded_by_command(list_snapshots(store, "ibl")) == {A, B, C, D}


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
