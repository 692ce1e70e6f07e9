"""Reviews are tied to spikes: after a re-sort they count where the train stayed, else they are proposed or orphans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.qc.reviews.evidence import TRAINS
from nh_platform.qc.reviews.resorted.carried_reviews import (
    carried_table,
    carried_trains,
    take_fingerprints,
)
from nh_platform.qc.reviews.resorted.fingerprints import (
    Fingerprint,
    read_fingerprints,
    save_fingerprints,
    stretches_of,
    to_text,
    trains_version,
)
from nh_platform.qc.reviews.resorted.proposals import without_carried
from nh_platform.qc.reviews.resorted.spike_agreement import agreements, count_matches, matched_units, to_ticks
from nh_platform.qc.reviews.review_files import SessionReviews, parse_reviews
from nh_platform.session import ConfigError, Spikes

Trains = list[np.ndarray]


def _spikes(trains: Trains) -> Spikes:
    times = np.concatenate([*trains, np.empty(0)])
    offsets = np.concatenate([[0], np.cumsum([len(train) for train in trains])]).astype(np.int64)
    nothing = np.full(len(times), np.nan, dtype=np.float32)
    return Spikes(times, offsets, nothing, nothing)


def _units(trains: Trains, ids: list[str] | None = None, probe: str = "probe00") -> pd.DataFrame:
    names = ids or [f"u{number}" for number in range(len(trains))]
    return pd.DataFrame(
        {
            "unit_id": names,
            "probe": probe,
            "cluster_id": range(len(trains)),
            "n_spikes": [len(train) for train in trains],
        }
    )


def _reviews(units: list[str], reviewer: str = "ada") -> SessionReviews:
    items = "".join(
        f"  - {{unit: {unit}, decision: fail, reason: two neurons, reviewer: {reviewer}, date: 2026-03-01}}\n"
        for unit in units
    )
    return parse_reviews(f"source: ibl\nsession: s1\nreviews:\n{items}", "ibl/s1.yaml", "ibl", "s1")


def _trains(rng: np.random.Generator, n: int) -> Trains:
    return [np.sort(rng.uniform(0, 1000, int(rng.integers(300, 4000)))) for _ in range(n)]


def _fingerprints(trains: Trains, reviewed: list[str] | None = None) -> tuple[Fingerprint, ...]:
    units = _units(trains)
    return take_fingerprints(_reviews(reviewed or list(units["unit_id"])), (), units, _spikes(trains))


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(4, 12))
@settings(max_examples=40, deadline=None)
def test_a_resort_with_other_ids_lost_spikes_a_split_and_a_merge_is_seen_through(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    old = _trains(rng, n)
    known = _fingerprints(old)
    kept = [train[rng.random(len(train)) >= 0.01] for train in old]
    larger = rng.random(len(kept[0])) < 0.75
    first, second = len(kept[1]), len(kept[2])
    new = [kept[0][larger], kept[0][~larger], np.sort(np.concatenate([kept[1], kept[2]])), *kept[3:]]
    came_from: list[object] = [0, "split", "merge", *range(3, n)]
    order = rng.permutation(len(new))
    shuffled = [new[one] for one in order]
    ids = [f"u{number}" for number in range(len(new))]  # the same ids mean other spikes
    found = carried_trains(known, _units(shuffled, ids), _spikes(shuffled))
    now = {came_from[one]: ids[place] for place, one in enumerate(order)}
    for number, one in enumerate(found):
        if number in (1, 2):
            share = (first if number == 1 else second) / (first + second)
            if share > 0.6:
                assert (one.standing, one.unit) == ("proposed", now["merge"])
            elif share < 0.4:
                assert one.standing == "orphan"
            assert one.standing != "same"
        else:
            assert one.unit == now[number]
            stays = number != 0 and now[number] == f"u{number}"
            assert one.standing == ("same" if stays else "proposed")
            assert one.agreement > (0.55 if number == 0 else 0.9)
    proposed = [one.unit for one in found if one.standing == "proposed"]
    assert len(proposed) == len(set(proposed))


def test_a_review_of_an_id_that_has_other_spikes_now_does_not_count() -> None:
    rng = np.random.default_rng(1)
    old = _trains(rng, 3)
    reviews = _reviews(["u0", "u1", "u2"])
    known = take_fingerprints(reviews, (), _units(old), _spikes(old))
    swapped = [old[1], old[0], old[2]]
    carried = carried_table(reviews, carried_trains(known, _units(swapped), _spikes(swapped)))
    assert carried[["reviewed_unit", "standing", "unit"]].to_numpy().tolist() == [
        ["u0", "proposed", "u1"],
        ["u1", "proposed", "u0"],
    ]
    assert carried["agreement"].tolist() == [1.0, 1.0]
    assert [one.unit for one in without_carried(reviews, carried).reviews] == ["u2"]
    assert take_fingerprints(reviews, known, _units(swapped), _spikes(swapped)) == ()


def test_of_a_review_of_several_units_those_that_stayed_go_on_counting() -> None:
    rng = np.random.default_rng(2)
    old = _trains(rng, 3)
    review = "{units: [u0, u2], decision: fail, reason: x, reviewer: ada, date: 2026-03-01}"
    reviews = parse_reviews(f"source: ibl\nsession: s1\nreviews:\n  - {review}\n", "ibl/s1.yaml", "ibl", "s1")
    known = take_fingerprints(reviews, (), _units(old), _spikes(old))
    new = [_trains(rng, 1)[0], old[1], old[2]]
    carried = carried_table(reviews, carried_trains(known, _units(new), _spikes(new)))
    assert carried["standing"].tolist() == ["orphan"]
    assert carried["unit"].tolist() == [None]
    assert [one.unit_ids for one in without_carried(reviews, carried).reviews] == [("u2",)]


def test_a_probe_that_is_gone_leaves_orphans_and_silent_units_stay() -> None:
    rng = np.random.default_rng(3)
    old = [*_trains(rng, 2), np.empty(0)]
    known = _fingerprints(old)
    units = _units(old)
    assert [one.standing for one in carried_trains(known, units, _spikes(old))] == ["same"] * 3
    elsewhere = carried_trains(known, units.assign(probe="probe01"), _spikes(old))
    assert [(one.standing, one.unit) for one in elsewhere] == [("orphan", "")] * 3
    nothing = carried_trains(known, units.iloc[:0], _spikes([]))
    assert [one.standing for one in nothing] == ["orphan"] * 3


def test_trains_of_two_sortings_may_be_of_one_unit() -> None:
    rng = np.random.default_rng(4)
    old = _trains(rng, 2)
    first = _fingerprints(old)
    new = [old[1], old[0]]
    again = take_fingerprints(_reviews(["u0"], "bea"), first, _units(new), _spikes(new))
    found = carried_trains((*first, *again), _units(new), _spikes(new))
    assert [(one.fingerprint.unit, one.standing, one.unit) for one in found] == [
        ("u0", "proposed", "u1"),
        ("u1", "proposed", "u0"),
        ("u0", "same", "u0"),
    ]


@given(
    first=st.lists(st.integers(0, 3000), max_size=40),
    second=st.lists(st.integers(0, 3000), max_size=40),
    delta=st.integers(0, 60),
)
@settings(max_examples=150, deadline=None)
def test_matches_are_as_many_as_any_pairing_can_have(first: list[int], second: list[int], delta: int) -> None:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    one, other = np.sort(np.array(first, dtype=np.int64)), np.sort(np.array(second, dtype=np.int64))
    near = np.abs(one[:, None] - other[None, :]) <= delta
    most = (maximum_bipartite_matching(csr_matrix(near)) >= 0).sum() if near.size else 0
    assert count_matches(one, other, delta) == most == count_matches(other, one, delta)


def test_agreement_is_matches_over_the_union() -> None:
    train = np.arange(0, 10, 0.1)
    moved = np.concatenate([train[:80] + 0.0004, train[80:] + 0.01])
    ticks = to_ticks(train)
    found = agreements(
        [ticks], np.array([0]), 1, [to_ticks(moved), ticks, to_ticks(train + 0.05), to_ticks(np.empty(0))]
    )
    np.testing.assert_allclose(found[0, :2], [80 / 119, 1.0])  # the last moved spike lies outside of the stretch
    assert found[0, 2:].tolist() == [0.0, 0.0]
    assert matched_units(found).tolist() == [1]
    assert matched_units(np.zeros((2, 0))).tolist() == [-1, -1]


@given(st.lists(st.floats(0, 5000), max_size=400))
@settings(max_examples=50, deadline=None)
def test_a_fingerprint_is_bounded_depends_on_the_train_alone_and_is_read_as_written(times: list[float]) -> None:
    train = np.array(times)
    stretches = stretches_of(train)
    assert sum(map(len, stretches)) == min(len(train), 150)
    fingerprint = Fingerprint("u0", "probe00", 3, len(train), "abc", ("r1", "r2"), stretches)
    text = to_text([fingerprint])
    assert max(map(len, text.splitlines())) < 2_000
    assert (
        to_text([Fingerprint("u0", "probe00", 3, len(train), "abc", ("r1", "r2"), stretches_of(train[::-1]))]) == text
    )


def test_fingerprints_are_saved_once_and_reviews_of_one_train_share_a_line(tmp_path: Path) -> None:
    path = tmp_path / "ibl" / "s1" / TRAINS
    assert (read_fingerprints(path), trains_version(path)) == ((), "")
    trains = _trains(np.random.default_rng(5), 3)
    known = _fingerprints(trains)
    save_fingerprints(path, known)
    first = path.read_bytes()
    save_fingerprints(path, known)
    assert path.read_bytes() == first
    later = _reviews(["u1"], "bea")
    save_fingerprints(path, take_fingerprints(later, read_fingerprints(path), _units(trains), _spikes(trains)))
    found = read_fingerprints(path)
    assert [one.unit for one in found] == ["u0", "u1", "u2"]
    assert later.reviews[0].id in found[1].reviews
    assert len(found[1].reviews) == 2
    assert to_text(found) == path.read_text()
    assert trains_version(path) != ""


@pytest.mark.parametrize("line", ["u0\tprobe00", "u0\tp\tx\t3\ts\tr1\t1 2 3", "u0\tp\t1\t3\ts\tr1\t1 -2 3"])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "ibl" / "s1" / TRAINS
    save_fingerprints(path, _fingerprints(_trains(np.random.default_rng(6), 1)))
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ConfigError, match=r"ibl/s1/spike-trains\.tsv:5"):
        read_fingerprints(path)
