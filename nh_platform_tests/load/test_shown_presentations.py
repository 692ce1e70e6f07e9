"""Samples and batches say what was on the screen, as the windows of the session do, in any process."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from nh_platform.load import Batches, WindowSet
from nh_platform.reading import SessionView
from nh_platform.session import UnknownSession
from nh_platform.store import Store
from nh_platform_tests.shown_images import shown_session

GRID, ALIGNED = "continuous-1s", "stim-halves-500ms"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> SessionView:
    return shown_session(Store(tmp_path_factory.mktemp("home") / "store"))


@pytest.mark.parametrize("preset", [GRID, ALIGNED])
def test_a_sample_has_what_was_shown_in_its_window(shown, preset) -> None:
    windows = WindowSet(shown, preset, ranges=[[3.0, 12.0]], presentations=True)
    view = shown.windows(preset)
    assert 0 < len(windows) < len(view)
    for sample in pickle.loads(pickle.dumps(windows)):
        whole, own = view.presentations(sample.window_id), sample.shown
        assert own.ids.tolist() == whole.loc[~whole["grey"], "presentation_id"].tolist()
        assert own.seconds.tolist() == whole.loc[~whole["grey"], "seconds"].tolist()
        assert own.grey_s.tolist() == [whole.loc[whole["grey"], "seconds"].sum()]
        assert own.aligned.tolist() == [view.shown.aligned[sample.window_id]]
    assert WindowSet(shown, preset)[0].shown is None


@pytest.mark.parametrize("kind", ["counts", "events"])
def test_a_batch_has_the_presentations_of_its_windows_one_behind_the_other(shown, kind) -> None:
    windows = WindowSet(shown, ALIGNED, kind=kind, presentations=True)
    batch = Batches(windows, len(windows), seed=3).batch(0)
    assert sorted(batch.aligned_presentations.tolist()) == list(range(8))
    for row, window in enumerate(batch.windows.tolist()):
        own = windows[window].shown
        part = slice(*batch.presentation_offsets[row : row + 2].tolist())
        assert batch.presentation_ids[part].tolist() == own.ids.tolist()
        assert batch.presentation_s[part].tolist() == own.seconds.tolist()
        assert batch.aligned_presentations[row] == own.aligned[0]
        assert batch.grey_s[row] == own.grey_s[0]
    assert batch.grey_s[batch.windows == 1].tolist() == [0.75]
    for name in ("presentation_offsets", "presentation_ids", "aligned_presentations"):
        assert getattr(batch, name).dtype == np.int64
    assert Batches(WindowSet(shown, ALIGNED), 4).batch(0).presentation_ids is None


def test_a_session_without_presentations_is_refused_by_name(first) -> None:
    with pytest.raises(UnknownSession, match=r"presentations of ibl session 11112222-aaaa: upstream has none"):
        WindowSet(first, GRID, presentations=True)
