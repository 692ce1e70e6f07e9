"""Images of a training set: pinned by key when it is built, joined in one call, refused once others were made."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.defs.build import build_defs
from nh_platform.embeddings.images.image_encoders import OWN
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.load import Batches
from nh_platform.load.session_part import SessionPart
from nh_platform.operations.opened_home import OpenHome
from nh_platform.session import ConfigError, StoreError
from nh_platform.simulation.allen.pictures import write_pictures
from nh_platform.store import Provenance
from nh_platform.store.names import TRAINING_SETS
from nh_platform.training_sets import open_training_set
from nh_platform.training_sets.opened import OpenTrainingSet
from nh_platform_tests.training_sets.conftest import write_recipe

SCENES, MOVIE = "natural_scenes", "natural_movie_one"
SEEN = """\
id: seen
description: Presentations of natural scenes, and what was shown.
sources:
  allen_vc: {units: all, presets: [stim-halves-500ms], images: gabor-pyramid, image_sets: [natural_scenes]}
split:
  by: causal
  gap_s: 2
  shares: {train: 60, valid: 10, test: 30}
"""
UNSEEN = SEEN.replace("id: seen", "id: unseen").replace(", images: gabor-pyramid, image_sets: [natural_scenes]", "")


@pytest.fixture(scope="module")
def pictured_home(made_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home whose source has pictures, with recipes of a set with images of natural scenes and of one without."""
    home = tmp_path_factory.mktemp("pictured") / "home"
    shutil.copytree(made_home, home)
    for recipe in (SEEN, UNSEEN):
        write_recipe(home, recipe)
    write_pictures(home / "upstream" / "allen_vc", 7)
    (home / "image_embeddings").mkdir()
    (home / "image_embeddings" / "allen_vc.yaml").write_text("embeddings:\n- image_set: natural_scenes\n")
    return home


@pytest.fixture(scope="module")
def built_home(pictured_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home in which scenes are embedded and both sets are built."""
    home = tmp_path_factory.mktemp("built") / "home"
    shutil.copytree(pictured_home, home)
    with dg.DagsterInstance.ephemeral() as instance:
        build(OpenHome(Platform(load_settings(home)), instance))
    return home


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def pictured(pictured_home: Path, instance: dg.DagsterInstance, tmp_path: Path) -> OpenHome:
    """Copy of the home in which nothing is embedded."""
    shutil.copytree(pictured_home, tmp_path / "home")
    return OpenHome(Platform(load_settings(tmp_path / "home")), instance)


@pytest.fixture
def built(built_home: Path, instance: dg.DagsterInstance, tmp_path: Path) -> OpenHome:
    """Copy of the home in which both sets are built."""
    shutil.copytree(built_home, tmp_path / "home")
    return OpenHome(Platform(load_settings(tmp_path / "home")), instance)


def build(at: OpenHome) -> None:
    """Embed scenes, and build both sets."""
    operations.embed_images(at, "allen_vc", SCENES)
    for name in ("seen", "unseen"):
        assert operations.build_training_set(at, name).leaks == ()


def make_anew(at: OpenHome, monkeypatch: pytest.MonkeyPatch) -> OpenHome:
    """Embed scenes by another version of the encoder, and return the home opened afresh."""
    monkeypatch.setitem(OWN, "gabor-pyramid", dataclasses.replace(OWN["gabor-pyramid"], version="other"))
    fresh = OpenHome(Platform(load_settings(at.platform.settings.home)), at.instance)
    operations.embed_images(fresh, "allen_vc", SCENES)
    return fresh


def test_a_multimodal_batch_is_one_call(built: OpenHome) -> None:
    chosen = open_training_set("seen", built.platform.settings.home)
    n_seen = 0
    for split in ("train", "valid", "test"):
        windows = chosen.windows(split)
        batch = Batches(windows, batch_size=len(windows)).batch(0)
        seen = batch.image_rows >= 0
        n_seen += int(seen.sum())
        np.testing.assert_array_equal(batch.images[seen], windows.images.vectors[batch.image_rows[seen]])
        assert np.isnan(batch.images[~seen]).all()
        expected = np.concatenate([scene_of_windows(chosen, part) for part in windows.parts])
        assert batch.image_rows.tolist() == expected[batch.windows].tolist()
    assert n_seen > 100
    unseen = open_training_set("unseen", built.platform.settings.home)
    assert Batches(unseen.windows("train"), 4).batch(0).images is None
    assert unseen.images.empty


def test_frames_of_a_movie_join_bin_by_bin(built: OpenHome) -> None:
    home = built.platform.settings.home
    text = SEEN.replace("id: seen", "id: frames").replace("stim-halves-500ms", "continuous-1s")
    write_recipe(home, text.replace(", image_sets: [natural_scenes]", ""))
    operations.embed_images(built, "allen_vc", MOVIE)
    operations.build_training_set(built, "frames")
    chosen = open_training_set("frames", home)
    assert chosen.images[["image_set", "n_images"]].values.tolist() == [[MOVIE, 900], [SCENES, 118]]
    windows = chosen.windows("train")
    batch = Batches(windows, batch_size=len(windows)).batch(0)
    n_bins, frames = batch.image_rows_by_bin.shape[1], set()
    for row in range(len(windows)):
        table = chosen.session(windows[int(batch.windows[row])].session_id).image_rows
        table = table[(table["image_set"] == MOVIE) & (table["image_row"] >= 0)]
        centres = batch.start[row] + (np.arange(n_bins) + 0.5) / n_bins
        on = (table["onset"].to_numpy() <= centres[:, None]) & (centres[:, None] < table["offset"].to_numpy())
        of_movie = on.any(axis=1)
        expected = table["image_row"].to_numpy()[on.argmax(axis=1)]
        assert batch.image_rows_by_bin[row][of_movie].tolist() == expected[of_movie].tolist()
        frames.update(expected[of_movie].tolist())
    assert len(frames) > 5


def scene_of_windows(chosen: OpenTrainingSet, part: SessionPart) -> np.ndarray:
    """Return the natural scene that each window of a session is aligned to, by its frame; -1 of anything else."""
    session = chosen.session(part.session_id)
    table = session.presentations.set_index("presentation_id")
    aligned = session.windows("stim-halves-500ms").shown.aligned[part.window_ids]
    rows = [table.loc[one] for one in aligned]
    return np.array([int(one["frame"]) if one["stimulus_name"] == "natural_scenes" else -1 for one in rows])


def test_a_set_states_the_key_and_the_version_of_what_it_joins(built: OpenHome) -> None:
    home = built.platform.settings.home
    chosen = open_training_set("seen", home)
    (row,) = chosen.images.to_dict("records")
    embedding = chosen.store.image_embedding("allen_vc", SCENES)
    assert (row["image_set"], row["embedding"], row["key"]) == (SCENES, "gabor-pyramid", embedding.key)
    assert row["data_version"] == built.platform.store.data_version("allen_vc", "_source", "image_embeddings")
    (folder,) = built.platform.store.history(TRAINING_SETS, "seen", "training_set").values()
    assert Provenance.read(folder).inputs["allen_vc/images/natural_scenes/gabor-pyramid"] == embedding.key
    said = CliRunner().invoke(app, ["--home", str(home), "train-set", "show", "seen"])
    assert "images: gabor-pyramid of natural_scenes, 118 images, 784 numbers each" in " ".join(said.output.split())


def test_another_embedding_of_the_images_is_refused_and_sets_without_images_stay(
    built: OpenHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = built.platform.settings.home
    digest = open_training_set("seen", home).content.digest
    operations.embed_images(built, "allen_vc", MOVIE)  # beside it: the key of scenes is what it was
    assert len(open_training_set("seen", home).windows("train")) > 0
    assert not operations.build_training_set(built, "seen").is_new
    fresh = make_anew(built, monkeypatch)
    again = r"seen@1, images natural_scenes of allen_vc, gabor-pyramid: another one was made since. Build the set again"
    with pytest.raises(StoreError, match=again):
        open_training_set("seen", home).windows("train")
    assert len(open_training_set("unseen", home).windows("train")) > 0
    (problem,) = operations.verify_training_set(fresh, "seen").problems
    assert "another one was made since" in problem
    assert operations.verify_training_set(fresh, "unseen").problems == ()
    with pytest.raises(StoreError, match="cannot be kept"):
        operations.lock_training_set(fresh, "seen")
    made = operations.build_training_set(fresh, "seen")
    assert (made.number, made.content.digest != digest) == (2, True)
    assert not operations.build_training_set(fresh, "unseen").is_new
    kinds = operations.compare_training_sets(fresh, "seen@1", "seen@2")
    assert kinds["kind"].tolist() == ["images"]
    assert len(open_training_set("seen", home).windows("train")) > 0


def test_a_lock_keeps_the_images(built: OpenHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home = built.platform.settings.home
    expected = open_training_set("seen", home).windows("train").images
    operations.lock_training_set(built, "seen")
    fresh = make_anew(built, monkeypatch)
    found = open_training_set("seen", home).windows("train").images
    assert found.key == expected.key
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert operations.verify_training_set(fresh, "seen").problems == ()


def test_the_same_set_is_made_elsewhere_with_its_images(built: OpenHome, tmp_path: Path) -> None:
    home, other = built.platform.settings.home, tmp_path / "other"
    operations.lock_training_set(built, "seen", tmp_path / "seen.lock.json")
    shutil.copytree(
        home, other, ignore=shutil.ignore_patterns("*training_sets", "image_embeddings", ".locks", "_source")
    )
    at = OpenHome(Platform(load_settings(other)), built.instance)
    would = operations.reproduce_training_set(at, tmp_path / "seen.lock.json", dry_run=True)
    assert would.images_to_make == ("allen_vc/natural_scenes/gabor-pyramid",)
    made = operations.reproduce_training_set(at, tmp_path / "seen.lock.json")
    assert made.is_same, made.differing
    assert len(open_training_set("seen", other).windows("train")) > 0


def test_image_sets_that_another_home_has_besides_do_not_join(built: OpenHome, tmp_path: Path) -> None:
    home, other = built.platform.settings.home, tmp_path / "other"
    write_recipe(home, SEEN.replace(", image_sets: [natural_scenes]", ""))  # every set that has the embedding
    operations.build_training_set(built, "seen")
    operations.lock_training_set(built, "seen", tmp_path / "seen.lock.json")
    shutil.copytree(home, other, ignore=shutil.ignore_patterns("*training_sets", ".locks"))
    at = OpenHome(Platform(load_settings(other)), built.instance)
    operations.embed_images(at, "allen_vc", MOVIE)
    made = operations.reproduce_training_set(at, tmp_path / "seen.lock.json")
    assert made.is_same, made.differing


def test_in_the_page_a_set_with_images_depends_on_them_and_is_told_stale(
    pictured: OpenHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster._core.definitions.data_version import CachingStaleStatusResolver
    from dagster._core.loader import LoadingContextForTest

    key, images = dg.AssetKey(["training_set"]), dg.AssetKey(["allen_vc", "image_embeddings"])

    def causes(at: OpenHome) -> list[str]:
        graph = build_defs(at.platform).resolve_asset_graph()
        assert images in graph.get(key).parent_keys
        resolver = CachingStaleStatusResolver(at.instance, graph, LoadingContextForTest(at.instance))
        return [one.dependency_asset_key for one in resolver.get_stale_causes(key, "seen")]

    build(pictured)
    assert causes(pictured) == []
    assert causes(make_anew(pictured, monkeypatch)) == [images]
    home = pictured.platform.settings.home
    (home / "training_sets" / "seen.yaml").unlink()
    graph = build_defs(Platform(load_settings(home))).resolve_asset_graph()
    assert images not in graph.get(key).parent_keys  # no set of the home reads them


def test_images_that_are_not_there_are_refused_with_what_to_run(pictured: OpenHome) -> None:
    at, home = pictured, pictured.platform.settings.home
    with pytest.raises(
        StoreError, match=r"training set seen, images .* no image_embeddings of it. Run `nh embed images allen_vc`"
    ):
        operations.build_training_set(at, "seen")
    operations.embed_images(at, "allen_vc", SCENES)
    write_recipe(home, SEEN.replace("gabor-pyramid", "gabor-pyramd"))
    said = r"training set seen, images gabor-pyramd of allen_vc: .* Use gabor-pyramid, or .* Did you mean gabor-pyramid"
    with pytest.raises(ConfigError, match=said):
        operations.build_training_set(at, "seen")
    write_recipe(home, SEEN.replace("[natural_scenes]", "[natural_movie_three]"))
    with pytest.raises(ConfigError, match=r"none is stored of the image set natural_movie_three. Use natural_scenes"):
        operations.build_training_set(at, "seen")
    write_recipe(home, SEEN.replace("images: gabor-pyramid, ", ""))
    with pytest.raises(ConfigError, match="image_sets are of use with images"):
        operations.build_training_set(at, "seen")


def test_a_session_whose_images_are_others_is_left_out_with_a_note(
    built: OpenHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nh_platform.reading import SessionView

    first = sorted(built.platform.store.sessions("allen_vc"))[-1]
    rows = SessionView(built.platform.store, "allen_vc", first).image_rows
    beyond = rows.assign(image_row=rows["image_row"].where(rows["image_set"] != SCENES, 118))
    own = SessionView.image_rows

    def shown(self: SessionView) -> object:
        return beyond if self.session_id == first else own.func(self)

    monkeypatch.setattr(SessionView, "image_rows", property(shown))
    made = operations.build_training_set(built, "seen", dry_run=True).content
    assert first not in set(made.tables["set_sessions"]["session_id"])
    assert any(f"session {first}" in text and "name row 118" in text for text in made.header["left_out"])
