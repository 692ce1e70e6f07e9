"""An encoder of images of a lab's package joins without a change here, and a broken one is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nh_platform.embeddings.images.image_embedding import embed_images
from nh_platform.embeddings.images.image_encoder import ENTRY_POINTS, ImageEncoder
from nh_platform.embeddings.images.image_encoders import (
    find_image_encoder,
    installed_image_encoders,
    known_image_encoders,
)
from nh_platform.embeddings.images.recipe import ImageRecipe
from nh_platform.session import ConfigError
from nh_platform.session.image_set import ImageSet
from nh_platform_tests.lab_packages import install, on_the_path

HERE = __name__
IMAGES = ImageSet("allen_vc", "scenes", ("a", "b"), np.stack([np.full((20, 30), k, np.uint8) for k in (0, 255)]))


def raising(batch: np.ndarray) -> np.ndarray:
    raise RuntimeError("no such layer")


MEAN_GREY = ImageEncoder("mean-grey", "1", lambda weights, precision: lambda batch: batch.mean(axis=(2, 3)))
RAISING = ImageEncoder("raising", "1", lambda weights, precision: raising)
WORDS = ImageEncoder("words", "1", lambda weights, precision: lambda batch: np.full((len(batch), 2), "grey"))
NOTHING = ImageEncoder("nothing", "1", lambda weights, precision: lambda batch: np.zeros((len(batch), 0)))
GABOR_AGAIN = ImageEncoder("gabor-pyramid", "9", lambda weights, precision: raising)


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[None]:
    names = ("MEAN_GREY", "RAISING", "WORDS", "NOTHING", "GABOR_AGAIN", "no_such_encoder")
    points = {name.lower(): f"{HERE}:{name}" for name in names}
    with on_the_path(install(tmp_path, points, group=ENTRY_POINTS)):
        yield


def test_one_of_a_package_is_found_by_its_name_and_embeds(installed: None) -> None:
    assert list(known_image_encoders())[-4:] == ["mean-grey", "nothing", "raising", "words"]
    vectors = embed_images(IMAGES, ImageRecipe(encoder="mean-grey"), find_image_encoder("mean-grey"))
    np.testing.assert_allclose(vectors[1] - vectors[0], 1 / np.array([0.229, 0.224, 0.225]), rtol=1e-5)


def test_one_that_raises_takes_a_name_or_is_not_there_is_named_with_its_package(installed: None) -> None:
    with pytest.raises(ConfigError, match=r"image encoder raising of package toy-lab: it cannot embed the images: "):
        embed_images(IMAGES, ImageRecipe(encoder="raising"), find_image_encoder("raising"))
    with pytest.raises(ConfigError, match=r"image encoder words of package toy-lab: it cannot embed the images: "):
        embed_images(IMAGES, ImageRecipe(encoder="words"), find_image_encoder("words"))
    with pytest.raises(ConfigError, match=r"image encoder nothing: returned numbers of shape \(2, 0\) for 2 images"):
        embed_images(IMAGES, ImageRecipe(encoder="nothing"), find_image_encoder("nothing"))
    assert find_image_encoder("gabor-pyramid").version != "9"
    said = " ".join(str(one.error) for one in installed_image_encoders().problems)
    assert "the name 'gabor-pyramid' is taken already, by nh-platform" in said
    assert "no_such_encoder of package toy-lab" in said


def test_a_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match="lower-case words joined by hyphens"):
        ImageEncoder("Mean grey", "1", lambda weights, precision: raising)
