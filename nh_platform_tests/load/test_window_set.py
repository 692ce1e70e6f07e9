"""Windows that the loader reads are those of `session.windows`, whatever process reads them; all else is named."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from nh_platform.embeddings.units.reference_windows import UsedWindow
from nh_platform.embeddings.units.window_places import used_window
from nh_platform.load import Vocabulary, WindowSet
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError, DamagedFile, UnknownSession
from nh_platform.store import Store
from nh_platform_tests.load.conftest import FIRST, SECOND, WITHOUT, fill
from nh_platform_tests.windows.trains import spikes_of

GRID, ALIGNED = "continuous-1s", "stim-halves-500ms"


@pytest.mark.parametrize("preset", [GRID, ALIGNED])
def test_counts_masks_and_facts_are_those_of_the_stored_windows(first, preset) -> None:
    ws, view = WindowSet(first, preset, only_valid=False), first.windows(preset)
    assert len(ws) == len(view) > 3
    assert view.counts.sum() > 100
    for i, sample in enumerate(ws):
        np.testing.assert_array_equal(sample.counts, view.counts[i])
        for row, probe in enumerate(sample.probes):
            np.testing.assert_array_equal(sample.masked[row], view.masked(i, probe))
        row = view.index.iloc[i]
        assert (sample.start, sample.stop, sample.valid) == (row["start"], row["stop"], row["valid"])
    assert any(sample.masked.any() for sample in ws)
    assert sample.unit_ids.tolist() == ["a", "b", "c"]
    assert sample.regions.tolist() == ["CA1", "VISp5", None]
    assert len(WindowSet(first, preset)) == view.index["valid"].sum()


@pytest.mark.parametrize("preset", [GRID, ALIGNED])
def test_spike_events_fall_into_the_counts_of_the_same_window(first, preset) -> None:
    events, counts = (WindowSet(first, preset, kind=kind, only_valid=False) for kind in ("events", "counts"))
    for one, other in zip(events, counts):
        assert one.counts is None
        assert (np.diff(one.times) >= 0).all()
        assert one.times.dtype == np.float64
        per_unit = np.bincount(one.unit_index, minlength=3)
        np.testing.assert_array_equal(per_unit, other.counts.sum(axis=1))
    spikes = first.spikes
    sample = WindowSet(first, GRID, kind="events")[0]
    inside = (spikes.times >= sample.start) & (spikes.times < sample.stop)
    np.testing.assert_array_equal(np.sort(sample.times), np.sort(spikes.times[inside] - sample.start))


def test_units_come_in_the_order_that_was_asked_for_with_their_embeddings(first) -> None:
    sample = WindowSet(first, GRID, units=["b", "a"], embeddings=True)[2]
    whole = WindowSet(first, GRID)[2]
    np.testing.assert_array_equal(sample.counts, whole.counts[[1, 0]])
    assert sample.unit_ids.tolist() == ["b", "a"]
    stored = first.embeddings.set_index("unit_id").select_dtypes("number").loc[["b", "a"]]
    np.testing.assert_array_equal(sample.embeddings, stored.to_numpy(dtype=np.float64))


def test_embeddings_join_only_where_they_were_made_within_the_ranges(both) -> None:
    first, second = both
    command = f"`nh materialize ibl {FIRST}`"
    with pytest.raises(
        ConfigError, match=rf"{FIRST}: .*window is whole-session.*reference_window: start-30s.*{command}"
    ):
        WindowSet(first, GRID, ranges=[[0.0, 13.0]], embeddings=True)
    within = WindowSet(second, GRID, ranges=[[0.0, 5.0], [5.0, 12.5]], embeddings=True)
    np.testing.assert_array_equal(within[0].embeddings, WindowSet(second, GRID, embeddings=True)[0].embeddings)
    with pytest.raises(
        ConfigError, match=rf"{SECOND}: .*window start-10s, 2.000 to 12.000 s, reaches out of the ranges"
    ):
        WindowSet(second, GRID, ranges=[[0.0, 11.0]], embeddings=True)


def test_windows_that_are_tested_take_embeddings_of_the_ranges_of_training(both) -> None:
    tested = {FIRST: [[9.0, 11.0]], SECOND: [[9.0, 11.0]]}
    with pytest.raises(ConfigError, match=f"{SECOND}: .*`embeddings=` the ranges of training"):
        WindowSet(both[1], GRID, ranges=tested[SECOND], embeddings=True)
    assert len(WindowSet(both[1], GRID, ranges=tested[SECOND], embeddings={SECOND: [[2.0, 12.0]]})) == 2
    assert WindowSet(both[1], GRID, ranges=tested[SECOND], embeddings=[[0.0, 12.0]])[0].embeddings.shape[0] == 3
    with pytest.raises(ConfigError, match=f"{SECOND}: .*reaches out"):
        WindowSet(both[1], GRID, embeddings=[[0.0, 9.0]])
    with pytest.raises(ConfigError, match=f"{FIRST}: .*whole-session"):
        WindowSet(both, GRID, ranges=tested, embeddings={SECOND: [[0.0, 12.0]]})
    with pytest.raises(ConfigError, match=f"embeddings: 22223333 is none of the 2 sessions.*Did you mean {SECOND}"):
        WindowSet(both, GRID, embeddings={"22223333": [[0.0, 12.0]]})


def test_units_of_a_session_without_the_window_have_seen_nothing_and_join(both, monkeypatch) -> None:
    nothing = UsedWindow("spontaneous-300s", np.nan, np.nan)
    monkeypatch.setattr(SessionView, "embeddings_window", property(lambda _: nothing))
    assert len(WindowSet(both[1], GRID, ranges=[[0.0, 9.0]], embeddings=True)) > 0


def test_embeddings_of_before_are_of_the_whole_session(store, tmp_path) -> None:
    assert UsedWindow.read(tmp_path).id == "whole-session"
    used_window(spikes_of([]), "start-30s").write(tmp_path)
    assert np.isnan(UsedWindow.read(tmp_path).start)
    assert SessionView(store, "ibl", SECOND).embeddings_window == UsedWindow("start-10s", 2.0, 12.0)


def test_a_window_belongs_to_ranges_that_hold_all_of_it(first) -> None:
    index = first.windows(GRID).index
    ws = WindowSet(first, GRID, ranges=[[3.0, 5.0], [7.5, 9.0]])
    assert [sample.start for sample in ws] == [3.0, 4.0, 8.0]
    assert [sample.window_id for sample in ws] == index.index[index["start"].isin([3.0, 4.0, 8.0])].tolist()


def test_two_sessions_follow_each_other_and_their_units_are_told_apart(both) -> None:
    words = Vocabulary()
    words.add("ibl", "before", ["a"])
    ws = WindowSet(both, GRID, ranges={FIRST: [[3, 5]], SECOND: None}, vocabulary=words, units={SECOND: ["b"]})
    assert [ws[i].session_id for i in (0, 1, 2)] == [FIRST, FIRST, SECOND]
    assert ws[0].unit_numbers.tolist() == [1, 2, 3]
    assert ws[2].unit_numbers.tolist() == [4]
    assert [ws[0].session_number, ws[2].session_number] == [1, 2]
    np.testing.assert_array_equal(ws.n_units, [3, 3] + [1] * (len(ws) - 2))


def test_a_set_travels_without_its_map(first) -> None:
    ws = WindowSet(first, GRID)
    before = ws[1].counts
    assert ws.seconds_to_verify > 0
    packed = pickle.dumps(ws)
    again = pickle.loads(packed)
    assert again.seconds_to_verify == 0
    np.testing.assert_array_equal(again[1].counts, before)


REFUSED = {
    "no such window": (lambda first: WindowSet(first, GRID)[99], "window 99: the set has"),
    "no such preset": (lambda first: WindowSet(first, "continuous-1s-10ms"), "preset 'continuous-1s-10ms'"),
    "no such unit": (lambda first: WindowSet(first, GRID, units=["a", "zz"]), "unit zz"),
    "unit twice": (lambda first: WindowSet(first, GRID, units=["a", "a"]), "unit a is named twice"),
    "no unit": (lambda first: WindowSet(first, GRID, units=[]), "no unit is left"),
    "ranges without a window": (lambda first: WindowSet(first, GRID, ranges=[[900, 999]]), "its ranges hold none"),
    "ranges that are none": (lambda first: WindowSet(first, GRID, ranges=[[5, 3]]), r"are not \(n, 2\) seconds"),
    "NaN": (lambda first: WindowSet(first, GRID, ranges=[[np.nan, 3]]), r"are not \(n, 2\) seconds"),
    "session twice": (lambda first: WindowSet([first, first], GRID), "it is named twice"),
    "no session": (lambda first: WindowSet([], GRID), "no session is named"),
    "other session": (lambda first: WindowSet(first, GRID, ranges={"11112222": [[0, 9]]}), f"Did you mean {FIRST}"),
    "kind": (lambda first: WindowSet(first, GRID, kind="spikes"), "Use 'counts' or 'events'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_by_name(first, case) -> None:
    make, text = REFUSED[case]
    with pytest.raises((ConfigError, UnknownSession), match=text):
        make(first)


def test_a_session_without_time_ordered_spikes_says_how_they_are_made(store) -> None:
    with pytest.raises(UnknownSession, match=rf"spike_events(?s:.*)nh materialize ibl {WITHOUT}"):
        WindowSet(SessionView(store, "ibl", WITHOUT), GRID)


def test_a_file_that_changed_on_disk_is_named(tmp_path) -> None:
    store = Store(tmp_path / "store")
    fill(store, FIRST)
    ws = WindowSet(SessionView(store, "ibl", FIRST), GRID)
    assert ws[0].counts.sum() > 0
    path = ws.parts[0].path
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match="spike_events"):
        ws.require_unchanged()
    with pytest.raises(DamagedFile, match="spike_events"):
        pickle.loads(pickle.dumps(ws))[0]


def test_a_vocabulary_only_grows(tmp_path) -> None:
    words = Vocabulary()
    words.add("ibl", "s", ["a", "b"])
    words.save(tmp_path / "words.json")
    again = Vocabulary.load(tmp_path / "words.json")
    assert again.add("ibl", "t", ["a"]).tolist() == [2]
    again.save(tmp_path / "words.json")
    assert Vocabulary.load(tmp_path / "words.json").n_units == 3
    with pytest.raises(ConfigError, match="its 2 sessions are not the first of the 1"):
        words.save(tmp_path / "words.json")
    with pytest.raises(ConfigError, match="session ibl/x: it is not in the vocabulary"):
        words.session("ibl", "x")
    (tmp_path / "words.json").write_text('{"sessions": ["s", "s"], "units": []}')
    with pytest.raises(ConfigError, match="stands in it twice"):
        Vocabulary.load(tmp_path / "words.json")
    (tmp_path / "words.json").write_text("[1]")
    with pytest.raises(ConfigError, match="cannot be read"):
        Vocabulary.load(tmp_path / "words.json")
