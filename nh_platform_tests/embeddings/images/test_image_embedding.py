"""Images to vectors: what is refused by name, what identifies the result, and when it is unsound."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nh_platform.embeddings.images.image_embedding import embed_images
from nh_platform.embeddings.images.image_encoder import ImageEncoder
from nh_platform.embeddings.images.image_encoders import find_image_encoder, known_image_encoders
from nh_platform.embeddings.images.preprocessing import find_preprocessing
from nh_platform.embeddings.images.recipe import ImageRecipe, embedding_key
from nh_platform.embeddings.images.soundness import problems_of
from nh_platform.embeddings.images.weights import find_weights
from nh_platform.embeddings.vector_quality import VectorQuality, vector_quality
from nh_platform.session import ConfigError
from nh_platform.session.image_set import ImageSet, filled

RECIPE = ImageRecipe()
GABOR = find_image_encoder("gabor-pyramid")


def images(pixels: np.ndarray, names: tuple[str, ...] = ()) -> ImageSet:
    return ImageSet("allen_vc", "scenes", names or tuple(f"im{k}" for k in range(len(pixels))), pixels)


def noise(n: int = 5) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, 60, 80)).astype(np.uint8)


def test_batches_make_the_same_vectors_and_say_how_far_they_are() -> None:
    told: list[int] = []
    whole = embed_images(images(noise()), RECIPE, GABOR)
    cut = embed_images(images(noise()), RECIPE, GABOR, batch_size=2, on_done=told.append)
    np.testing.assert_array_equal(cut, whole)
    assert told == [2, 4, 5]
    assert (whole.shape, whole.dtype) == ((5, 784), np.dtype("float32"))


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (noise().astype(np.uint16), "their type is uint16, expected uint8"),
        (noise() / 255, "their type is float64, expected uint8"),
        (noise()[..., None], r"they have the shape \(5, 60, 80, 1\) and 5 names"),
        (np.zeros((0, 60, 80), np.uint8), r"they have the shape \(0, 60, 80\)"),
        (noise()[:, :4], "they are 4 × 80 px, expected 8 px at least"),
    ],
)
def test_images_of_another_type_or_size_are_refused_by_name(pixels: np.ndarray, said: str) -> None:
    with pytest.raises(ConfigError, match=f"images scenes of allen_vc: {said}"):
        embed_images(images(pixels), RECIPE, GABOR)


def test_an_encoder_is_never_given_what_it_does_not_take() -> None:
    with pytest.raises(ConfigError, match=r"gabor-pyramid: it does not take the preprocessing processor"):
        embed_images(images(noise()), ImageRecipe(preprocessing="processor"), GABOR)
    with pytest.raises(ConfigError, match=r"dinov2-base: it needs weights"):
        embed_images(images(noise()), RECIPE, find_image_encoder("dinov2-base"))
    odd = ImageEncoder("odd", "1", lambda weights, precision: lambda batch: np.zeros(len(batch)))
    with pytest.raises(ConfigError, match=r"image encoder odd: returned numbers of shape \(5,\) for 5 images"):
        embed_images(images(noise()), RECIPE, odd)


def test_encoders_by_name() -> None:
    assert list(known_image_encoders())[:4] == ["gabor-pyramid", "dinov2-small", "dinov2-base", "dinov2-large"]
    assert find_image_encoder("hf:google/vit-base").weights == "google/vit-base"
    with pytest.raises(ConfigError, match=r"Did you mean dinov2-base"):
        find_image_encoder("dinov2-bsae")
    with pytest.raises(ConfigError, match=r"Write hf:owner/model"):
        find_image_encoder("hf:a b")


def test_the_key_moves_with_everything_that_makes_the_result_and_with_nothing_else() -> None:
    guide = find_preprocessing("seed-guide")

    def key(recipe: ImageRecipe, pixels: str = "p", encoder: ImageEncoder = GABOR, weights: str = "w") -> str:
        return embedding_key(pixels, recipe, encoder, weights, guide)

    first = key(RECIPE)
    assert key(ImageRecipe(weights="elsewhere", image_set="natural_scenes")) == first
    assert key(ImageRecipe(form="warped")) == first  # what the default is called
    newer = ImageEncoder(GABOR.name, "2", GABOR.open)
    others = [
        key(RECIPE, pixels="q"),
        key(RECIPE, encoder=newer),
        key(RECIPE, weights="v"),
        key(ImageRecipe(precision="bfloat16")),
        key(ImageRecipe(form="unwarped")),
        key(ImageRecipe(form="unwarped", fill="mean")),
        embedding_key("p", RECIPE, GABOR, "w", find_preprocessing("processor")),
    ]
    assert len({first, *others}) == 1 + len(others)


def measured(vectors: np.ndarray, n_distinct: int | None = None) -> VectorQuality:
    return vector_quality(vectors, scaled=False, n_distinct=n_distinct)


def test_what_is_unsound_is_said_in_words() -> None:
    rng = np.random.default_rng(0)
    good = rng.normal(size=(20, 8)).astype(np.float32)
    assert problems_of(measured(good)) == []
    assert 6 < measured(good).effective_rank < 8
    twice = np.repeat(good, 2, axis=0)
    assert problems_of(measured(twice, 40)) == ["20 images have the vector of another one that differs"]
    assert problems_of(measured(twice, 20)) == []
    assert problems_of(measured(np.ones((20, 8), np.float32))) == ["every image has the same vector"]
    line = (rng.normal(size=(20, 1)) * rng.normal(size=(1, 8))).astype(np.float32)
    assert problems_of(measured(line)) == ["its effective rank is 1.00, at least 2 is expected"]
    good[3, 4] = np.nan
    assert problems_of(measured(good)) == ["1 vector with numbers that are not finite"]


def test_fills_of_what_lies_outside_of_the_picture() -> None:
    pixels = np.array([[[np.nan, 10.0], [20.0, 30.4]]])
    assert filled(pixels, "grey").tolist() == [[[127, 10], [20, 30]]]
    assert filled(pixels, "black")[0, 0, 0] == 0
    assert filled(pixels, "mean")[0, 0, 0] == 20
    with pytest.raises(ConfigError, match=r"fill 'blue'"):
        filled(pixels, "blue")
    with pytest.raises(ConfigError, match=r"levels are -1 to 30"):
        filled(np.array([[[np.nan, -1.0], [20.0, 30.0]]]), "grey")


def test_weights_that_are_missing_or_pickled_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere is no folder. Get them: `hf download facebook/dinov2-base"):
        find_weights("nowhere", "facebook/dinov2-base", tmp_path)
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "config.json").write_text("{}")
    (tmp_path / "w" / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ConfigError, match=r"w has no \*.safetensors \(pytorch_model.bin is not read: it is pickled\)"):
        find_weights("w", "facebook/dinov2-base", tmp_path)
    (tmp_path / "w" / "model.safetensors").write_bytes(b"x")
    first = find_weights("w", "facebook/dinov2-base", tmp_path).sha256
    (tmp_path / "w" / "README.md").write_text("not read")
    assert find_weights("w", "any", tmp_path).sha256 == first
    (tmp_path / "w" / "model.safetensors").write_bytes(b"y")
    second = find_weights("w", "any", tmp_path).sha256
    assert second != first
    own = {find_weights("w", "any", tmp_path, preprocessing="processor").sha256}
    for name in ("preprocessor_config.json", "processor_config.json"):  # transformers prefers the second
        (tmp_path / "w" / name).write_text("{}")
        assert find_weights("w", "any", tmp_path).sha256 == second  # seed-guide does not read them
        own.add(find_weights("w", "any", tmp_path, preprocessing="processor").sha256)
    assert len(own) == 3


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ('{"weight_map": {"a": "../other/model.safetensors"}}', r"names '../other/model.safetensors', which is no"),
        ('{"weight_map": {"a": "pytorch_model.bin"}}', r"names 'pytorch_model.bin', which is no"),
        ('{"weight_map": 3}', "model.safetensors.index.json cannot be read"),
        ("[", "model.safetensors.index.json cannot be read"),
        (None, "model.safetensors.index.json: it is a FIFO"),
    ],
)
def test_an_index_of_weights_names_files_of_the_folder_alone(tmp_path: Path, index: str | None, said: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    path = tmp_path / "model.safetensors.index.json"
    if index is None:
        os.mkfifo(path)
    else:
        path.write_text(index)
    with pytest.raises(ConfigError, match=said):
        find_weights(str(tmp_path), "any", tmp_path)


def test_nothing_heavy_is_imported_for_the_encoder_without_weights() -> None:
    code = (
        "import sys, nh_platform.embeddings.images.image_encoders\n"
        "assert not {'torch', 'transformers', 'skimage', 'huggingface_hub'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
