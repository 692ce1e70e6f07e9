"""Samples and batches have the vectors of the images that were shown: one call for spikes and images."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nh_platform.load import Batches, WindowSet
from nh_platform.reading import SessionView
from nh_platform.reading.images import ImageEmbedding
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.store import Store
from nh_platform_tests.shown_images import shown_session

ALIGNED, GRID = "stim-halves-500ms", "continuous-1s"
VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4)
SHOWN = [0, 0, 0, 0, 1, 1, -1, 1]
"""Image of each presentation; the seventh is an omission."""


def embedding(image_set: str = "images", source: str = "allen_vbn", **facts: str) -> ImageEmbedding:
    names = ("encoder", "encoder_version", "preprocessing", "precision", "weights_sha256", "key")
    stated = dict.fromkeys(names, "x") | facts
    return ImageEmbedding(source, image_set, "gabor-pyramid", VECTORS, ("a", "b", "c"), stated)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> SessionView:
    return shown_session(Store(tmp_path_factory.mktemp("home") / "store"))


@pytest.mark.parametrize("kind", ["counts", "events"])
def test_a_batch_has_the_image_that_each_window_is_aligned_to(shown: SessionView, kind: str) -> None:
    windows = WindowSet(shown, ALIGNED, kind=kind, images=embedding())
    batch = Batches(pickle.loads(pickle.dumps(windows)), len(windows), seed=3).batch(0)
    presentation = windows.parts[0].window_ids[batch.windows]
    expected = [SHOWN[one] for one in presentation]
    assert batch.image_rows.tolist() == expected
    assert batch.images.dtype == np.float32
    for row, vector in zip(expected, batch.images):
        if row < 0:
            assert np.isnan(vector).all()
        else:
            np.testing.assert_array_equal(vector, windows.images.vectors[row])
    assert Batches(WindowSet(shown, ALIGNED), 4).batch(0).images is None


def test_which_image_was_on_in_each_bin_follows_the_times_of_the_presentations(shown: SessionView) -> None:
    windows = WindowSet(shown, GRID, images=[embedding("others"), embedding()])
    assert windows.images.vectors.shape == (6, 4)
    rows = shown.image_rows
    for sample in windows:
        n_bins = sample.masked.shape[1]
        centres = sample.start + (np.arange(n_bins) + 0.5) * (sample.stop - sample.start) / n_bins
        on = [rows[(rows["onset"] <= at) & (at < rows["offset"])] for at in centres]
        expected = [
            3 + int(one["image_row"].iloc[0]) if len(one) and one["image_row"].iloc[0] >= 0 else -1 for one in on
        ]
        assert sample.image_rows_by_bin.tolist() == expected
        assert sample.image_row == -1
    assert max(int(one.image_rows_by_bin.max()) for one in windows) == 4


def test_a_crop_takes_the_images_of_its_bins(shown: SessionView) -> None:
    windows = WindowSet(shown, GRID, images=embedding())
    batch = Batches(windows, len(windows), seed=1, crop_s=0.5).batch(0)
    for row, start in enumerate(batch.start):
        n_bins = batch.image_rows_by_bin.shape[1]
        centres = start + (np.arange(n_bins) + 0.5) * 0.5 / n_bins
        assert batch.image_rows_by_bin[row].tolist() == windows.parts[0].images.on_screen.at(centres).tolist()


def test_other_embeddings_are_another_epoch(shown: SessionView) -> None:
    state = Batches(WindowSet(shown, GRID, images=embedding(key="one")), 4).state_dict()
    with pytest.raises(ConfigError, match="it was taken with windows"):
        Batches(WindowSet(shown, GRID, images=embedding(key="two")), 4).load_state_dict(state)


def test_what_cannot_be_joined_is_named(shown: SessionView, first: SessionView) -> None:
    with pytest.raises(ConfigError, match="its set is given twice"):
        WindowSet(shown, GRID, images=[embedding(), embedding()])
    with pytest.raises(ConfigError, match="Give embeddings of one encoder"):
        WindowSet(shown, GRID, images=[embedding(), embedding("others", preprocessing="y")])
    with pytest.raises(ConfigError, match="no embedding is given"):
        WindowSet(shown, GRID, images=[])
    with pytest.raises(UnknownSession, match="presentations of ibl session"):
        WindowSet(first, GRID, images=embedding(source="ibl"))


def test_images_in_another_order_than_the_session_states_are_refused(tmp_path: Path) -> None:
    session = shown_session(Store(tmp_path / "store"), image_names=("b", "a", "c"))
    with pytest.raises(ConfigError, match=r"its image 0 is b, and that of the embedding is a"):
        WindowSet(session, GRID, images=embedding())
    assert len(WindowSet(session, GRID, images=replace(embedding(), image_names=("b", "a", "c")))) > 0


def test_sessions_of_a_source_without_images_show_none(shown: SessionView, first: SessionView) -> None:
    both = WindowSet([first, shown], GRID, images=embedding())
    of_ibl = [one for one in both if one.source == "ibl"]
    assert {one.image_row for one in of_ibl} == {-1}
    assert {int(one.image_rows_by_bin.max()) for one in of_ibl} == {-1}
    assert max(int(one.image_rows_by_bin.max()) for one in both) == 1
    none = WindowSet(shown, ALIGNED, images=embedding(source="allen_vc"))
    assert {one.image_row for one in none} == {-1}


def test_a_row_behind_the_end_of_its_set_is_not_an_image_of_the_next_set(shown: SessionView) -> None:
    short = replace(embedding(), vectors=VECTORS[:1], image_names=("a",))
    for given in (short, [short, embedding("others")]):
        with pytest.raises(ConfigError, match=r"images images of allen_vbn session .* row 1, and .* has 1 row"):
            WindowSet(shown, GRID, images=given)
