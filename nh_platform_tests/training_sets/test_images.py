"""Windows of a training set with the vectors of the images that were shown: spikes and images in one call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform.assets.across_sessions.image_embeddings import ASSET
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.load import Batches
from nh_platform.load.session_part import SessionPart
from nh_platform.operations import build_training_set
from nh_platform.planning.making import make_source_asset
from nh_platform.session import ConfigError
from nh_platform.simulation.allen.pictures import write_pictures
from nh_platform.training_sets import open_training_set
from nh_platform.training_sets.opened import OpenTrainingSet
from nh_platform_tests.training_sets.conftest import write_recipe

RECIPE = """\
id: seen
description: Presentations of natural scenes, and what was shown.
sources:
  allen_vc: {units: all, presets: [stim-halves-500ms]}
split:
  by: causal
  gap_s: 2
  shares: {train: 60, valid: 10, test: 30}
"""


def test_a_multimodal_batch_is_one_call(home: Path) -> None:
    write_recipe(home, RECIPE)
    write_pictures(home / "upstream" / "allen_vc", 7)
    (home / "image_embeddings").mkdir()
    (home / "image_embeddings" / "allen_vc.yaml").write_text("embeddings:\n- image_set: natural_scenes\n")
    build_training_set(home, "seen")
    chosen = open_training_set("seen", home)
    with pytest.raises(
        ConfigError, match=r"no image set of allen_vc has one stored. Use none, or run `nh embed images"
    ):
        chosen.windows("train", images="gabor-pyramid")
    make_source_asset(Platform(load_settings(home)), "allen_vc", ASSET)
    n_seen = 0
    for split in ("train", "valid", "test"):
        windows = chosen.windows(split, images="gabor-pyramid")
        batch = Batches(windows, batch_size=len(windows)).batch(0)
        seen = batch.image_rows >= 0
        n_seen += int(seen.sum())
        np.testing.assert_array_equal(batch.images[seen], windows.images.vectors[batch.image_rows[seen]])
        assert np.isnan(batch.images[~seen]).all()
        expected = np.concatenate([scene_of_windows(chosen, part) for part in windows.parts])
        assert batch.image_rows.tolist() == expected[batch.windows].tolist()
    assert n_seen > 100
    with pytest.raises(ConfigError, match=r"Use gabor-pyramid"):
        chosen.windows("train", images="dinov2-base")


def scene_of_windows(chosen: OpenTrainingSet, part: SessionPart) -> np.ndarray:
    """Return the natural scene that each window of a session is aligned to, by its frame; -1 of anything else."""
    session = chosen.session(part.session_id)
    table = session.presentations.set_index("presentation_id")
    aligned = session.windows("stim-halves-500ms").shown.aligned[part.window_ids]
    rows = [table.loc[one] for one in aligned]
    return np.array([int(one["frame"]) if one["stimulus_name"] == "natural_scenes" else -1 for one in rows])
