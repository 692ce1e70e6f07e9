"""The asset of image embeddings: made by the recipes, taken over by key, noted where something is not at hand."""

from __future__ import annotations

import dataclasses
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from nh_platform import operations
from nh_platform.assets.across_sessions.image_embeddings import ASSET, MADE, SOUND, planned
from nh_platform.assets.registry import source_assets
from nh_platform.embeddings.images.image_embedding import computing_packages
from nh_platform.embeddings.images.image_encoder import Encode
from nh_platform.embeddings.images.image_encoders import OWN
from nh_platform.embeddings.images.recipe import ImageRecipe
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.making import make_source_asset
from nh_platform.planning.source_standing import is_current
from nh_platform.reading import open_store
from nh_platform.reading.images.recipe_file import add_recipe, read_recipes
from nh_platform.session import BadUpstreamData, ConfigError, NhError, StoreError
from nh_platform.simulation import TINY
from nh_platform.simulation.allen.pictures import natural_picture
from nh_platform.simulation.seeding import generator
from nh_platform_tests.homes import make_home

SCENES, MOVIE = "natural_scenes", "natural_movie_one"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home whose source has the pictures of natural scenes, and a movie of 12 frames."""
    home = tmp_path_factory.mktemp("images") / "home"
    make_home(home, ("allen_vc",), 1, dataclasses.replace(TINY, allen_pictures=True))
    movie = home / "upstream" / "allen_vc" / "natural_movie_templates" / "natural_movie_1.h5"
    frames = np.load(movie)[::75]
    with movie.open("wb") as file:
        np.save(file, frames)
    return home


@pytest.fixture
def platform(written: Path, tmp_path: Path) -> Platform:
    shutil.copytree(written, tmp_path / "home")
    return Platform(load_settings(tmp_path / "home"))


def recipes(platform: Platform, text: str) -> None:
    folder = platform.settings.home / "image_embeddings"
    folder.mkdir(exist_ok=True)
    (folder / "allen_vc.yaml").write_text(text, encoding="utf-8")


def test_only_sources_with_images_have_it_and_it_runs_in_the_pool_of_the_card() -> None:
    assert ASSET.name in source_assets("allen_vc")
    assert ASSET.name in source_assets("allen_vbn")
    assert ASSET.name not in source_assets("ibl")
    assert ASSET.pool == "gpu"


def test_without_a_recipe_every_set_at_hand_is_embedded_and_read_back(platform: Platform) -> None:
    made = make_source_asset(platform, "allen_vc", ASSET)
    assert all(one.passed for one in made.result.checks.values()), made.result.checks
    assert is_current(platform, "allen_vc", ASSET)
    store = open_store(platform.settings.home)
    table = store.image_embeddings("allen_vc")
    assert table[["image_set", "embedding", "n_images", "n_features"]].values.tolist() == [
        [MOVIE, "gabor-pyramid", 12, 784],
        [SCENES, "gabor-pyramid", 118, 784],
    ]
    scenes, images = store.image_embedding("allen_vc", SCENES), store.images("allen_vc", SCENES)
    assert scenes.image_names == images.image_names
    assert scenes.image_names[117] == "natural_scene_117"
    assert (images.pixels.shape, images.pixels.dtype) == ((118, 114, 146), np.dtype("uint8"))
    np.testing.assert_array_equal(images.pixels[7], natural_picture(generator(7, "allen_vc", "scene", 7), (114, 146)))
    assert images.row("natural_scene_7") == 7
    found = scenes.of([[3, -1]])
    np.testing.assert_array_equal(found[0, 0], scenes.vectors[3])
    assert np.isnan(found[0, 1]).all()
    with pytest.raises(ConfigError, match="rows 118 to 118 are asked for, and it has 0 to 117"):
        scenes.of([118])
    assert len(set(scenes.key)) > 1
    assert scenes.facts["packages"] == computing_packages(OWN["gabor-pyramid"])
    assert "numpy " in scenes.facts["packages"]
    again = make_source_asset(platform, "allen_vc", ASSET)
    assert again.record.data_version == made.record.data_version
    assert again.result.shown["embeddings taken over"] == 2


def test_another_picture_makes_its_set_again_and_no_other(platform: Platform) -> None:
    before = make_source_asset(platform, "allen_vc", ASSET)
    stored = open_store(platform.settings.home)
    keys = stored.image_embeddings("allen_vc").set_index("image_set")["key"]
    scene = platform.settings.home / "upstream" / "allen_vc" / "natural_scene_templates" / "natural_scene_5.tiff"
    shutil.copyfile(scene.with_name("natural_scene_6.tiff"), scene)
    fresh = Platform(load_settings(platform.settings.home))
    assert not is_current(fresh, "allen_vc", ASSET)
    after = make_source_asset(fresh, "allen_vc", ASSET)
    assert after.record.data_version != before.record.data_version
    assert (after.result.shown["embeddings made"], after.result.shown["embeddings taken over"]) == (1, 1)
    now = open_store(platform.settings.home).image_embeddings("allen_vc").set_index("image_set")
    assert now["key"][MOVIE] == keys[MOVIE]
    assert now["key"][SCENES] != keys[SCENES]
    assert after.result.checks[SOUND.name].passed  # two images that are the same may have one vector
    assert now["n_duplicates"][SCENES] == 0


def test_pictures_that_went_away_leave_their_embedding_as_it_is(platform: Platform) -> None:
    make_source_asset(platform, "allen_vc", ASSET)
    shutil.rmtree(platform.settings.home / "upstream" / "allen_vc" / "natural_scene_templates")
    fresh = Platform(load_settings(platform.settings.home))
    assert is_current(fresh, "allen_vc", ASSET)
    made = make_source_asset(fresh, "allen_vc", ASSET)
    assert made.result.rows == 2
    assert any("natural_scenes/gabor-pyramid: kept as it was made" in note for note in made.result.notes)
    store = open_store(platform.settings.home)
    assert store.image_embedding("allen_vc", SCENES).vectors.shape == (118, 784)
    with pytest.raises(BadUpstreamData, match=r"images natural_scenes of allen_vc: .* it is not in .* Put it there"):
        store.images("allen_vc", SCENES)


def test_a_set_that_is_asked_for_and_not_at_hand_is_named_and_the_others_are_made(platform: Platform) -> None:
    recipes(platform, "embeddings:\n- image_set: natural_movie_three\n- image_set: natural_scenes\n")
    made = make_source_asset(platform, "allen_vc", ASSET)
    assert made.result.rows == 1
    assert not made.result.checks[MADE.name].passed
    assert "natural_movie_three/gabor-pyramid: it was not made" in made.result.checks[MADE.name].description
    assert made.result.checks[SOUND.name].passed
    assert is_current(platform, "allen_vc", ASSET)


def test_weights_that_are_missing_stop_one_embedding_and_never_become_another_one(platform: Platform) -> None:
    recipes(platform, "embeddings:\n- image_set: every\n- encoder: dinov2-base\n  weights: models/none\n")
    made = make_source_asset(platform, "allen_vc", ASSET)
    assert {row["embedding"] for row in made.result.shown["embeddings"]} == {"gabor-pyramid"}
    assert any("dinov2-base: it was not made: weights of facebook/dinov2-base" in note for note in made.result.notes)


def test_a_damaged_embedding_that_no_one_read_yet_is_made_again_and_not_dropped(platform: Platform) -> None:
    make_source_asset(platform, "allen_vc", ASSET)
    expected = open_store(platform.settings.home).image_embedding("allen_vc", SCENES).vectors
    shutil.copytree(platform.settings.home, platform.settings.home.with_name("other"))
    other = Platform(load_settings(platform.settings.home.with_name("other")))
    (file,) = other.settings.home.glob(f"store/allen_vc/*/*/*/{SCENES}/gabor-pyramid.npy")
    file.write_bytes(file.read_bytes()[:-4] + b"nope")
    recipes(other, "embeddings:\n- image_set: every\n- image_set: natural_movie_three\n")
    made = make_source_asset(other, "allen_vc", ASSET)
    assert (made.result.shown["embeddings made"], made.result.shown["embeddings taken over"]) == (1, 1)
    np.testing.assert_array_equal(open_store(other.settings.home).image_embedding("allen_vc", SCENES).vectors, expected)


def test_what_cannot_be_made_anew_is_kept_with_what_made_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_source_asset(platform, "allen_vc", ASSET)
    expected = open_store(platform.settings.home).image_embedding("allen_vc", SCENES)

    def broken(weights: Path | None, precision: str) -> Encode:
        raise ConfigError("weights w", "they cannot be read", "Get them again.")

    monkeypatch.setitem(OWN, "gabor-pyramid", dataclasses.replace(OWN["gabor-pyramid"], version="2", open=broken))
    made = make_source_asset(platform, "allen_vc", ASSET)
    assert (made.result.rows, made.result.shown["embeddings made"]) == (2, 0)
    assert not made.result.checks[MADE.name].passed
    assert any("it was not made anew, and is kept as it was: weights w" in note for note in made.result.notes)
    found = open_store(platform.settings.home).image_embedding("allen_vc", SCENES)
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert (found.key, found.facts["encoder_version"]) == (expected.key, "1")
    with pytest.raises(NhError, match=r"weights w: they cannot be read"):
        operations.embed_images(platform.settings.home, "allen_vc")


def test_recipes_that_are_no_file_are_named_and_not_taken_for_none(platform: Platform) -> None:
    path = platform.settings.home / "image_embeddings" / "allen_vc.yaml"
    path.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"allen_vc.yaml: it cannot be read"):
        list(planned(platform, "allen_vc"))
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match=r"allen_vc.yaml: it cannot be read"):
        list(planned(platform, "allen_vc"))
    path.unlink()
    path.symlink_to("gone.yaml")
    with pytest.raises(ConfigError, match=r"allen_vc.yaml: it cannot be read"):
        list(planned(platform, "allen_vc"))


def test_recipes_that_are_added_at_once_are_all_kept(tmp_path: Path) -> None:
    fills = ("grey", "black", "white", "mean")
    asked = [ImageRecipe.model_validate({"form": "unwarped", "fill": fill}) for fill in fills]
    with ThreadPoolExecutor(len(asked)) as threads:
        assert all(threads.map(lambda one: add_recipe(tmp_path, "allen_vbn", one), asked))
    assert {one.fill for one in read_recipes(tmp_path, "allen_vbn") if one.form} == set(fills)


def test_weights_of_a_name_that_no_disk_takes_are_missing(platform: Platform) -> None:
    recipes(platform, f"embeddings:\n- encoder: dinov2-base\n  weights: {'x' * 5000}\n  image_set: {SCENES}\n")
    (found,) = planned(platform, "allen_vc")
    assert "is no folder" in str(found.problem)


def test_nothing_at_hand_makes_an_empty_table_and_a_note(platform: Platform) -> None:
    for name in ("natural_scene_templates", "natural_movie_templates"):
        shutil.rmtree(platform.settings.home / "upstream" / "allen_vc" / name)
    made = make_source_asset(platform, "allen_vc", ASSET)
    assert made.result.rows == 0
    assert not any(one.is_known for one in made.result.checks.values())
    assert made.result.notes == (
        "no image set of allen_vc is at hand; `nh embed images allen_vc SET` fetches one where the source's mode "
        "allows it",
    )
    store = open_store(platform.settings.home)
    with pytest.raises(ConfigError, match=r"no embedding of it is stored for allen_vc. Run `nh embed images"):
        store.image_embedding("allen_vc", SCENES)


def test_names_that_are_none_are_answered_with_those_there_are(platform: Platform) -> None:
    make_source_asset(platform, "allen_vc", ASSET)
    store = open_store(platform.settings.home)
    with pytest.raises(ConfigError, match="Did you mean natural_scenes"):
        store.images("allen_vc", "natural_sceens")
    with pytest.raises(ConfigError, match=r"images of allen_vc have no such form. Use shown"):
        store.images("allen_vc", SCENES, form="warped")
    asked = r"'dinov2-base' of natural_scenes: it is not stored.*natural_scenes --encoder dinov2-base`"
    with pytest.raises(ConfigError, match=asked):
        store.image_embedding("allen_vc", SCENES, "dinov2-base")


def test_a_store_without_anything_says_what_to_run(platform: Platform) -> None:
    (platform.settings.home / "store" / "allen_vc" / "1" / "events").mkdir(parents=True)
    store = open_store(platform.settings.home)
    with pytest.raises(StoreError, match="Run `nh embed images allen_vc`") as refused:
        store.image_embeddings("allen_vc")
    assert "Did you mean" not in str(refused.value)
    with pytest.raises(StoreError, match=r"Did you mean allen_vc\?"):
        store.image_embeddings("allen_v")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("embeddings:\n- encoder: gabor\n", r"allen_vc.yaml:2, image encoder 'gabor': there is no such encoder"),
        ("embeddings:\n- fill: mean\n", "fill is of use with form unwarped alone"),
        ("embeddings:\n- precision: float16\n", "allen_vc.yaml:2"),
        ("embeddings:\n- image_set: every\n- image_set: every\n", "recipe 2: it makes the same embedding as number 1"),
        ("embedings: []\n", "embedings"),
    ],
)
def test_a_mistake_in_the_recipes_is_named_with_its_line(platform: Platform, text: str, said: str) -> None:
    recipes(platform, text)
    with pytest.raises(ConfigError, match=said):
        list(planned(platform, "allen_vc"))


def test_a_scene_of_another_size_is_named(platform: Platform) -> None:
    from PIL import Image

    folder = platform.settings.home / "upstream" / "allen_vc" / "natural_scene_templates"
    Image.fromarray(np.zeros((114, 140), dtype=np.uint8)).save(folder / "natural_scene_9.tiff")
    made = make_source_asset(platform, "allen_vc", ASSET)
    assert any("natural_scene_9.tiff: it is uint8 of 114 × 140 px" in note for note in made.result.notes)
    assert made.result.rows == 1
