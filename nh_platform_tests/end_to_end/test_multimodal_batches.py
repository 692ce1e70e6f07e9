"""Spikes and images of Visual Behavior in one call: from NWB files through the chain, a recipe and a training set."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.load import Batches
from nh_platform.operations.opened_home import OpenHome
from nh_platform.reading import open_store
from nh_platform.training_sets import open_training_set
from nh_platform_tests.homes import make_home, materialize

pytestmark = pytest.mark.slow

UNWARPED = "gabor-pyramid_unwarped-mean"
RECIPE = """\
id: changes
sources:
  allen_vbn: {units: all, images: gabor-pyramid_unwarped-mean}
split: {by: causal, gap_s: 2, shares: {train: 60, valid: 10, test: 30}}
"""


def test_a_batch_of_visual_behavior_has_the_picture_of_every_bin(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home, ("allen_vbn",), 1)
    with (home / "sources.yaml").open("a", encoding="utf-8") as file:
        file.write("  also_assets: [spike_events]\n")
    (home / "training_sets").mkdir()
    (home / "training_sets" / "changes.yaml").write_text(RECIPE)
    with dg.DagsterInstance.ephemeral() as instance:
        at = OpenHome(Platform(load_settings(home)), instance)
        done = materialize(at.platform, instance, "allen_vbn", assets=("units", "windows", "spike_events"))
        assert all(one.success for one in done), [one.errors for one in done]
        operations.embed_images(at, "allen_vbn")
        operations.embed_images(at, "allen_vbn", form="unwarped", fill="mean")
        assert operations.build_training_set(at, "changes").leaks == ()
    store, chosen = open_store(home), open_training_set("changes", home)
    (image_set,) = chosen.images["image_set"]
    assert chosen.images[["embedding", "form", "fill"]].values.tolist() == [
        ["gabor-pyramid_unwarped-mean", "unwarped", "mean"]
    ]
    warped, unwarped = (store.image_embedding("allen_vbn", image_set, name) for name in ("gabor-pyramid", UNWARPED))
    assert warped.key != unwarped.key
    windows = chosen.windows("train")
    np.testing.assert_array_equal(windows.images.vectors, unwarped.vectors)
    images = store.images("allen_vbn", image_set, form="unwarped", fill="mean")
    session = chosen.session(chosen.sessions["session_id"].iloc[0])
    shown = session.presentations
    batch = Batches(windows, batch_size=len(windows)).batch(0)
    n_bins, seen, omissions = batch.image_rows_by_bin.shape[1], set(), 0
    for row in range(len(windows)):
        centres = batch.start[row] + (np.arange(n_bins) + 0.5) / n_bins
        for at_time, found in zip(centres, batch.image_rows_by_bin[row]):
            on = shown[(shown["start_time"] <= at_time) & (at_time < shown["stop_time"])]
            names = on.loc[on["stimulus_name"] == image_set, "image_name"].tolist()
            if found >= 0:
                assert names == [images.image_names[found]]
                seen.add(images.image_names[found])
            elif names:
                assert names == ["omitted"]
                omissions += 1
    assert len(seen) > 3
    assert omissions > 0
