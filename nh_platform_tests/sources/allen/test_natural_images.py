"""The image of a presentation: scenes and movie frames of Visual Coding, images of Visual Behavior."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource, sdk
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.sources.allen import warehouse_server
from nh_platform_tests.sources.allen.vbn import NORMAL, session_ids, source_of

pytestmark = pytest.mark.filterwarnings("ignore")

SCENE = np.arange(918 * 1174, dtype=np.uint64).reshape(918, 1174).astype(np.uint8)
MOVIE = (np.arange(9 * 30 * 61) % 251).reshape(9, 30, 61).astype(np.uint8)


def _tiff() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(SCENE).save(buffer, format="TIFF")
    return buffer.getvalue()


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, MOVIE)
    return buffer.getvalue()


def _shown(stimulus: str, frame: float) -> pd.Series:
    return pd.Series({"stimulus_name": stimulus, "frame": frame})


def _first(source: Any) -> SessionFiles:
    manifest = source.manifest()
    return manifest.session(manifest.session_ids[0])


def test_scenes_and_movie_frames_of_a_filled_folder(released_root: Path, tmp_path: Path) -> None:
    source = AllenVisualCodingSource(AllenVcSettings(root=tmp_path))
    session = _first(AllenVisualCodingSource(AllenVcSettings(root=released_root)))
    for folder, name, content in (
        ("natural_scene_templates", "natural_scene_46.tiff", _tiff()),
        ("natural_movie_templates", "natural_movie_1.h5", _npy()),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(content)
    scene = source.presentation_image(session, _shown("natural_scenes", 46.0))
    assert scene.dtype == np.uint8
    np.testing.assert_array_equal(scene, SCENE)
    for stimulus in ("natural_movie_one", "natural_movie_one_more_repeats"):
        np.testing.assert_array_equal(source.presentation_image(session, _shown(stimulus, 8.0)), MOVIE[8])
    with pytest.raises(BadUpstreamData, match=r"template natural_scene_templates/natural_scene_7.tiff: it is not in"):
        source.presentation_image(session, _shown("natural_scenes", 7.0))
    with pytest.raises(BadUpstreamData, match=r"natural_movie_1.h5: it has the shape \(9, 30, 61\), and frame 9"):
        source.presentation_image(session, _shown("natural_movie_one", 9.0))
    with pytest.raises(ConfigError, match="it is a blank"):
        source.presentation_image(session, _shown("natural_scenes", -1.0))
    for stimulus in ("drifting_gratings", "natural_movie_one_shuffled"):
        with pytest.raises(ConfigError, match=f"stimulus {stimulus}: it has no template images"):
            source.presentation_image(session, _shown(stimulus, 3.0))
    # AllenSDK reads the same pixels from the same folder, without a request.
    cache = sdk.warehouse_cache(tmp_path / "manifest.json")
    np.testing.assert_array_equal(cache.get_natural_scene_template(46), SCENE)
    np.testing.assert_array_equal(cache.get_natural_movie_template(1), MOVIE)


def test_a_template_is_fetched_once_and_whole(released_root: Path, tmp_path: Path) -> None:
    session = _first(AllenVisualCodingSource(AllenVcSettings(root=released_root)))
    with warehouse_server.serve(released_root) as warehouse:
        warehouse.templates = {
            501: ("/external/stimuli/natural_scenes/46.tiff", _tiff()),
            502: ("/external/stimuli/natural_movie_3.npy", _npy()),
        }
        settings = AllenVcSettings(
            root=tmp_path, mode="warehouse", address=warehouse.address, retry_wait_s=0.0, attempts=1
        )
        source = AllenVisualCodingSource(settings)
        scene, movie = _shown("natural_scenes", 46.0), _shown("natural_movie_three", 2.0)
        warehouse.faults = ["truncated", "500"]
        for found in ("ended after|IncompleteRead", "HTTP 500"):
            with pytest.raises(BadUpstreamData, match=f"template natural_scene_46.tiff: .*({found})"):
                source.presentation_image(session, scene)
        assert [path for path in tmp_path.rglob("natural_scene_46.tiff*") if path.suffix != ".lock"] == []
        for _ in range(2):
            np.testing.assert_array_equal(source.presentation_image(session, scene), SCENE)
            np.testing.assert_array_equal(source.presentation_image(session, movie), MOVIE[2])
        assert warehouse.asked(f"GET /{warehouse_server.FILE_ROUTE}502") == 1
        with pytest.raises(BadUpstreamData, match="lists no natural scene 47"):
            source.presentation_image(session, _shown("natural_scenes", 47.0))


def test_visual_behavior_has_the_same_way(vbn_root: Path) -> None:
    source = source_of(vbn_root)
    session = source.manifest().session(session_ids(vbn_root)[NORMAL])
    presentations = read_behavior(source, session).events["presentations"]
    sets = source.images(session)
    images = presentations[presentations["stimulus_name"].isin(sets)]
    shown = images[images["image_name"] != "omitted"].iloc[5]
    image = source.presentation_image(session, shown)
    own = sets[shown["stimulus_name"]]
    np.testing.assert_array_equal(image, own.warped[own.image_names.index(shown["image_name"])])
    assert image.ndim == 2
    omitted = images[images["image_name"] == "omitted"].iloc[0]
    with pytest.raises(ConfigError, match="it is an omission"):
        source.presentation_image(session, omitted)
    other = presentations[~presentations["stimulus_name"].isin(sets)].iloc[0]
    with pytest.raises(ConfigError, match="it has no images in the NWB file"):
        source.presentation_image(session, other)
