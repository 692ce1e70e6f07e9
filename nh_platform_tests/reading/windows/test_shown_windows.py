"""A window names the presentations that it overlaps, the one that it is aligned to, and the grey of the gaps."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.reading import SessionView
from nh_platform.session import StoreError, UnknownSession
from nh_platform.store import Store
from nh_platform.store.codecs.recording_files import write_events
from nh_platform_tests.reading.conftest import publish
from nh_platform_tests.shown_images import SESSION, SOURCE, presentations, shown_session
from nh_platform_tests.windows.trains import events_of


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> SessionView:
    return shown_session(Store(tmp_path_factory.mktemp("home") / "store"))


def test_a_window_around_an_image_change_has_two_images_and_two_stretches_of_grey(shown) -> None:
    rows = shown.windows("vbn-change").presentations(0)  # 5.25 to 6.75 s; the change is at 6 s
    assert rows["presentation_id"].tolist() == [3, -1, 4, -1]
    assert rows["stimulus_name"].tolist() == ["images", None, "images", None]
    assert rows["start"].tolist() == [5.25, 5.5, 6.0, 6.25]
    assert rows["seconds"].tolist() == [0.25, 0.5, 0.25, 0.5]
    assert rows["share"].tolist() == pytest.approx([1 / 6, 1 / 3, 1 / 6, 1 / 3])
    assert rows["aligned"].tolist() == [False, False, True, False]
    assert rows["grey"].tolist() == [False, True, False, True]


def test_arrays_of_all_windows_say_the_same_as_the_table_of_each(shown) -> None:
    view = shown.windows("stim-halves-500ms")
    assert view.shown.aligned.tolist() == list(range(8))
    assert view.shown.ids_of(0).tolist() == [0]
    assert view.shown.unstated_s.tolist() == [0.5] + [0.0] * 7  # before the first image
    for window in range(len(view)):
        rows = view.presentations(window)
        assert rows.loc[~rows["grey"], "presentation_id"].tolist() == view.shown.ids_of(window).tolist()
        assert rows.loc[rows["grey"], "seconds"].sum() == view.shown.grey_s[window]
        assert rows.loc[rows["aligned"], "presentation_id"].tolist() == [window]


def test_windows_without_an_event_are_aligned_to_no_presentation(shown) -> None:
    view = shown.windows("continuous-1s")
    assert (view.shown.aligned == -1).all()
    window = int(np.flatnonzero(view.index["start"] == 9.0)[0])
    rows = view.presentations(window)  # the last image ended at 8.5 s; spontaneous from 9.5 s on
    assert rows["presentation_id"].tolist() == [-1, 8]
    assert rows["stimulus_name"].tolist() == [None, "spontaneous"]
    assert rows["seconds"].tolist() == [0.5, 0.5]
    outside = view.presentations(len(view) - 1)  # 11 to 12 s, after the last presentation
    assert len(outside) == 0
    assert view.shown.unstated_s[-1] == 1.0


def test_an_unknown_window_and_a_session_without_presentations_are_refused_by_name(shown, session) -> None:
    with pytest.raises(UnknownSession, match=r"window 1 of vbn-change: there are 1 windows"):
        shown.windows("vbn-change").presentations(1)
    with pytest.raises(
        UnknownSession, match=r"presentations of ibl session .*: upstream has none; it has the tables invalid_times"
    ):
        session.windows("continuous-1s").presentations(0)


def test_windows_of_other_presentations_are_refused(tmp_path) -> None:
    store = Store(tmp_path / "store")
    made = shown_session(store)
    with publish(store, SESSION, "events", SOURCE) as target:
        write_events(target, events_of(SOURCE, presentations=presentations(7)))
    with pytest.raises(StoreError, match=r"aligned to presentation 7, and the session has 7.*Materialize `windows`"):
        made.windows("stim-halves-500ms").presentations(0)
