"""Releases are recognised by what they are made of, and simulated sessions are none of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nh_platform.qc.published.published_counts import published_releases
from nh_platform.qc.published.published_members import member, published_members, recognise_members
from nh_platform.sources.registry import source_names


def listing(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["session_id", "probe"]).assign(insertion_id=range(len(pairs)))


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[str, str]]]:
    """Make a first release of IBL of 10 insertions in 5 sessions, and a second with 10 more in 5 more."""
    pairs = [(f"s{number // 2}", f"probe0{number % 2}") for number in range(20)]
    members = {"ibl-bwm-2022-10": pairs[:10], "ibl-bwm-2024-05": pairs}
    stated = {name: (True, frozenset(member(*pair) for pair in of)) for name, of in members.items()}
    monkeypatch.setattr("nh_platform.qc.published.published_members.published_members", lambda source: stated)
    return {**members, "pairs": pairs}


def recognised(pairs: list[tuple[str, str]]) -> tuple[str, str, str] | None:
    table = listing(*pairs)
    found = recognise_members("ibl", table["session_id"], table)
    if found is None:
        return None
    titles = {one.title: name for name, one in published_releases("ibl").items()}
    assert found.recognised.release is not None
    return titles[found.recognised.release.title], found.recognised.match, found.recognised.note


def test_exactly_the_members_are_the_release(known) -> None:
    for name in ("ibl-bwm-2022-10", "ibl-bwm-2024-05"):
        assert recognised(known[name]) == (name, "named", "the insertions listed are exactly those of the release")


def test_more_than_the_members_holds_at_least_the_largest_release(known) -> None:
    others = [("other", "probe00"), ("s0", "probe02")]
    table = listing(*known["pairs"], *others)
    found = recognise_members("ibl", table["session_id"], table)
    assert found is not None
    assert found.recognised.match == "at least"
    assert found.recognised.note == "at least: 20 of its 20 insertions are listed; listed and not counted: 2"
    assert len(found.insertions) == 20
    assert "other" not in found.session_ids


def test_a_few_sessions_are_held_against_the_largest_release(known) -> None:
    note = "at least: 2 of its 20 insertions are listed"
    assert recognised(known["pairs"][:2]) == ("ibl-bwm-2024-05", "at least", note)
    # Nine in ten of the first release and less of the second: withdrawn, not missing.
    assert recognised(known["pairs"][1:10])[0] == "ibl-bwm-2022-10"


def test_nothing_of_a_release_is_not_recognised(known) -> None:
    assert recognised([("x", "probe00")]) is None


def test_a_source_without_published_members_recognises_nothing() -> None:
    assert published_members("allen_vbn") == published_members("elsewhere") == {}
    table = listing(("1", "probeA"))
    assert recognise_members("allen_vbn", table["session_id"], table) is None


def test_a_release_of_sessions_counts_all_their_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    stated = {"allen-vc": (False, frozenset(member(name) for name in ("1", "2")))}
    monkeypatch.setattr("nh_platform.qc.published.published_members.published_members", lambda source: stated)
    table = listing(("1", "probeA"), ("1", "probeB"), ("3", "probeA"))
    found = recognise_members("allen_vc", ["1", "3"], table)
    assert found is not None
    assert found.session_ids == {"1"}
    assert found.insertions["probe"].tolist() == ["probeA", "probeB"]
    assert found.recognised.note == "at least: 1 of its 2 sessions are listed; listed and not counted: 1"


def test_the_members_are_as_many_as_were_published() -> None:
    compared = 0
    for source in source_names():
        for release_id, (by_insertion, members) in published_members(source).items():
            counts = published_releases(source)[release_id].counts
            assert len(members) == counts["insertions" if by_insertion else "sessions"].value
            compared += 1
    assert compared == 3


@pytest.mark.reference
@pytest.mark.parametrize(
    ("file", "release_id"),
    [("2022_10_bwm_release.csv", "ibl-bwm-2022-10"), ("2023_12_bwm_release.csv", "ibl-bwm-2024-05")],
)
def test_the_published_freezes_are_recognised(reference_dir: Path, file: str, release_id: str) -> None:
    freeze = pd.read_csv(reference_dir / "ibl_releases" / file)
    pairs = list(zip(freeze["eid"], freeze["probe_name"]))
    assert published_members("ibl")[release_id] == (True, {member(*pair) for pair in pairs})
    assert recognised(pairs)[:2] == (release_id, "named")
    assert recognised([*pairs, ("other", "probe00")])[:2] == (release_id, "at least")


@pytest.mark.reference
def test_the_58_sessions_of_visual_coding_are_recognised(reference_dir: Path) -> None:
    ids = pd.read_csv(reference_dir / "allen_vc" / "sessions_58.csv")["ecephys_session_id"].astype(str)
    found = recognise_members("allen_vc", ids, listing())
    assert found is not None
    assert found.recognised.match == "named"
    assert len(found.session_ids) == 58
