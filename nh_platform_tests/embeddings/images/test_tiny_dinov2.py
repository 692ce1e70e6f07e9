"""Encoders with weights, for real: a tiny DINOv2 that the test makes, against transformers' own pipeline."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from nh_platform import operations
from nh_platform.assets.across_sessions.image_embeddings import ASSET
from nh_platform.defs.build import build_defs
from nh_platform.embeddings.images.image_embedding import embed_images
from nh_platform.embeddings.images.image_encoders import find_image_encoder
from nh_platform.embeddings.images.preprocessing import seed_guide
from nh_platform.embeddings.images.recipe import ImageRecipe
from nh_platform.embeddings.images.transformers_models import BFLOAT16_TOLERANCE
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.source_standing import is_current
from nh_platform.reading import open_store
from nh_platform.session import ConfigError
from nh_platform.session.image_set import ImageSet
from nh_platform.simulation import TINY
from nh_platform.training_sets import open_training_set
from nh_platform_tests.embeddings.images.tiny_dinov2 import WIDTH, save_tiny_dinov2
from nh_platform_tests.homes import make_home, materialize

pytestmark = pytest.mark.train

SCENES = "natural_scenes"
DINOV2 = find_image_encoder("dinov2-small")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_dinov2(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="module")
def images() -> ImageSet:
    pixels = np.random.default_rng(3).integers(0, 256, (5, 230, 300)).astype(np.uint8)
    return ImageSet("allen_vc", SCENES, tuple("abcde"), pixels)


def coloured(images: ImageSet) -> list[object]:
    from PIL import Image

    return [Image.fromarray(np.repeat(one[:, :, None], 3, axis=2)) for one in images.pixels]


def test_with_processor_they_equal_the_pipeline_of_transformers(weights: Path, images: ImageSet) -> None:
    from transformers import pipeline

    own = pipeline("image-feature-extraction", model=str(weights))
    expected = np.array([own(one, pool=True)[0] for one in coloured(images)])
    found = embed_images(images, ImageRecipe(preprocessing="processor"), DINOV2, weights, batch_size=2)
    assert found.shape == (5, WIDTH)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    tokens = np.array([own(one)[0][0] for one in coloured(images)])
    np.testing.assert_allclose(found, tokens, atol=1e-5)  # the class token


def test_with_seed_guide_they_equal_the_model_on_the_guides_pixels(weights: Path, images: ImageSet) -> None:
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(str(weights)).eval()
    with torch.inference_mode():
        expected = model(pixel_values=torch.from_numpy(seed_guide(images.pixels))).last_hidden_state[:, 0].numpy()
    found = embed_images(images, ImageRecipe(), DINOV2, weights)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    other = embed_images(images, ImageRecipe(preprocessing="processor"), DINOV2, weights)
    assert np.abs(found - other).max() > 1e-3


def test_half_precision_stays_within_what_is_stated(weights: Path, images: ImageSet) -> None:
    whole = embed_images(images, ImageRecipe(), DINOV2, weights)
    half = embed_images(images, ImageRecipe(precision="bfloat16"), DINOV2, weights)
    away = np.linalg.norm(half - whole, axis=1) / np.linalg.norm(whole, axis=1)
    assert 0 < away.max() < BFLOAT16_TOLERANCE


def test_damaged_weights_and_weights_of_another_model_are_named(
    weights: Path, images: ImageSet, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    def altered(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for path in weights.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        return folder

    short = altered("short")
    whole = (short / "model.safetensors").read_bytes()
    (short / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"weights short: they cannot be read: .* `hf download"):
        embed_images(images, ImageRecipe(), DINOV2, short)

    lacking = altered("lacking")
    tensors = load_file(lacking / "model.safetensors")
    gone = sorted(tensors)[3]
    save_file({name: one for name, one in tensors.items() if name != gone}, lacking / "model.safetensors")
    with pytest.raises(ConfigError, match=f"weights lacking: they lack 1 tensors of the model, first {gone}"):
        embed_images(images, ImageRecipe(), DINOV2, lacking)

    odd = altered("odd")
    config = json.loads((odd / "config.json").read_text()) | {"hidden_size": 64}
    (odd / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="weights odd: they"):
        embed_images(images, ImageRecipe(), DINOV2, odd)

    pickled = altered("pickled")  # another name of safetensors, so that the folder has some
    import torch

    (pickled / "model.safetensors").rename(pickled / "adapter.safetensors")
    torch.save({name: torch.from_numpy(one) for name, one in tensors.items()}, pickled / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="weights pickled: they cannot be read"):
        embed_images(images, ImageRecipe(), DINOV2, pickled)

    code = altered("code")
    (code / "config.json").write_text(json.dumps({"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}))
    (code / "own.py").write_text("import sys\nsys.exit('code of the weights was run')\n")
    with pytest.raises(ConfigError, match="weights code: they cannot be read"):
        embed_images(images, ImageRecipe(), DINOV2, code)

    sizes = altered("sizes")
    settings = json.loads((sizes / "preprocessor_config.json").read_text()) | {"image_mean": [0.5, 0.5]}
    (sizes / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(ConfigError, match="preprocessing processor: it cannot prepare images"):
        embed_images(images, ImageRecipe(preprocessing="processor"), DINOV2, sizes)

    bare = altered("bare")
    (bare / "preprocessor_config.json").unlink()
    with pytest.raises(ConfigError, match=r"preprocessor_config.json of bare: they cannot be read"):
        embed_images(images, ImageRecipe(preprocessing="processor"), DINOV2, bare)


def test_any_vision_model_goes_by_its_name_and_one_that_takes_another_size_says_so(
    images: ImageSet, tmp_path: Path
) -> None:
    from transformers import ViTConfig, ViTModel
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    config = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=64)
    ViTModel(config).eval().save_pretrained(tmp_path / "vit")
    ViTImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(tmp_path / "vit")
    encoder = find_image_encoder("hf:somebody/vit")
    found = embed_images(images, ImageRecipe(preprocessing="processor"), encoder, tmp_path / "vit")
    assert found.shape == (5, 16)
    with pytest.raises(ConfigError, match=r"model vit: it cannot embed images of shape 5 × 3 × 224 × 224 on cpu: .* "):
        embed_images(images, ImageRecipe(), encoder, tmp_path / "vit")


def test_other_weights_make_their_embedding_stale_and_nothing_else(tmp_path: Path) -> None:
    home = tmp_path / "home"
    platform = make_home(home, ("allen_vc",), 1, dataclasses.replace(TINY, allen_pictures=True))
    movies = home / "upstream" / "allen_vc" / "natural_movie_templates"
    for path in movies.iterdir():
        path.unlink()
    save_tiny_dinov2(home / "models" / "tiny")
    with dg.DagsterInstance.ephemeral() as instance:
        at = OpenHome(platform, instance)
        operations.embed_images(at, "allen_vc")
        made = operations.embed_images(at, "allen_vc", SCENES, encoder="dinov2-small", weights="models/tiny")
        assert [(one.embedding, one.state) for one in made.sets] == [("dinov2-small", "made")]
        again = operations.embed_images(at, "allen_vc", SCENES, encoder="dinov2-small", weights="models/tiny")
        assert [one.state for one in again.sets] == ["current"]
        before = open_store(home).image_embeddings("allen_vc").set_index("embedding")["key"]
        first = open_store(home).image_embedding("allen_vc", SCENES, "dinov2-small").vectors
        version = platform.store.data_version("allen_vc", "_source", ASSET.name)

        save_tiny_dinov2(home / "models" / "tiny", seed=1)
        fresh = Platform(load_settings(home))
        assert not is_current(fresh, "allen_vc", ASSET)
        would = operations.embed_images(
            OpenHome(fresh, instance), "allen_vc", SCENES, encoder="dinov2-small", weights="models/tiny", dry_run=True
        )
        assert [one.state for one in would.sets] == ["would be made"]
        made = operations.embed_images(
            OpenHome(fresh, instance), "allen_vc", SCENES, encoder="dinov2-small", weights="models/tiny"
        )
        assert is_current(fresh, "allen_vc", ASSET)
    after = open_store(home).image_embeddings("allen_vc").set_index("embedding")["key"]
    assert after["gabor-pyramid"] == before["gabor-pyramid"]
    assert after["dinov2-small"] != before["dinov2-small"]
    assert platform.store.data_version("allen_vc", "_source", ASSET.name) != version
    assert np.abs(open_store(home).image_embedding("allen_vc", SCENES, "dinov2-small").vectors - first).max() > 0.01


def test_other_weights_make_exactly_the_training_set_that_joins_them_stale(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home, ("allen_vc",), 1, dataclasses.replace(TINY, allen_pictures=True))
    save_tiny_dinov2(home / "models" / "tiny")
    for name, images in (("seen", ", images: dinov2-small"), ("plain", ", images: gabor-pyramid"), ("bare", "")):
        recipe = f"id: {name}\nsources:\n  allen_vc: {{units: all{images}, image_sets: [{SCENES}]}}\n"
        recipe = recipe if images else recipe.replace(f", image_sets: [{SCENES}]", "")
        (home / "training_sets").mkdir(exist_ok=True)
        split = "split: {by: causal, gap_s: 2, shares: {train: 60, valid: 10, test: 30}}\n"
        (home / "training_sets" / f"{name}.yaml").write_text(recipe + split)
    with (home / "sources.yaml").open("a", encoding="utf-8") as file:
        file.write("  also_assets: [spike_events]\n")
    with dg.DagsterInstance.ephemeral() as instance:
        at = OpenHome(Platform(load_settings(home)), instance)
        done = materialize(at.platform, instance, "allen_vc", assets=("units", "windows", "spike_events"))
        assert all(one.success for one in done), [one.errors for one in done]
        for encoder, folder in (("gabor-pyramid", ""), ("dinov2-small", "models/tiny")):
            operations.embed_images(at, "allen_vc", SCENES, encoder=encoder, weights=folder)
        for name in ("seen", "plain", "bare"):
            operations.build_training_set(at, name)
        windows = open_training_set("seen", home).windows("train")
        assert windows.images.vectors.shape == (118, WIDTH)

        save_tiny_dinov2(home / "models" / "tiny", seed=1)
        fresh = OpenHome(Platform(load_settings(home)), instance)
        operations.embed_images(fresh, "allen_vc", SCENES, encoder="dinov2-small", weights="models/tiny")
        stale = [name for name in ("seen", "plain", "bare") if operations.verify_training_set(fresh, name).problems]
        assert stale == ["seen"]
        assert operations.build_training_set(fresh, "seen").number == 2
        assert [operations.build_training_set(fresh, name).is_new for name in ("plain", "bare")] == [False, False]
        graph = build_defs(fresh.platform).resolve_asset_graph()
        parents = graph.get(dg.AssetKey(["training_set"])).parent_keys
        assert dg.AssetKey(["allen_vc", ASSET.name]) in parents
